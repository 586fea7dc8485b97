"""KeyStore on a hardware security module by PKCS#11 (OASIS, version 2.40 and 3.0)."""

from __future__ import annotations

import base64
import binascii
import os
from typing import Any, NamedTuple
from urllib.parse import quote

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
    name_in,
    pem_of_der,
)
from sovplatform.backends.pkcs11_token import HsmRefused, Token, TokenPlace
from sovplatform.errors import Denied, NotFound, Unsupported
from sovplatform.interfaces.keystore import KeyStore
from sovplatform.records import DataKey, KeyFacts, KeyPurpose, Signature

P256 = bytes.fromhex("06082a8648ce3d030107")  # the curve's object identifier, DER
ED25519 = b"\x13\x0cedwards25519"  # PKCS#11 3.0, 2.3.10: the curve's name as a PrintableString
_ED25519_FORMS = (ED25519, bytes.fromhex("06032b6570"), bytes.fromhex("06092b06010401da470f01"))
_NONCE_BYTES = 12


class _Version(NamedTuple):
    """One private or secret key on the token, and what is wrong with it."""

    number: int
    id: bytes
    object: Any
    purpose: KeyPurpose
    wrong: tuple[str, ...]


class Pkcs11KeyStore(KeyStore):
    """Keys `pkcs11:token=TOKEN;object=NAME` (RFC 7512). Safe to share between threads; a token has one session.

    A version is a key of its own on the token, with the label NAME and the ID `NAME/VERSION`; rotating makes one more. A data key
    is sealed on the token by AES-GCM with the caller's context as associated data; the nonce is 96 random bits from here, so an
    HSM that insists on its own nonce (some do in FIPS mode) refuses. Only a digest travels for ECDSA.

    Rights needed: the token's user PIN, in a file that only its owner may read. Where the HSM is, no service attests: the
    jurisdiction is the settings' word, and the token's serial number is in `protection` to be compared with the machine.

    Not used, whoever made it: a key that is or was extractable or readable, that was not generated on the token, or that has a
    double. A public key is believed only after the private one has signed under it.
    """

    def __init__(self, place: TokenPlace, *, region: str, jurisdiction: str) -> None:
        self.region = region
        self.jurisdiction = jurisdiction
        self._place = place
        self._token = Token(place)
        self._known: Checked[tuple[_Version, ...]] = Checked()
        self._public: dict[tuple[str, int], str] = {}

    def create(self, name: str, purpose: KeyPurpose) -> KeyFacts:
        """As `KeyStore.create`."""
        try:
            there = self.facts(name)
        except NotFound:
            with self._token.alone():
                if not self._found(name):
                    self._make(name, 1, purpose)
            there = self.facts(name)
        check_purpose(there.uri, there.purpose, purpose)
        return there

    def facts(self, name: str) -> KeyFacts:
        """As `KeyStore.facts`."""
        versions = self._there(name)
        newest = versions[-1]
        signs = newest.purpose is not KeyPurpose.wrap
        with self._token.session() as session:
            token = session.token
            made_by = " ".join(filter(None, (str(token.manufacturer_id).strip(), str(token.model).strip())))
            serial = bytes(token.serial).decode(errors="replace").strip()
        return KeyFacts(
            uri=self._uri(name),
            purpose=newest.purpose,
            algorithm=ALGORITHMS[newest.purpose],
            region=self.region,
            jurisdiction=self.jurisdiction,
            exportable=any(version.wrong for version in versions),
            protection=f"PKCS#11 token {serial} ({made_by})",
            version=newest.number,
            public_keys={str(version.number): self._public_key(name, version) for version in versions} if signs else {},
        )

    def sign(self, name: str, data: bytes) -> Signature:
        """As `KeyStore.sign`."""
        newest = self._usable(name)[-1]
        check_signs(self._uri(name), newest.purpose)
        return Signature(key=self._uri(name), algorithm=ALGORITHMS[newest.purpose], value=b64(self._signed(newest, data)))

    def wrap(self, name: str, data_key: bytes, context: bytes = b"") -> DataKey:
        """As `KeyStore.wrap`. The wrapped form is `VERSION:base64(nonce, ciphertext and tag)`."""
        from pkcs11 import GCMParams, Mechanism

        check_data_key(data_key)
        newest = self._usable(name)[-1]
        check_wraps(self._uri(name), newest.purpose)
        nonce = os.urandom(_NONCE_BYTES)
        with self._token.session():
            sealed = newest.object.encrypt(
                data_key, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, context or None)
            )
        return DataKey(key=self._uri(name), wrapped=f"{newest.number}:{b64(nonce + sealed)}")

    def unwrap(self, data_key: DataKey, context: bytes = b"") -> bytes:
        """As `KeyStore.unwrap`."""
        from pkcs11 import GCMParams, Mechanism

        name = self._name_in(data_key.key)
        versions = self._usable(name)
        check_wraps(data_key.key, versions[-1].purpose)
        number, _, text = data_key.wrapped.partition(":")
        version = next((one for one in versions if str(one.number) == number), None)
        try:
            sealed = base64.b64decode(text, validate=True)
            if version is None or len(sealed) <= _NONCE_BYTES:
                raise does_not_open(data_key.key)
            nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            with self._token.session():
                plain: bytes = version.object.decrypt(
                    rest, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, context or None)
                )
        except (HsmRefused, binascii.Error) as err:  # the words for a wrong tag differ from HSM to HSM
            raise does_not_open(data_key.key) from err
        return plain

    def rotate(self, name: str) -> KeyFacts:
        """As `KeyStore.rotate`."""
        self._usable(name)
        with self._token.alone():
            newest = self._found(name)[-1]
            self._make(name, newest.number + 1, newest.purpose)
        self._known.forget(name)
        return self.facts(name)

    # -- keys --

    def _make(self, name: str, version: int, purpose: KeyPurpose) -> None:
        from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag

        mechanisms = {
            KeyPurpose.sign: Mechanism.ECDSA,
            KeyPurpose.seal: Mechanism.EDDSA,
            KeyPurpose.wrap: Mechanism.AES_GCM,
        }
        if not self._token.has(mechanisms[purpose]):
            raise Unsupported(
                f"a {purpose} key on token {self._place.token}",
                reason=f"the token has no {mechanisms[purpose].name}",
                remedy="update its firmware, or use another token",
            )
        common: dict[str, Any] = {"store": True, "label": check_name(name), "id": f"{name}/{version}".encode()}
        kept = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.PRIVATE: True}
        with self._token.session() as session:
            if purpose is KeyPurpose.wrap:
                can = MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT
                session.generate_key(KeyType.AES, 256, capabilities=can, template=kept, **common)
                return
            kind, curve = (KeyType.EC, P256) if purpose is KeyPurpose.sign else (KeyType.EC_EDWARDS, ED25519)
            parameters = session.create_domain_parameters(kind, {Attribute.EC_PARAMS: curve}, local=True)
            can = MechanismFlag.SIGN | MechanismFlag.VERIFY
            parameters.generate_keypair(capabilities=can, private_template=kept, **common)

    def _usable(self, name: str) -> tuple[_Version, ...]:
        """The versions of a key, once it is certain (again, each minute) that none of them could have left the token."""

        def check() -> tuple[_Version, ...]:
            found = self._there(name)
            check_usable(self._uri(name), [wrong for version in found for wrong in version.wrong])
            return found

        return self._known.get(name, check)

    def _there(self, name: str) -> tuple[_Version, ...]:
        found = self._found(name)
        if not found:
            raise NotFound(f"no key {self._uri(name)}", remedy="create it first")
        return found

    def _found(self, name: str) -> tuple[_Version, ...]:
        """All versions on the token, oldest first. Raises Denied when two could be meant."""
        from pkcs11 import Attribute, ObjectClass

        check_name(name)
        with self._token.session() as session:
            objects = [
                one
                for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.SECRET_KEY)
                for one in session.get_objects({Attribute.CLASS: kind, Attribute.LABEL: name})
            ]
            found = sorted((self._seen(name, one) for one in objects), key=lambda version: version.number)
        numbers = [version.number for version in found]
        doubles = sorted({number for number in numbers if numbers.count(number) > 1})
        mixed = ["its versions are of different purposes"] if len({version.purpose for version in found}) > 1 else []
        wrong = [f"there are two keys of version {number}" for number in doubles] + mixed
        check_usable(self._uri(name), wrong, "find out who made the second; delete it, or use another name")
        return tuple(found)

    def _seen(self, name: str, key: Any) -> _Version:
        from pkcs11 import Attribute

        identity = bytes(key[Attribute.ID])
        number = identity.removeprefix(f"{name}/".encode())
        wrong = (
            *(["it can be extracted from the token"] if key[Attribute.EXTRACTABLE] else []),
            *([] if key[Attribute.SENSITIVE] else ["its value can be read"]),
            *([] if key[Attribute.NEVER_EXTRACTABLE] and key[Attribute.ALWAYS_SENSITIVE] else ["it could once be taken out"]),
            *([] if key[Attribute.LOCAL] else ["it was imported, not generated on the token"]),
        )
        return _Version(int(number) if number.isdigit() else 1, identity, key, self._purpose(name, key), wrong)

    def _purpose(self, name: str, key: Any) -> KeyPurpose:
        from pkcs11 import Attribute, KeyType

        kind = key[Attribute.KEY_TYPE]
        if kind == KeyType.AES and key[Attribute.VALUE_LEN] == 32:
            return KeyPurpose.wrap
        if kind == KeyType.EC and bytes(key[Attribute.EC_PARAMS]) == P256:
            return KeyPurpose.sign
        if kind == KeyType.EC_EDWARDS and bytes(key[Attribute.EC_PARAMS]) in _ED25519_FORMS:
            return KeyPurpose.seal
        raise Unsupported(f"key {self._uri(name)}", reason=f"it is {kind.name} of another size or curve", remedy="make another")

    def _signed(self, version: _Version, data: bytes) -> bytes:
        import hashlib

        from pkcs11 import Mechanism
        from pkcs11.util.ec import encode_ecdsa_signature

        with self._token.session():
            if version.purpose is KeyPurpose.seal:
                return bytes(version.object.sign(data, mechanism=Mechanism.EDDSA))
            bare = version.object.sign(hashlib.sha256(data).digest(), mechanism=Mechanism.ECDSA)
        return bytes(encode_ecdsa_signature(bare))

    def _public_key(self, name: str, version: _Version) -> str:
        """PEM of the public key, once the private key has shown that it is its own."""
        from pkcs11 import Attribute, ObjectClass

        if (name, version.number) not in self._public:
            wanted = {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.LABEL: name, Attribute.ID: version.id}
            with self._token.session() as session:
                pems = [_pem(version.purpose, bytes(one[Attribute.EC_POINT])) for one in session.get_objects(wanted)]
            wrong = [] if len(pems) == 1 else [f"version {version.number} has {len(pems)} public keys on the token"]
            check_usable(self._uri(name), wrong, "rotate the key, and find out who changed the token")
            self._prove(name, version, pems[0])
            self._public[name, version.number] = pems[0]
        return self._public[name, version.number]

    def _prove(self, name: str, version: _Version, pem: str) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        challenge = b"sovplatform: is this your public key? " + os.urandom(32)
        key: Any = load_pem_public_key(pem.encode())
        scheme = (ECDSA(hashes.SHA256()),) if version.purpose is KeyPurpose.sign else ()
        try:
            key.verify(self._signed(version, challenge), challenge, *scheme)
        except InvalidSignature as err:
            raise Denied(
                f"key {self._uri(name)} is not used",
                reasons=[f"the public key of version {version.number} on the token is not the private key's"],
                remedy="rotate the key, and find out who changed the token",
            ) from err

    # -- names --

    def _uri(self, name: str) -> str:
        return f"pkcs11:token={quote(self._place.token, safe='')};object={name}"

    def _name_in(self, uri: str) -> str:
        return name_in(uri, self._uri(""), self.region, "it is on another token")


def _pem(purpose: KeyPurpose, point: bytes) -> str:
    """PEM of a point as the token gives it: in an OCTET STRING, or (some, for Ed25519) bare."""
    if purpose is KeyPurpose.seal:
        return pem_of_der(bytes.fromhex("302a300506032b6570032100") + point[-32:])
    return pem_of_der(bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + point[-65:])
