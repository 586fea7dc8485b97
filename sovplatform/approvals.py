"""Approvals: people's SSH signatures over a release, and the check that enough of the right people gave one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sovplatform.errors import ConfigError, Conflict, Denied, SignatureInvalid
from sovplatform.pilot import Approver
from sovplatform.private import make_directory, write_atomically
from sovplatform.records import Approval, Release, canonical
from sovplatform.records import now as present
from sovplatform.signing._sshsig import ed25519_of_line, sshsig_sign, sshsig_verify

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAMESPACE = "sovplatform-release"
_CLOCK_SKEW = timedelta(minutes=5)


def generate_key(path: Path, comment: str) -> str:
    """Make an ed25519 SSH key at `path` (mode 0600) and `path`.pub, and return the public line.

    Raises:
        Conflict: a file is there already.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    line = f"{_line(key)} {comment}".strip()
    make_directory(path.parent)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    except FileExistsError as err:
        raise Conflict(f"{path} exists already", remedy="use it, or choose another path") from err
    write_atomically(path.with_name(f"{path.name}.pub"), f"{line}\n".encode())
    return line


def public_line(path: Path) -> str:
    """The public line of the private key at `path`, with the comment of its `.pub` file when there is one.

    Raises:
        ConfigError: no such file, or no ed25519 key without a passphrase.
    """
    line = _line(_load(path))
    beside = path.with_name(f"{path.name}.pub")
    words = beside.read_text().split(maxsplit=2) if beside.exists() else []
    return f"{line} {words[2].strip()}" if len(words) == 3 and " ".join(words[:2]) == line else line


def message(release: Release, approver: str, at: datetime, expires_at: datetime) -> bytes:
    """What an approver signs, in the SSHSIG namespace `sovplatform-release`. `ssh-keygen -Y sign` may do it, too."""
    probe = Approval(approver=approver, signature="", at=at, expires_at=expires_at).model_dump(mode="json")
    return canonical({"release": release.digest, **{name: probe[name] for name in ("approver", "at", "expires_at")}})


def sign_release(release: Release, approver: Approver, key_file: Path, ttl_hours: float) -> Approval:
    """Approve: sign the release's digest, who approves, when, and until when (`ttl_hours` from now).

    Raises:
        ConfigError: the key file cannot be used, or is not the approver's listed key.
        Denied: the approver is the proposer.
    """
    if approver.name == release.proposer:
        raise Denied(f"{approver.name} proposed release {release.id}", remedy="ask somebody else to approve it")
    key = _load(key_file)
    if ed25519_of_line(approver.key) != key.public_key().public_bytes_raw():
        raise ConfigError(
            f"{key_file} is not the listed key of {approver.name}", remedy="use the key whose public line pilot.yaml has"
        )
    at = present()
    expires_at = at + timedelta(hours=ttl_hours)
    signature = sshsig_sign(key, NAMESPACE, message(release, approver.name, at, expires_at))
    return Approval(approver=approver.name, signature=signature, at=at, expires_at=expires_at)


def check_approvals(
    release: Release, approvals: Sequence[Approval], approvers: Mapping[str, str], needed: int, now: datetime
) -> tuple[str, ...]:
    """Why the release is not approved; nothing when it is.

    `approvers` maps a name to an SSH public line. When it lists the proposer too, the proposer's key is refused under
    every other name as well. At least one approval is always needed, and one person, or key, counts once.
    """
    reasons: list[str] = []
    counted: set[bytes] = set()
    for approval in approvals:
        try:
            key = _valid_key(release, approval, approvers, now)
        except SignatureInvalid as err:
            reasons.append(f"the approval by {approval.approver} does not count: {err.message}")
            continue
        if key in counted:
            reasons.append(f"the approval by {approval.approver} does not count: this key has approved already")
        counted.add(key)
    if len(counted) >= max(needed, 1):
        return ()
    return (f"release {release.id} has {len(counted)} of {max(needed, 1)} approvals", *reasons)


def _valid_key(release: Release, approval: Approval, approvers: Mapping[str, str], now: datetime) -> bytes:
    """The raw key of a valid approval; else raises SignatureInvalid with the reason as its message."""
    if approval.approver == release.proposer:
        raise SignatureInvalid("nobody approves a release of their own")
    if approval.approver not in approvers:
        raise SignatureInvalid("not a listed approver")
    key = ed25519_of_line(approvers[approval.approver])
    if release.proposer in approvers and ed25519_of_line(approvers[release.proposer]) == key:
        raise SignatureInvalid("nobody approves a release of their own (it is the proposer's key)")
    signed = message(release, approval.approver, approval.at, approval.expires_at)
    sshsig_verify(approval.signature, NAMESPACE, signed, key)
    if approval.expires_at <= now:
        raise SignatureInvalid(f"expired at {approval.expires_at:%Y-%m-%d %H:%M} UTC")
    if approval.at > now + _CLOCK_SKEW:
        raise SignatureInvalid("it is dated in the future")
    return key


def _line(key: Ed25519PrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _load(path: Path) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise ConfigError(f"others may read the SSH key {path}", remedy=f"chmod 600 {path}")
            data = file.read()
        key = load_ssh_private_key(data, password=None)
    except OSError as err:
        raise ConfigError(f"the SSH key {path} cannot be read", remedy="give the private key's file") from err
    except (ValueError, TypeError, UnsupportedAlgorithm) as err:
        raise ConfigError(
            f"{path} is no SSH private key without a passphrase", remedy="give one, or sign by `ssh-keygen -Y`"
        ) from err
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path} is no ed25519 key", remedy="make one with `ssh-keygen -t ed25519`")
    return key
