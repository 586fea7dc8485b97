"""KeyStore on the transit engine of OpenBao or HashiCorp Vault, for one region's namespace."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any
from urllib.parse import quote, urlsplit

from sovplatform.backends.keyrules import (
    ALGORITHMS,
    Checked,
    b64,
    check_data_key,
    check_name,
    check_purpose,
    check_signs,
    check_usable,
    check_wraps,
    does_not_open,
    foreign,
)
from sovplatform.backends.vault_api import TokenSource, VaultAddress, VaultApi, VaultRefused
from sovplatform.errors import NotFound, Unsupported
from sovplatform.interfaces.keystore import KeyStore
from sovplatform.records import DataKey, KeyFacts, KeyPurpose, Signature

TYPES = {KeyPurpose.sign: "ecdsa-p256", KeyPurpose.seal: "ed25519", KeyPurpose.wrap: "aes256-gcm96"}
_PURPOSES = {type_: purpose for purpose, type_ in TYPES.items()}


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
        self._known: Checked[KeyPurpose] = Checked()

    def create(self, name: str, purpose: KeyPurpose) -> KeyFacts:
        """As `KeyStore.create`."""
        try:
            there = self.facts(name)
        except NotFound:
            self._api.write(self._path("keys", name), {"type": TYPES[purpose]})
            there = self.facts(name)
        check_purpose(there.uri, there.purpose, purpose)
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
        check_signs(self._uri(name), purpose)
        if purpose == KeyPurpose.sign:
            body = {"input": b64(hashlib.sha256(data).digest()), "prehashed": True, "marshaling_algorithm": "asn1"}
            answer = self._api.write(f"{self._path('sign', name)}/sha2-256", body)
        else:
            answer = self._api.write(self._path("sign", name), {"input": b64(data)})
        value = answer["data"]["signature"].split(":", 2)[2]
        return Signature(key=self._uri(name), algorithm=ALGORITHMS[purpose], value=value)

    def wrap(self, name: str, data_key: bytes, context: bytes = b"") -> DataKey:
        """As `KeyStore.wrap`; the context is the AEAD's associated data."""
        check_data_key(data_key)
        check_wraps(self._uri(name), self._usable(name))
        body = {"plaintext": b64(data_key), "associated_data": b64(context)}
        answer = self._api.write(self._path("encrypt", name), body)
        return DataKey(key=self._uri(name), wrapped=answer["data"]["ciphertext"])

    def unwrap(self, data_key: DataKey, context: bytes = b"") -> bytes:
        """As `KeyStore.unwrap`. The host in the key's URI is not compared: a server may move, a namespace may not."""
        name = self._name_in(data_key.key)
        check_wraps(self._uri(name), self._usable(name))
        body = {"ciphertext": data_key.wrapped, "associated_data": b64(context)}
        try:
            answer = self._api.write(self._path("decrypt", name), body)
            return base64.b64decode(answer["data"]["plaintext"], validate=True)
        except (VaultRefused, binascii.Error) as err:
            raise does_not_open(data_key.key) from err

    def rotate(self, name: str) -> KeyFacts:
        """As `KeyStore.rotate`."""
        self.facts(name)
        self._api.write(f"{self._path('keys', name)}/rotate")
        return self.facts(name)

    def _usable(self, name: str) -> KeyPurpose:
        """The key's purpose, once it is certain (again, each minute) that the key cannot be taken out of the service."""

        def check() -> KeyPurpose:
            facts = self.facts(name)
            wrong = ["it can be exported from the key service"] if facts.exportable else []
            check_usable(facts.uri, wrong, "make a key that is not exportable")
            return facts.purpose

        return self._known.get(name, check)

    def _path(self, verb: str, name: str) -> str:
        return f"{self._mount}/{verb}/{quote(check_name(name))}"

    def _uri(self, name: str) -> str:
        return self._prefix + name

    def _name_in(self, uri: str) -> str:
        mine, theirs = urlsplit(self._prefix), urlsplit(uri)
        directory, _, name = theirs.path.rpartition("/")
        if theirs.scheme != "vault" or directory + "/" != mine.path:
            raise foreign(uri, self.region, "it is in another namespace")
        return name


def pem_of(public_key: str) -> str:
    """PEM of what transit reports: it gives Ed25519 keys as 32 bare bytes in base64."""
    if public_key.startswith("-----BEGIN"):
        return public_key.strip() + "\n"
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
