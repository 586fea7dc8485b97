"""Keys in files, each encrypted under the region's master key."""

from __future__ import annotations

import base64
import binascii
import os
import re
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from sovplatform.errors import ConfigError, Conflict, Denied, NotFound, Unsupported
from sovplatform.interfaces import KeyStore
from sovplatform.records import DataKey, KeyFacts, KeyPurpose, Signature

ALGORITHMS = {KeyPurpose.sign: "ecdsa-p256-sha256", KeyPurpose.seal: "ed25519", KeyPurpose.wrap: "aes-256-gcm"}
NAMES = re.compile(r"[a-z0-9-]{1,63}")
NONCE = 12


class AcmeKeyStore(KeyStore):
    """`directory/NAME/VERSION.PURPOSE` holds one version of a key: AES-256-GCM under the master key, bound to its own path."""

    def __init__(self, directory: Path, master: bytes, region: str, jurisdiction: str) -> None:
        self._directory = directory
        self._master = AESGCM(master)
        self._region = region
        self._jurisdiction = jurisdiction

    def create(self, name: str, purpose: KeyPurpose) -> KeyFacts:
        if not NAMES.fullmatch(name):
            raise ConfigError(f"{name!r} is no name for a key", remedy="use small letters, digits and hyphens")
        try:
            known, _ = self._versions(name)
        except NotFound:
            self._write(name, 1, purpose)
        else:
            if known is not purpose:
                raise Conflict(f"key {self._uri(name)} exists for {known}", remedy="give the new key another name")
        return self.facts(name)

    def facts(self, name: str) -> KeyFacts:
        purpose, files = self._versions(name)
        public = {}
        if purpose is not KeyPurpose.wrap:
            for number, file in enumerate(files, start=1):
                key = self._private(file).public_key()
                public[str(number)] = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return KeyFacts(
            uri=self._uri(name),
            purpose=purpose,
            algorithm=ALGORITHMS[purpose],
            region=self._region,
            jurisdiction=self._jurisdiction,
            exportable=False,
            protection="files, encrypted under a key of the same machine",
            version=len(files),
            public_keys=public,
        )

    def sign(self, name: str, data: bytes) -> Signature:
        purpose, files = self._versions(name)
        if purpose is KeyPurpose.wrap:
            raise Unsupported(f"signing with {self._uri(name)}", reason="its purpose is wrap", remedy="use a sign or seal key")
        key = self._private(files[-1])
        made = key.sign(data, ECDSA(hashes.SHA256())) if isinstance(key, EllipticCurvePrivateKey) else key.sign(data)
        return Signature(key=self._uri(name), algorithm=ALGORITHMS[purpose], value=base64.b64encode(made).decode())

    def wrap(self, name: str, data_key: bytes, context: bytes = b"") -> DataKey:
        purpose, files = self._versions(name)
        if purpose is not KeyPurpose.wrap:
            raise Unsupported(f"wrapping with {self._uri(name)}", reason=f"its purpose is {purpose}", remedy="use a wrap key")
        nonce = os.urandom(NONCE)
        sealed = nonce + AESGCM(self._open(files[-1])).encrypt(nonce, data_key, context)
        return DataKey(key=self._uri(name), wrapped=f"{len(files)}:{base64.b64encode(sealed).decode()}")

    def unwrap(self, data_key: DataKey, context: bytes = b"") -> bytes:
        prefix = self._uri("")
        if not data_key.key.startswith(prefix):
            raise Denied(f"{data_key.key} is not a key of region {self._region}", remedy="unwrap it in its own region")
        _, files = self._versions(data_key.key.removeprefix(prefix))
        version, _, encoded = data_key.wrapped.partition(":")
        try:
            sealed = base64.b64decode(encoded, validate=True)
            file = {str(number): file for number, file in enumerate(files, start=1)}[version]
            return AESGCM(self._open(file)).decrypt(sealed[:NONCE], sealed[NONCE:], context)
        except (InvalidTag, ValueError, KeyError, binascii.Error) as err:
            reasons = ["changed bytes, or another context"]
            remedy = "give the context it was wrapped with"
            raise Denied(f"the data key does not open with {data_key.key}", reasons=reasons, remedy=remedy) from err

    def rotate(self, name: str) -> KeyFacts:
        purpose, files = self._versions(name)
        self._write(name, len(files) + 1, purpose)
        return self.facts(name)

    def _uri(self, name: str) -> str:
        return f"acme://{self._region}/{name}"

    def _versions(self, name: str) -> tuple[KeyPurpose, list[Path]]:
        directory = self._directory / name if NAMES.fullmatch(name) else None
        files = sorted(directory.glob("*.*"), key=lambda file: int(file.stem)) if directory else []
        if not files:
            raise NotFound(f"no key {self._uri(name)}", remedy="create it first")
        return KeyPurpose(files[-1].suffix[1:]), files

    def _write(self, name: str, version: int, purpose: KeyPurpose) -> None:
        file = self._directory / name / f"{version}.{purpose}"
        file.parent.mkdir(parents=True, exist_ok=True)
        nonce = os.urandom(NONCE)
        sealed = nonce + self._master.encrypt(nonce, _generate(purpose), self._bound_to(file))
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(sealed)

    def _open(self, file: Path) -> bytes:
        sealed = file.read_bytes()
        return self._master.decrypt(sealed[:NONCE], sealed[NONCE:], self._bound_to(file))

    def _private(self, file: Path) -> EllipticCurvePrivateKey | Ed25519PrivateKey:
        key = load_der_private_key(self._open(file), password=None)
        if isinstance(key, EllipticCurvePrivateKey | Ed25519PrivateKey):
            return key
        raise Denied(f"{file.name} is no signing key", remedy="restore the region's keys from their backup")

    def _bound_to(self, file: Path) -> bytes:
        return f"{self._region}/{file.parent.name}/{file.name}".encode()


def _generate(purpose: KeyPurpose) -> bytes:
    if purpose is KeyPurpose.wrap:
        return AESGCM.generate_key(256)
    key = generate_private_key(SECP256R1()) if purpose is KeyPurpose.sign else Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
