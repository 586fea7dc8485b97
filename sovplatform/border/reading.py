"""One pass over an artifact's directory: every file is opened once, and hashed and inspected from the same bytes.

What is looked at is what is hashed, so a file that is changed meanwhile gives another digest and not another verdict. What
is sent later is hashed again: the destination compares it with the digest that the decision is bound to.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sovplatform.artifacts import RESERVED
from sovplatform.border.formats import reader_for
from sovplatform.records import Artifact, FileEntry, Kind, TensorSpec

CHUNK = 1024 * 1024
MAX_FILES = 256
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}(\.[A-Za-z0-9_-]{1,40}){1,3}", re.ASCII)

_MAGIC = {
    b"PK\x03\x04": "a zip archive (PyTorch and NumPy pickles are such)",
    b"\x1f\x8b": "gzip",
    b"\x89HDF": "HDF5",
    b"PAR1": "Parquet",
    b"\x7fELF": "a program",
    b"#!": "a script",
    b"\x93NUMPY": "a NumPy array",
    b"SQLite": "a SQLite database",
    **{bytes((0x80, version)): "a pickle" for version in range(2, 6)},
}


@dataclass(frozen=True)
class ReadFile:
    """One file as it was found: its entry, its tensors when it has some, and what is wrong with it."""

    entry: FileEntry
    tensors: Mapping[str, TensorSpec]
    flaw: str = ""


@dataclass(frozen=True)
class Reading:
    """All files of an artifact. `strays` tell what is there that the manifest does not declare, or not so."""

    files: tuple[ReadFile, ...]
    strays: tuple[str, ...]

    @property
    def bytes(self) -> int:
        return sum(file.entry.size for file in self.files)


def read(directory: Path, artifact: Artifact) -> Reading:
    """Read the files that the manifest declares, once, and nothing else.

    Raises:
        OSError: the directory cannot be read, or is a link.
    """
    strays = [f"its manifest {flaw}" for flaw in _manifest_flaws(artifact)]
    if strays:
        return Reading((), tuple(strays))
    declared = {entry.path: entry for entry in artifact.files}
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        present = sorted(set(os.listdir(folder)) - RESERVED)  # noqa: PTH208 - by descriptor, so that the folder stays the same
        extra = [name for name in present if name not in declared]
        if extra:
            strays.append(f"{len(extra)} files are not in its manifest")
        files = []
        for name in sorted(declared.keys() & set(present)):
            found = _read_file(folder, declared[name], artifact.kind)
            if isinstance(found, str):
                strays.append(found)
            else:
                files.append(found)
        strays += [f"{name} is missing" for name in sorted(declared.keys() - set(present))]
    finally:
        os.close(folder)
    return Reading(tuple(files), tuple(strays))


def _manifest_flaws(artifact: Artifact) -> list[str]:
    names = [entry.path for entry in artifact.files]
    if not names:
        return ["declares no files"]
    if len(names) > MAX_FILES:
        return [f"declares more than {MAX_FILES} files"]
    if not all(NAME.fullmatch(name) for name in names):
        return ["declares a file that has an odd name or is in a folder"]
    if len({name.lower() for name in names}) != len(names) or RESERVED & set(names):
        return ["declares one name twice, or a name that is reserved"]
    return []


def _read_file(folder: int, declared: FileEntry, kind: Kind) -> ReadFile | str:
    """Read one file; the answer is a text when it is not what was declared."""
    name = declared.path
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return f"{name} is a link or cannot be opened"
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            return f"{name} is not a plain file"
        if before.st_size != declared.size:
            return f"{name} has another size than its manifest says"
        found = _hash_and_inspect(descriptor, declared, kind)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if (before.st_size, before.st_mtime_ns, before.st_ctime_ns) != (after.st_size, after.st_mtime_ns, after.st_ctime_ns):
        return f"{name} was changed while it was read"
    return found if found.entry == declared else f"{name} has another digest than its manifest says"


def _hash_and_inspect(descriptor: int, declared: FileEntry, kind: Kind) -> ReadFile:
    suffix = Path(declared.path).suffix
    reader = reader_for(suffix, kind, declared.size)
    hasher = hashlib.sha256()
    buffer = bytearray(min(CHUNK, declared.size + 1))
    view = memoryview(buffer)
    first, size = b"", 0
    while count := os.readv(descriptor, [buffer]):
        chunk = view[:count]
        if not size:
            first = bytes(chunk[:8])
        size += count
        if size > declared.size:
            break  # it grew; what is beyond the declared size is not looked at
        hasher.update(chunk)
        if reader is not None:
            reader.feed(chunk)
    flaw = reader.finish() if reader is not None else f"an artifact of kind {kind.value} may hold no {suffix or 'such'} files"
    if flaw:
        flaw = "; ".join([flaw, *(f"it looks like {what}" for magic, what in _MAGIC.items() if first.startswith(magic))])
    entry = FileEntry(path=declared.path, size=size, sha256=f"sha256:{hasher.hexdigest()}")
    return ReadFile(entry, reader.tensors if reader is not None else {}, flaw)
