"""SSHSIG, OpenSSH's detached signatures (openssh-portable, PROTOCOL.sshsig), with ed25519 keys and no ssh program."""

from __future__ import annotations

import base64
import hashlib
import struct
import textwrap
from typing import TYPE_CHECKING

from sovplatform.errors import SignatureInvalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_MAGIC = b"SSHSIG"
_ALGORITHM = b"ssh-ed25519"
_BEGIN = "-----BEGIN SSH SIGNATURE-----"
_END = "-----END SSH SIGNATURE-----"
_HASHES = {b"sha512": hashlib.sha512, b"sha256": hashlib.sha256}


def sshsig_sign(private_key: Ed25519PrivateKey, namespace: str, message: bytes) -> str:
    """An armoured signature over `message`, as `ssh-keygen -Y sign -n NAMESPACE` makes."""
    raw = private_key.sign(_to_be_signed(namespace.encode(), b"sha512", message))
    public = _string(_ALGORITHM) + _string(private_key.public_key().public_bytes_raw())
    blob = b"".join(
        (
            _MAGIC,
            struct.pack(">I", 1),
            _string(public),
            _string(namespace.encode()),
            _string(b""),
            _string(b"sha512"),
            _string(_string(_ALGORITHM) + _string(raw)),
        )
    )
    return "\n".join([_BEGIN, *textwrap.wrap(base64.b64encode(blob).decode(), 70), _END, ""])


def sshsig_verify(signature: str, namespace: str, message: bytes, public_key: bytes) -> None:
    """Check an armoured signature against the raw 32 bytes of an ed25519 key.

    Raises:
        SignatureInvalid: another key, another namespace, other bytes, or nothing that can be read.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key, space, algorithm, value = _parse(signature)
    if key != public_key:
        raise SignatureInvalid("the signature was made by another key", remedy="sign with the key that is listed")
    if space != namespace.encode():
        raise SignatureInvalid(f"the signature is for the namespace {space!r}", remedy=f"sign with -n {namespace}")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(value, _to_be_signed(space, algorithm, message))
    except InvalidSignature as err:
        raise SignatureInvalid("the signature covers something else, or was changed", remedy="have it signed again") from err


def ed25519_of_line(line: str) -> bytes:
    """The raw key in a public line `ssh-ed25519 AAAA… comment`.

    Raises:
        SignatureInvalid: no ed25519 public key.
    """
    try:
        kind, encoded = line.split()[:2]
        algorithm, key, rest = (*_take(base64.b64decode(encoded, validate=True), 2),)
    except (ValueError, struct.error) as err:
        raise SignatureInvalid("a listed SSH key cannot be read", remedy="list it as `ssh-ed25519 AAAA… comment`") from err
    if kind != _ALGORITHM.decode() or algorithm != _ALGORITHM or len(key) != 32 or rest:
        raise SignatureInvalid(f"a listed SSH key is {kind}, not ssh-ed25519", remedy="make one with `ssh-keygen -t ed25519`")
    return key


def _parse(signature: str) -> tuple[bytes, bytes, bytes, bytes]:
    """Key, namespace, hash algorithm and raw signature of an armoured one."""
    try:
        body = signature.strip().removeprefix(_BEGIN).removesuffix(_END)
        blob = base64.b64decode("".join(body.split()), validate=True)
        if blob[:10] != _MAGIC + struct.pack(">I", 1):
            raise ValueError("magic or version")
        public, namespace, reserved, algorithm, value, rest = _take(blob[10:], 5)
        key_type, key, key_rest = _take(public, 2)
        value_type, raw, value_rest = _take(value, 2)
    except (ValueError, struct.error) as err:
        raise SignatureInvalid("the signature is no SSH signature", remedy="sign with `sovctl release approve`") from err
    if (
        key_type != _ALGORITHM
        or value_type != _ALGORITHM
        or algorithm not in _HASHES
        or rest
        or key_rest
        or value_rest
        or reserved
    ):
        raise SignatureInvalid("the signature is not by an ed25519 key", remedy="sign with the ed25519 key that is listed")
    return key, namespace, algorithm, raw


def _to_be_signed(namespace: bytes, algorithm: bytes, message: bytes) -> bytes:
    return _MAGIC + _string(namespace) + _string(b"") + _string(algorithm) + _string(_HASHES[algorithm](message).digest())


def _string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def _take(data: bytes, count: int) -> tuple[bytes, ...]:
    """`count` SSH strings and what is left over."""
    strings = []
    for _ in range(count):
        (length,) = struct.unpack_from(">I", data)
        if len(data) < 4 + length:
            raise ValueError("truncated")
        strings.append(data[4 : 4 + length])
        data = data[4 + length :]
    return (*strings, data)
