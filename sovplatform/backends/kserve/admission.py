"""Admission: a release is verified before a byte of it is loaded, and the bytes that were verified are what is loaded."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sovplatform.approvals import check_approvals
from sovplatform.artifacts import MANIFEST, RESERVED, load
from sovplatform.backends.kserve.trust import ServingTrust
from sovplatform.errors import Denied, NotFound, SignatureInvalid
from sovplatform.records import Kind, ServedModel, now
from sovplatform.signing import key_hint, verified_files


@dataclass(frozen=True)
class Admitted:
    """A verified private copy of a model's directory."""

    served: ServedModel
    directory: Path

    def discard(self) -> None:
        """Remove the copy, when the model is served no longer."""
        shutil.rmtree(self.directory.parent, ignore_errors=True)


def admit(served: ServedModel, trust: ServingTrust, private: Path, accepted_at: Callable[[str], datetime | None]) -> Admitted:
    """Check approvals, key, signature and artifact digest, on a private copy, so that nobody can change it in between.

    An approval must be in force when its release is first accepted; a restart or a rollback later is no new release.

    Raises:
        Denied: not approved, not signed by a pinned key, another region's, or not the artifact of the release.
        NotFound: no such directory.
    """
    _check_release(served, trust, accepted_at)
    bundle = _read_bundle(served)
    copy = Path(tempfile.mkdtemp(prefix="model-", dir=private)) / "model"
    try:
        shutil.copytree(served.directory, copy, symlinks=True, copy_function=shutil.copyfile)
        _check_files(served, bundle, copy)
    except (OSError, shutil.Error) as err:
        shutil.rmtree(copy.parent, ignore_errors=True)
        raise NotFound(f"the files of release {served.release.id} cannot be read", remedy="fetch them again") from err
    except BaseException:
        shutil.rmtree(copy.parent, ignore_errors=True)
        raise
    return Admitted(served, copy)


def _check_release(served: ServedModel, trust: ServingTrust, accepted_at: Callable[[str], datetime | None]) -> None:
    release = served.release
    if trust.region and release.region != trust.region:
        raise Denied(f"release {release.id} is for region {release.region}, not {trust.region}", remedy="propose one for it")
    if key_hint(served.key) not in {key_hint(key) for key in trust.keys}:
        raise SignatureInvalid(f"release {release.id} names a key that is not pinned", remedy="sign it with the region's key")
    reasons = check_approvals(release, served.approvals, trust.approvers, trust.needed, now())
    before = accepted_at(release.digest) if reasons else None
    if before is not None:
        reasons = check_approvals(release, served.approvals, trust.approvers, trust.needed, before)
    if reasons:
        raise Denied(f"release {release.id} is not approved", reasons=reasons, remedy="have it approved")


def _read_bundle(served: ServedModel) -> str:
    try:
        return Path(served.signature).read_text()
    except (OSError, ValueError) as err:
        raise SignatureInvalid(f"release {served.release.id} has no signature that can be read", remedy="sign the model") from err


def _check_files(served: ServedModel, bundle: str, directory: Path) -> None:
    """Signature over all files, and the manifest's digest over the artifact's, with one reading of the files."""
    found = verified_files(directory, bundle, served.key)
    artifact, _ = load(directory)
    payload = tuple(sorted((entry for entry in found if entry.path not in RESERVED), key=lambda entry: entry.path))
    declared = tuple(sorted(artifact.files, key=lambda entry: entry.path))
    if artifact.digest != served.release.artifact or artifact.kind is not Kind.model or payload != declared:
        raise SignatureInvalid(
            f"the model of release {served.release.id} is not the released artifact",
            reasons=[f"{MANIFEST} has {artifact.kind} {artifact.digest[:19]}…, the release {served.release.artifact[:19]}…"],
            remedy="release the artifact that was signed",
        )
