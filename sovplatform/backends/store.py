"""Data at rest: an encrypted store in a region's home, under a key that cannot leave the region's KeyStore.

Every object has a data key of its own, wrapped by the KeyStore with the object's name and label as context, and is
encrypted with AES-256-GCM in segments (the STREAM construction of Hoang, Reyhanitabar, Rogaway & Vizár, "Online
Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015), so that a changed, swapped, reordered or
truncated object does not open. Putting an older copy of the same object back is not noticed: that is the ledger's task.

    magic | length of header (4 bytes) | header (JSON) | segment | segment | … | last segment
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from sovplatform.errors import ConfigError, Denied, NotFound, SignatureInvalid, Unsupported
from sovplatform.interfaces.keystore import KeyStore
from sovplatform.labels import Label
from sovplatform.private import write_atomically
from sovplatform.records import DataKey, Record, canonical

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAGIC = b"sov-store-1\n"
SEGMENT = 8 * 2**20
TAG = 16
SUFFIX = ".sealed"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,120}")


class Header(Record):
    """What is known of an object without its key. `arrays` tells that it is tensors rather than bytes."""

    name: str
    label: Label
    arrays: bool
    data_key: DataKey


class EncryptedStore:
    """Named objects, bytes or arrays, each with a label. Plaintext is in memory only; what is on disk is sealed."""

    def __init__(self, root: Path, keystore: KeyStore, key: str = "data") -> None:
        self.root = root
        self._keystore = keystore
        self._key = key

    def put(self, name: str, value: bytes | Mapping[str, NDArray[Any]], label: Label) -> None:
        """Seal `value` and store it, in place of what had the name before.

        Raises:
            ConfigError: the name can't be a file's.
            NotFound, Denied, Unavailable: the key can't be had.
        """
        path = self.path(name)
        content = value if isinstance(value, bytes) else _pack(value)
        plain_key = os.urandom(32)
        data_key = self._keystore.wrap(self._key, plain_key, _context(name, label))
        header = Header(name=name, label=label, arrays=not isinstance(value, bytes), data_key=data_key).canonical()
        head = MAGIC + len(header).to_bytes(4, "big") + header
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, b"".join([head, *_sealed(plain_key, head, content)]))

    def get(self, name: str) -> bytes | dict[str, NDArray[Any]]:
        """The object, bytes or arrays as it was put.

        Raises:
            NotFound: no such object.
            SignatureInvalid: what is stored was changed, cut, or is another object.
            Denied: this identity, or this region, has no right to the key.
            Unavailable: the KeyStore does not answer.
        """
        header, head, body = self._read(name)
        try:
            plain_key = self._keystore.unwrap(header.data_key, _context(name, header.label))
        except (ConfigError, NotFound, Unsupported) as err:
            raise _broken(name, f"the key it names does not open it: {err.message}") from err
        content = _opened(plain_key, head, body, name)
        return _unpack(content) if header.arrays else content

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The object, which must be arrays. Raises as `get`, and ConfigError when it is bytes."""
        value = self.get(name)
        if isinstance(value, bytes):
            raise ConfigError(f"object {name} is bytes, not arrays", remedy="read it with get")
        return value

    def label(self, name: str) -> Label:
        """The label the object was put with, as far as can be told without opening it. Raises NotFound, SignatureInvalid."""
        return self._read(name)[0].label

    def names(self) -> tuple[str, ...]:
        """The names of all objects, sorted."""
        return tuple(sorted(path.name.removesuffix(SUFFIX) for path in self.root.glob(f"[!.]*{SUFFIX}")))

    def path(self, name: str) -> Path:
        """The file of an object, there or not; sealed bytes.

        Raises:
            ConfigError: the name can't be a file's.
        """
        if not NAME.fullmatch(name):
            raise ConfigError(f"{name!r} can't name an object", remedy="use small letters, digits, '-', '_' and '.'")
        return self.root / f"{name}{SUFFIX}"

    def _read(self, name: str) -> tuple[Header, bytes, bytes]:
        try:
            content = self.path(name).read_bytes()
        except FileNotFoundError as err:
            raise NotFound(f"no object {name} in the store", remedy="have the region's data prepared again") from err
        start = len(MAGIC) + 4
        end = start + int.from_bytes(content[len(MAGIC) : start], "big")
        if not content.startswith(MAGIC) or end > len(content):
            raise _broken(name, "it is no sealed object")
        try:
            header = Header.from_json(content[start:end])
        except ValidationError as err:
            raise _broken(name, "its header cannot be read") from err
        if header.name != name:
            raise _broken(name, "it is another object")
        return header, content[:end], content[end:]


def _context(name: str, label: Label) -> bytes:
    return canonical({"object": name, "label": label.model_dump(mode="json")})


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _sealed(key: bytes, head: bytes, content: bytes) -> Iterator[bytes]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher = AESGCM(key)
    for number, start in enumerate(range(0, max(len(content), 1), SEGMENT)):
        last = start + SEGMENT >= len(content)
        yield cipher.encrypt(_nonce(number, last), content[start : start + SEGMENT], head)


def _opened(key: bytes, head: bytes, body: bytes, name: str) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    parts = []
    try:
        cipher = AESGCM(key)
        for number, start in enumerate(range(0, max(len(body), 1), SEGMENT + TAG)):
            last = start + SEGMENT + TAG >= len(body)
            parts.append(cipher.decrypt(_nonce(number, last), body[start : start + SEGMENT + TAG], head))
    except (InvalidTag, ValueError) as err:
        raise _broken(name, "its content does not belong to its key") from err
    return b"".join(parts)


def _pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    import numpy as np
    from safetensors.numpy import save

    return bytes(save({name: np.ascontiguousarray(value) for name, value in arrays.items()}))


def _unpack(content: bytes) -> dict[str, NDArray[Any]]:
    from safetensors.numpy import load

    return dict(load(content))


def _broken(name: str, why: str) -> Denied:
    return SignatureInvalid(
        f"object {name} in the store does not open", reasons=[why], remedy="have the region's data prepared again"
    )
