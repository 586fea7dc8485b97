"""Artifacts on disk: a directory of files, `manifest.json` (the Artifact record) and `manifest.sig` (its signature)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue, ValidationError

from sovplatform.errors import Denied, NotFound, SignatureInvalid
from sovplatform.labels import Label
from sovplatform.private import write_atomically
from sovplatform.records import Artifact, FileEntry, Kind, PrivacyEvidence, Signature

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
DECISION = "decision.json"
RESERVED = frozenset({MANIFEST, SIGNATURE, DECISION})


def hash_file(path: Path) -> FileEntry:
    """Size and SHA-256 of one file, read once."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileEntry(path=path.name, size=os.fstat(file.fileno()).st_size, sha256=f"sha256:{digest}")


def entries(directory: Path) -> tuple[FileEntry, ...]:
    """All payload files below the directory, sorted by path. A link or a special file is refused: it points outside.

    Raises:
        Denied: something in the directory is neither a plain file nor a directory.
    """
    found: list[FileEntry] = []
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise Denied(f"{relative} in artifact {directory.name} is not a plain file", remedy="put the file itself there")
        if path.is_file() and relative not in RESERVED:
            found.append(hash_file(path).model_copy(update={"path": relative}))
    return tuple(found)


def seal(
    directory: Path,
    *,
    kind: Kind,
    name: str,
    label: Label,
    producer: str,
    task: str = "",
    run: str = "",
    round: int | None = None,
    parents: tuple[str, ...] = (),
    privacy: PrivacyEvidence | None = None,
    facts: Mapping[str, JsonValue] = {},
) -> Artifact:
    """Hash the directory's files, write its manifest, and return it."""
    artifact = Artifact(
        kind=kind,
        name=name,
        label=label,
        files=entries(directory),
        producer=producer,
        task=task,
        run=run,
        round=round,
        parents=parents,
        privacy=privacy,
        facts=facts,
    )
    write_atomically(directory / MANIFEST, artifact.canonical())
    return artifact


def load(directory: Path) -> tuple[Artifact, Signature | None]:
    """The manifest and, when there is one, its signature. The files are not read; see `check`.

    Raises:
        NotFound: no manifest.
        SignatureInvalid: the manifest or signature cannot be parsed.
    """
    try:
        artifact = Artifact.from_json((directory / MANIFEST).read_bytes())
        signed = directory / SIGNATURE
        return artifact, Signature.from_json(signed.read_bytes()) if signed.exists() else None
    except FileNotFoundError as err:
        raise NotFound(f"no artifact at {directory}", remedy="give the directory that holds manifest.json") from err
    except ValidationError as err:
        raise SignatureInvalid(f"the manifest of {directory.name} cannot be read", remedy="have it made again") from err


def check(directory: Path, artifact: Artifact) -> None:
    """Read every file once and compare with the manifest.

    Raises:
        SignatureInvalid: a file is missing, added or changed.
    """
    found = entries(directory)
    if found == artifact.files:
        return
    declared = {entry.path: entry for entry in artifact.files}
    actual = {entry.path: entry for entry in found}
    wrong = sorted(path for path in declared.keys() | actual.keys() if declared.get(path) != actual.get(path))
    raise SignatureInvalid(
        f"artifact {artifact.name} is not what its manifest says",
        reasons=[f"differs: {', '.join(wrong[:5])}"],
        remedy="have it made again",
    )
