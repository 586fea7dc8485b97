"""Signed notes (C2SP signed-note): a text, a blank line, and one line for each Ed25519 signature over the text.

The format of the Go checksum database, Sigstore's Rekor and the transparency witnesses, so their tools can read ours.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sovplatform.errors import ConfigError, SignatureInvalid

ED25519 = b"\x01"
KEY_ID_SIZE = 4
MAX_NOTE = 1 << 20
_DASH = "\u2014 "
_REMEDY = "use the note exactly as it was published"


@dataclass(frozen=True)
class NoteSignature:
    """One signature line: the key's name, its four-byte id, and the signature."""

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True)
class Note:
    """A note taken apart; nothing is verified by that."""

    text: str
    signatures: tuple[NoteSignature, ...]


def raw_public_key(pem: str) -> bytes:
    """The 32 bytes of an Ed25519 public key.

    Raises:
        ConfigError: the PEM is no Ed25519 public key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as err:
        raise ConfigError("the checkpoint key is no public key in PEM", remedy="take it from trust.json") from err
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError("the checkpoint key is not an Ed25519 key", remedy="give the region's `ledger` key")
    return key.public_bytes_raw()


def key_id(name: str, public_key: bytes) -> bytes:
    """The id of an Ed25519 key under a name: the first four bytes of SHA-256(name, newline, 0x01, key)."""
    return sha256(name.encode() + b"\n" + ED25519 + public_key).digest()[:KEY_ID_SIZE]


def verifier_key(name: str, pem: str) -> str:
    """The key as `NAME+ID+BASE64`, the form that signed-note tools take."""
    raw = raw_public_key(pem)
    return f"{name}+{key_id(name, raw).hex()}+{base64.b64encode(ED25519 + raw).decode()}"


def compose(text: str, name: str, public_key: bytes, signature: bytes) -> str:
    """The note of `text` and one signature over it.

    Raises:
        ConfigError: the name or the text cannot be part of a note.
    """
    if not name or "+" in name or any(character.isspace() for character in name):
        raise ConfigError(f"{name!r} cannot name a key", remedy="use a name without spaces and plus signs")
    if not _is_text(text) or "\n\n" in text:
        raise ConfigError("a note's text is lines without control characters or blank lines", remedy="check the origin")
    value = base64.b64encode(key_id(name, public_key) + signature).decode()
    return f"{text}\n{_DASH}{name} {value}\n"


def parse(note: str) -> Note:
    """Take a note apart.

    Raises:
        SignatureInvalid: it is not a signed note.
    """
    text, blank, lines = note.rpartition("\n\n")
    text += "\n"
    if not blank or not lines.endswith("\n") or not _is_text(text) or len(note) > MAX_NOTE:
        raise SignatureInvalid("this is not a signed note", remedy=_REMEDY)
    return Note(text=text, signatures=tuple(_signature(line) for line in lines[:-1].split("\n")))


def verify(note: str, keys: Sequence[str]) -> str:
    """The text of a note that one of the keys (PEM) has signed. Signatures by unknown keys, such as witnesses', are ignored.

    Raises:
        SignatureInvalid: not a note, no signature by these keys, or one that does not verify.
        ConfigError: a key is no Ed25519 key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    parsed = parse(note)
    raw_keys = [raw_public_key(pem) for pem in keys]
    found = False
    for line in parsed.signatures:
        for raw in raw_keys:
            if line.key_id != key_id(line.name, raw):
                continue
            try:
                Ed25519PublicKey.from_public_bytes(raw).verify(line.value, parsed.text.encode())
            except InvalidSignature as err:
                raise SignatureInvalid(f"the signature of {line.name} does not fit the note", remedy=_REMEDY) from err
            found = True
    if not found:
        names = ", ".join(line.name for line in parsed.signatures)
        raise SignatureInvalid(f"the note is signed by another key ({names})", remedy="check the pinned key in trust.json")
    return parsed.text


def claims(note: str, name: str, public_key: bytes) -> bool:
    """True when the note has a signature line of that key under that name; the signature is not checked."""
    wanted = key_id(name, public_key)
    return any(line.name == name and line.key_id == wanted for line in parse(note).signatures)


def _is_text(text: str) -> bool:
    return text.endswith("\n") and all(character >= " " or character == "\n" for character in text)


def _signature(line: str) -> NoteSignature:
    name, _, value = line.removeprefix(_DASH).rpartition(" ")
    try:
        data = base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error) as err:
        raise SignatureInvalid("a signature line of the note cannot be read", remedy=_REMEDY) from err
    if not line.startswith(_DASH) or not name or len(data) <= KEY_ID_SIZE:
        raise SignatureInvalid("a signature line of the note cannot be read", remedy=_REMEDY)
    return NoteSignature(name=name, key_id=data[:KEY_ID_SIZE], value=data[KEY_ID_SIZE:])
