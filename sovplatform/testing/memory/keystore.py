"""Keys in this process's memory: real cryptography, no protection beyond the process."""

from __future__ import annotations

import base64
import binascii
import os
import threading
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sovplatform.errors import ConfigError, Conflict, Denied, NotFound, Unsupported
from sovplatform.interfaces.keystore import KeyStore
from sovplatform.records import DataKey, KeyFacts, KeyPurpose, Signature

ALGORITHMS = {KeyPurpose.sign: "ecdsa-p256-sha256", KeyPurpose.seal: "ed25519", KeyPurpose.wrap: "aes-256-gcm"}
NONCE_BYTES = 12

Secret = EllipticCurvePrivateKey | Ed25519PrivateKey | AESGCM


@dataclass
class _Key:
    purpose: KeyPurpose
    versions: list[Secret] = field(default_factory=list)


def _generate(purpose: KeyPurpose) -> Secret:
    if purpose == KeyPurpose.sign:
        return generate_private_key(SECP256R1())
    if purpose == KeyPurpose.seal:
        return Ed25519PrivateKey.generate()
    return AESGCM(AESGCM.generate_key(256))


class MemoryKeyStore(KeyStore):
    """The keys of one region, in a dictionary; they end with the process. Safe to share between threads."""

    def __init__(self, region: str, jurisdiction: str) -> None:
        self.region = region
        self.jurisdiction = jurisdiction
        self._keys: dict[str, _Key] = {}
        self._lock = threading.Lock()

    def create(self, name: str, purpose: KeyPurpose) -> KeyFacts:
        """As `KeyStore.create`."""
        with self._lock:
            key = self._keys.get(name)
            if key is None:
                self._keys[name] = _Key(purpose, [_generate(purpose)])
            elif key.purpose != purpose:
                raise Conflict(
                    f"key {self._uri(name)} exists for {key.purpose}, not for {purpose}",
                    remedy="give the new key another name",
                )
        return self.facts(name)

    def facts(self, name: str) -> KeyFacts:
        """As `KeyStore.facts`."""
        key = self._key(name)
        return KeyFacts(
            uri=self._uri(name),
            purpose=key.purpose,
            algorithm=ALGORITHMS[key.purpose],
            region=self.region,
            jurisdiction=self.jurisdiction,
            exportable=False,
            protection="process memory",
            version=len(key.versions),
            public_keys={
                str(number): secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
                for number, secret in enumerate(key.versions, start=1)
                if not isinstance(secret, AESGCM)
            },
        )

    def sign(self, name: str, data: bytes) -> Signature:
        """As `KeyStore.sign`."""
        key = self._key(name)
        secret = key.versions[-1]
        if isinstance(secret, AESGCM):
            raise Unsupported(f"signing with {self._uri(name)}", reason="its purpose is wrap", remedy="use a sign or seal key")
        made = secret.sign(data, ECDSA(hashes.SHA256())) if isinstance(secret, EllipticCurvePrivateKey) else secret.sign(data)
        return Signature(key=self._uri(name), algorithm=ALGORITHMS[key.purpose], value=base64.b64encode(made).decode())

    def wrap(self, name: str, data_key: bytes, context: bytes = b"") -> DataKey:
        """As `KeyStore.wrap`. The wrapped form is `VERSION:base64(nonce and ciphertext)`."""
        if not 16 <= len(data_key) <= 64:
            raise ConfigError(f"a data key of {len(data_key)} bytes", remedy="give one of 16 to 64 bytes")
        key = self._key(name)
        version, secret = len(key.versions), key.versions[-1]
        if not isinstance(secret, AESGCM):
            raise Unsupported(f"wrapping with {self._uri(name)}", reason=f"its purpose is {key.purpose}", remedy="use a wrap key")
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + secret.encrypt(nonce, data_key, context)
        return DataKey(key=self._uri(name), wrapped=f"{version}:{base64.b64encode(sealed).decode()}")

    def unwrap(self, data_key: DataKey, context: bytes = b"") -> bytes:
        """As `KeyStore.unwrap`."""
        prefix = self._uri("")
        if not data_key.key.startswith(prefix):
            raise Denied(f"{data_key.key} is not a key of region {self.region}", remedy="unwrap it in its own region")
        key = self._key(data_key.key.removeprefix(prefix))
        version, _, encoded = data_key.wrapped.partition(":")
        try:
            secret = key.versions[int(version) - 1] if int(version) > 0 else None
            if not isinstance(secret, AESGCM):
                raise ValueError(f"no version {version} that wraps")
            sealed = base64.b64decode(encoded, validate=True)
            return secret.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
        except (InvalidTag, ValueError, IndexError, binascii.Error) as err:
            raise Denied(
                f"the data key does not open with {data_key.key}",
                reasons=["changed bytes or another context"],
                remedy="give the context it was wrapped with",
            ) from err

    def rotate(self, name: str) -> KeyFacts:
        """As `KeyStore.rotate`."""
        key = self._key(name)
        with self._lock:
            key.versions.append(_generate(key.purpose))
        return self.facts(name)

    def _uri(self, name: str) -> str:
        return f"memory://{self.region}/{name}"

    def _key(self, name: str) -> _Key:
        try:
            return self._keys[name]
        except KeyError as err:
            raise NotFound(f"no key {self._uri(name)}", remedy="create it first") from err
