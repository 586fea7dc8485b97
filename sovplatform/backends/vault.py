"""KeyStore on the transit engine of OpenBao or HashiCorp Vault, for one region's namespace."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import threading
import time
from typing import Any
from urllib.parse import quote, urlsplit

from sovplatform.backends.keyrules import ALGORITHMS
from sovplatform.backends.vault_api import TokenSource, VaultAddress, VaultApi, VaultRefused
from sovplatform.errors import ConfigError, Conflict, Denied, NotFound, Unsupported
from sovplatform.interfaces.keystore import KeyStore
from sovplatform.records import DataKey, KeyFacts, KeyPurpose, Signature

TYPES = {KeyPurpose.sign: "ecdsa-p256", KeyPurpose.seal: "ed25519", KeyPurpose.wrap: "aes256-gcm96"}
_PURPOSES = {type_: purpose for purpose, type_ in TYPES.items()}
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_FACTS_SECONDS = 60.0


class VaultKeyStore(KeyStore):
    """Keys `vault://HOST/NAMESPACE/NAME` on a transit mount. Thread-safe; a request is one round trip on a kept-alive connection.

    Rights needed on the mount: `keys/NAME` read (facts; also asked once a minute before use), create and update (create);
    `sign/NAME` and `sign/NAME/*`, `encrypt/NAME`, `decrypt/NAME`, `keys/NAME/rotate` update.
    A key that could be exported or backed up in plain is not used, whoever made it.
    """

    def __init__(
        self,
        address: str,
        *,
        namespace: str,
        region: str,
        jurisdiction: str,
        token: TokenSource,
        ca_file: str = "",
        mount: str = "transit",
        timeout: float = 10.0,
    ) -> None:
        self.region = region
        self.jurisdiction = jurisdiction
        self._mount = mount
        self._prefix = f"vault://{urlsplit(address).netloc}/{namespace}/" if namespace else f"vault://{urlsplit(address).netloc}/"
        self._api = VaultApi(VaultAddress(address, ca_file), namespace=namespace, token=token, timeout=timeout)
        self._known: dict[str, tuple[float, KeyPurpose]] = {}
        self._lock = threading.Lock()

    def create(self, name: str, purpose: KeyPurpose) -> KeyFacts:
        """As `KeyStore.create`."""
        try:
            there = self.facts(name)
        except NotFound:
            self._api.write(self._path("keys", name), {"type": TYPES[purpose]})
            there = self.facts(name)
        if there.purpose != purpose:
            raise Conflict(
                f"key {there.uri} exists for {there.purpose}, not for {purpose}", remedy="give the new key another name"
            )
        return there

    def facts(self, name: str) -> KeyFacts:
        """As `KeyStore.facts`."""
        key = self._api.read(self._path("keys", name))["data"]
        purpose = _PURPOSES.get(key["type"])
        if purpose is None:
            raise Unsupported(f"key {self._uri(name)}", reason=f"its type is {key['type']}", remedy=f"use {', '.join(_PURPOSES)}")
        versions: dict[str, Any] = key["keys"]
        return KeyFacts(
            uri=self._uri(name),
            purpose=purpose,
            algorithm=ALGORITHMS[purpose],
            region=self.region,
            jurisdiction=self.jurisdiction,
            exportable=bool(key["exportable"] or key["allow_plaintext_backup"]),
            protection="vault transit",
            version=int(key["latest_version"]),
            public_keys={n: pem_of(versions[n]["public_key"]) for n in sorted(versions, key=int)}
            if purpose != KeyPurpose.wrap
            else {},
        )

    def sign(self, name: str, data: bytes) -> Signature:
        """As `KeyStore.sign`. For ECDSA only the SHA-256 of `data` travels to the service."""
        purpose = self._usable(name)
        if purpose == KeyPurpose.wrap:
            raise Unsupported(f"signing with {self._uri(name)}", reason="its purpose is wrap", remedy="use a sign or seal key")
        if purpose == KeyPurpose.sign:
            body = {"input": _b64(hashlib.sha256(data).digest()), "prehashed": True, "marshaling_algorithm": "asn1"}
            answer = self._api.write(f"{self._path('sign', name)}/sha2-256", body)
        else:
            answer = self._api.write(self._path("sign", name), {"input": _b64(data)})
        value = answer["data"]["signature"].split(":", 2)[2]
        return Signature(key=self._uri(name), algorithm=ALGORITHMS[purpose], value=value)

    def wrap(self, name: str, data_key: bytes, context: bytes = b"") -> DataKey:
        """As `KeyStore.wrap`; the context is the AEAD's associated data."""
        if not 16 <= len(data_key) <= 64:
            raise ConfigError(f"a data key of {len(data_key)} bytes", remedy="give one of 16 to 64 bytes")
        self._must_wrap(name)
        body = {"plaintext": _b64(data_key), "associated_data": _b64(context)}
        answer = self._api.write(self._path("encrypt", name), body)
        return DataKey(key=self._uri(name), wrapped=answer["data"]["ciphertext"])

    def unwrap(self, data_key: DataKey, context: bytes = b"") -> bytes:
        """As `KeyStore.unwrap`. The host in the key's URI is not compared: a server may move, a namespace may not."""
        name = self._name_in(data_key.key)
        self._must_wrap(name)
        body = {"ciphertext": data_key.wrapped, "associated_data": _b64(context)}
        try:
            answer = self._api.write(self._path("decrypt", name), body)
            return base64.b64decode(answer["data"]["plaintext"], validate=True)
        except (VaultRefused, binascii.Error) as err:
            raise Denied(
                f"the data key does not open with {data_key.key}",
                reasons=["changed bytes, another key, or another context"],
                remedy="give the context it was wrapped with",
            ) from err

    def rotate(self, name: str) -> KeyFacts:
        """As `KeyStore.rotate`."""
        self.facts(name)
        self._api.write(f"{self._path('keys', name)}/rotate")
        return self.facts(name)

    def _usable(self, name: str) -> KeyPurpose:
        """The key's purpose, once it is certain (again, each minute) that the key cannot be taken out of the service."""
        with self._lock:
            checked, purpose = self._known.get(name, (float("-inf"), KeyPurpose.sign))
        if time.monotonic() - checked < _FACTS_SECONDS:
            return purpose
        facts = self.facts(name)
        if facts.exportable:
            raise Denied(
                f"key {facts.uri} is not used",
                reasons=["it can be exported from the key service"],
                remedy="make a key that is not exportable",
            )
        with self._lock:
            self._known[name] = (time.monotonic(), facts.purpose)
        return facts.purpose

    def _must_wrap(self, name: str) -> None:
        if (purpose := self._usable(name)) != KeyPurpose.wrap:
            raise Unsupported(f"wrapping with {self._uri(name)}", reason=f"its purpose is {purpose}", remedy="use a wrap key")

    def _path(self, verb: str, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise NotFound(f"{name!r} is no name of a key", remedy="use lower-case letters, digits and hyphens")
        return f"{self._mount}/{verb}/{quote(name)}"

    def _uri(self, name: str) -> str:
        return self._prefix + name

    def _name_in(self, uri: str) -> str:
        mine, theirs = urlsplit(self._prefix), urlsplit(uri)
        directory, _, name = theirs.path.rpartition("/")
        if theirs.scheme != "vault" or directory + "/" != mine.path:
            raise Denied(
                f"{uri} is not a key of region {self.region}",
                reasons=["it is in another namespace"],
                remedy="unwrap it in its own region",
            )
        return name


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def pem_of(public_key: str) -> str:
    """PEM of what transit reports: it gives Ed25519 keys as 32 bare bytes in base64."""
    if public_key.startswith("-----BEGIN"):
        return public_key.strip() + "\n"
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
