"""KeyStore on Google Cloud KMS: keys in a hardware security module, or held outside of Google (EKM)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from sovplatform.backends.crc32c import crc32c
from sovplatform.backends.gcp_api import GcpApi, GcpPlace, GcpRefused, number_of
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
)
from sovplatform.errors import Conflict, Denied, NotFound, Unavailable, Unsupported
from sovplatform.interfaces.keystore import KeyStore
from sovplatform.records import DataKey, KeyFacts, KeyPurpose, Signature

HARDWARE = ("HSM", "HSM_SINGLE_TENANT", "EXTERNAL", "EXTERNAL_VPC")
KINDS = {
    KeyPurpose.sign: ("ASYMMETRIC_SIGN", "EC_SIGN_P256_SHA256"),
    KeyPurpose.seal: ("ASYMMETRIC_SIGN", "EC_SIGN_ED25519"),
    KeyPurpose.wrap: ("ENCRYPT_DECRYPT", "GOOGLE_SYMMETRIC_ENCRYPTION"),
}
_PURPOSES = {kind: purpose for purpose, kind in KINDS.items()} | {
    ("ENCRYPT_DECRYPT", "EXTERNAL_SYMMETRIC_ENCRYPTION"): KeyPurpose.wrap
}
_ONE_REGION = re.compile(r"[a-z]+(-[a-z]+)+\d+")
_COMING, _GONE = (
    ("PENDING_GENERATION", "PENDING_IMPORT"),
    ("DESTROYED", "DESTROY_SCHEDULED", "GENERATION_FAILED", "IMPORT_FAILED"),
)
_MESSAGE_BYTES = 65536
_POLL_SECONDS = 0.2


class _Key(NamedTuple):
    """One key as Cloud KMS describes it: its purpose, its living versions, the one to use, and what is wrong with it."""

    name: str
    purpose: KeyPurpose
    versions: Sequence[Any]
    newest: Any
    wrong: Sequence[str]


class GcpKeyStore(KeyStore):
    """Keys `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/NAME`. Thread-safe; a use is one round trip, by REST.

    A version is a cryptoKeyVersion; the newest of a key that signs is its highest, of a key that wraps its primary. What is used
    is the version that was checked, again each minute. Requests and answers carry CRC32C, and what does not match is not used.
    The caller's context is the additional authenticated data.

    `protection` is what keys are made with; keys in hardware and external keys are used whatever it says, and software keys only
    where it (or `seal_protection`, for Ed25519, which Cloud HSM may not have) is SOFTWARE. External keys have to be made in the
    external key manager, with their URI.

    Rights needed on the key ring: `cloudkms.cryptoKeys.get`, `cloudkms.cryptoKeyVersions.list` and `.viewPublicKey` (facts),
    `cloudkms.cryptoKeyVersions.useToSign`, `.useToEncrypt`, `.useToDecrypt` (use), `cloudkms.cryptoKeys.create`, `.update` and
    `cloudkms.cryptoKeyVersions.create` (create and rotate).

    Not used, whoever made it: a key in a multi-region or another location, with imported material in any version or meant for
    it, with a lower protection, or whose newest version is disabled or to be destroyed.
    """

    def __init__(
        self,
        place: GcpPlace,
        *,
        region: str,
        jurisdiction: str,
        protection: str = "HSM",
        seal_protection: str = "",
        timeout: float = 10.0,
    ) -> None:
        self.region = region
        self.jurisdiction = jurisdiction
        self._place = place
        self._protection = dict.fromkeys(KeyPurpose, protection) | {KeyPurpose.seal: seal_protection or protection}
        self._api = GcpApi(place, timeout=timeout)
        self._timeout = timeout
        self._known: Checked[_Key] = Checked()
        self._public: dict[str, str] = {}

    def create(self, name: str, purpose: KeyPurpose) -> KeyFacts:
        """As `KeyStore.create`. The key ring has to be there."""
        try:
            there = self.facts(name)
        except NotFound:
            self._make(name, purpose)
            there = self.facts(name)
        check_purpose(there.uri, there.purpose, purpose)
        return there

    def facts(self, name: str) -> KeyFacts:
        """As `KeyStore.facts`. Exportable is a key of which somebody outside may hold the imported material."""
        key = self._described(name)
        signs = key.purpose is not KeyPurpose.wrap
        return KeyFacts(
            uri=self._uri(name),
            purpose=key.purpose,
            algorithm=ALGORITHMS[key.purpose],
            region=self.region,
            jurisdiction=self.jurisdiction,
            exportable=any(_imported(version) for version in key.versions),
            protection=f"Cloud KMS {key.newest.protection_level.name}",
            version=number_of(key.newest.name),
            public_keys={
                str(number_of(version.name)): self._public_key(version.name)
                for version in key.versions
                if signs and version.state.name == "ENABLED"
            },
        )

    def sign(self, name: str, data: bytes) -> Signature:
        """As `KeyStore.sign`. For ECDSA only the SHA-256 of `data` travels; for Ed25519 all of it, at most 64 KiB."""
        key = self._usable(name)
        check_signs(self._uri(name), key.purpose)
        if key.purpose is KeyPurpose.sign:
            digest = hashlib.sha256(data).digest()
            request: dict[str, Any] = {"digest": {"sha256": digest}, "digest_crc32c": crc32c(digest)}
        elif len(data) <= _MESSAGE_BYTES:
            request = {"data": data, "data_crc32c": crc32c(data)}
        else:
            reason = f"Cloud KMS takes at most {_MESSAGE_BYTES}"
            raise Unsupported(
                f"an Ed25519 signature of {len(data)} bytes by {self._uri(name)}", reason=reason, remedy="sign a digest"
            )
        answer = self._api.call("asymmetric_sign", name=key.newest.name, **request)
        received = answer.verified_digest_crc32c if key.purpose is KeyPurpose.sign else answer.verified_data_crc32c
        self._must_match(received, answer.name == key.newest.name, crc32c(answer.signature) == answer.signature_crc32c)
        return Signature(key=self._uri(name), algorithm=ALGORITHMS[key.purpose], value=b64(answer.signature))

    def wrap(self, name: str, data_key: bytes, context: bytes = b"") -> DataKey:
        """As `KeyStore.wrap`."""
        check_data_key(data_key)
        key = self._usable(name)
        check_wraps(self._uri(name), key.purpose)
        answer = self._api.call(
            "encrypt",
            name=key.newest.name,
            plaintext=data_key,
            plaintext_crc32c=crc32c(data_key),
            additional_authenticated_data=context,
            additional_authenticated_data_crc32c=crc32c(context),
        )
        self._must_match(
            answer.verified_plaintext_crc32c,
            answer.verified_additional_authenticated_data_crc32c or not context,
            answer.name == key.newest.name,
            crc32c(answer.ciphertext) == answer.ciphertext_crc32c,
        )
        return DataKey(key=self._uri(name), wrapped=b64(answer.ciphertext))

    def unwrap(self, data_key: DataKey, context: bytes = b"") -> bytes:
        """As `KeyStore.unwrap`."""
        name = self._name_in(data_key.key)
        key = self._usable(name)
        check_wraps(data_key.key, key.purpose)
        try:
            ciphertext = base64.b64decode(data_key.wrapped, validate=True)
            answer = self._api.call(
                "decrypt",
                name=key.name,
                ciphertext=ciphertext,
                ciphertext_crc32c=crc32c(ciphertext),
                additional_authenticated_data=context,
                additional_authenticated_data_crc32c=crc32c(context),
            )
        except (GcpRefused, binascii.Error) as err:
            raise does_not_open(data_key.key) from err
        plain: bytes = answer.plaintext
        self._must_match(crc32c(plain) == answer.plaintext_crc32c)
        return plain

    def rotate(self, name: str) -> KeyFacts:
        """As `KeyStore.rotate`."""
        key = self._usable(name)
        made = self._api.call("create_crypto_key_version", parent=key.name, crypto_key_version={})
        self._await_version(name, made.name)
        if key.purpose is KeyPurpose.wrap:
            number = str(number_of(made.name))
            self._api.call("update_crypto_key_primary_version", name=key.name, crypto_key_version_id=number)
        self._known.forget(name)
        return self.facts(name)

    # -- keys --

    def _make(self, name: str, purpose: KeyPurpose) -> None:
        protection = self._protection[purpose]
        if protection.startswith("EXTERNAL"):
            raise Unsupported(
                f"making the key {self._uri(name)}",
                reason="an external key is made in the external key manager",
                remedy="make it there, and a Cloud KMS key with its URI under this name",
            )
        kind, algorithm = KINDS[purpose]
        template = {"protection_level": protection, "algorithm": algorithm}
        labels = {"sovplatform-region": self.region}
        body = {"purpose": kind, "version_template": template, "labels": labels}
        try:
            self._api.call("create_crypto_key", parent=self._place.ring, crypto_key_id=check_name(name), crypto_key=body)
        except Conflict:
            pass  # another process made it
        except GcpRefused as err:
            raise Unsupported(
                f"a {purpose} key in Cloud KMS of {self._place.location}",
                reason=f"the service has no {algorithm} with protection {protection} there: {err.message}",
                remedy="use a location that has it, or allow software keys for it (seal_protection: SOFTWARE)",
            ) from err
        self._await_version(name, f"{self._name(name)}/cryptoKeyVersions/1")

    def _await_version(self, name: str, version: str) -> None:
        """Hardware takes its time to make a key."""
        deadline = time.monotonic() + self._timeout
        while True:
            state = next((one.state.name for one in self._api.versions(self._name(name)) if one.name == version), "missing")
            if state not in ("missing", *_COMING):
                return
            if time.monotonic() > deadline:
                raise Unavailable(f"{version} is {state} after {self._timeout:g} s", remedy="try again in a minute")
            time.sleep(_POLL_SECONDS)

    def _usable(self, name: str) -> _Key:
        """The key, once it is certain (again, each minute) that it is one that may be used."""

        def check() -> _Key:
            found = self._described(name)
            check_usable(self._uri(name), found.wrong)
            return found

        return self._known.get(name, check)

    def _described(self, name: str) -> _Key:
        self._must_be_one_region()
        key = self._api.call("get_crypto_key", name=self._name(name))
        check_usable(self._uri(name), [] if key.name == self._name(name) else [f"the service answers with {key.name}"])
        there = self._api.versions(key.name)
        versions = [version for version in there if version.state.name not in (*_COMING, *_GONE)]
        newest = key.primary if key.primary.name else versions[-1] if versions else None
        if newest is None:
            states = ", ".join(sorted({version.state.name for version in there})) or "none"
            raise Denied(f"key {self._uri(name)} has no version that can be used", reasons=[states], remedy="rotate it")
        purpose = _PURPOSES.get((key.purpose.name, newest.algorithm.name))
        if purpose is None:
            algorithms = ", ".join(algorithm for _, algorithm in KINDS.values())
            raise Unsupported(f"key {self._uri(name)}", reason=f"it is {newest.algorithm.name}", remedy=f"use {algorithms}")
        levels = {version.protection_level.name for version in versions} - {*HARDWARE, self._protection[purpose]}
        wrong = [
            *([f"its protection is {', '.join(sorted(levels))}, not {self._protection[purpose]}"] if levels else []),
            *(["its material was imported"] if any(_imported(version) for version in versions) else []),
            *(["it is meant for imported material"] if key.import_only else []),
            *([f"its newest version is {newest.state.name}"] if newest.state.name != "ENABLED" else []),
        ]
        return _Key(key.name, purpose, versions, newest, wrong)

    def _public_key(self, version: str) -> str:
        if version not in self._public:
            answer = self._api.call("get_public_key", name=version)
            self._must_match(answer.name == version, crc32c(answer.pem.encode()) == answer.pem_crc32c)
            self._public[version] = answer.pem
        return self._public[version]

    def _must_match(self, *held: bool) -> None:
        if not all(held):
            raise Unavailable(
                "what Cloud KMS received or answered was changed on the way", remedy="try again; check proxies on the way"
            )

    def _must_be_one_region(self) -> None:
        wrong = [] if _ONE_REGION.fullmatch(self._place.location) else [f"{self._place.location} is not one region"]
        check_usable(self._place.ring, wrong, "use a key ring in a region of the jurisdiction")

    # -- names --

    def _name(self, name: str) -> str:
        return f"{self._place.ring}/cryptoKeys/{check_name(name)}"

    def _uri(self, name: str) -> str:
        return f"gcpkms://{self._place.ring}/cryptoKeys/{name}"

    def _name_in(self, uri: str) -> str:
        return name_in(uri, self._uri(""), self.region, "it is in another project, location or key ring")


def _imported(version: Any) -> bool:
    return bool(version.import_job or version.import_time or version.reimport_eligible)
