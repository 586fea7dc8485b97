"""KeyStore on AWS KMS, in any partition."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import re
from typing import Any, NamedTuple

from sovplatform.backends.aws_api import AwsApi, AwsPlace, AwsRefused
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
from sovplatform.errors import Conflict, NotFound, Unavailable, Unsupported
from sovplatform.interfaces.keystore import KeyStore
from sovplatform.records import DataKey, KeyFacts, KeyPurpose, Signature

SPECS = {KeyPurpose.sign: "ECC_NIST_P256", KeyPurpose.seal: "ECC_NIST_EDWARDS25519", KeyPurpose.wrap: "SYMMETRIC_DEFAULT"}
USAGES = {KeyPurpose.sign: "SIGN_VERIFY", KeyPurpose.seal: "SIGN_VERIFY", KeyPurpose.wrap: "ENCRYPT_DECRYPT"}
_PURPOSES = {(spec, USAGES[purpose]): purpose for purpose, spec in SPECS.items()}
_KEY_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MESSAGE_BYTES = 4096  # what KMS takes as a whole; Ed25519 of a digest would be another signature
_UNKNOWN_SPEC = ("ValidationException", "UnsupportedOperationException", "ParamValidation")


class _Key(NamedTuple):
    """One KMS key: what DescribeKey says, as far as it matters."""

    arn: str
    id: str
    purpose: KeyPurpose
    wrong: tuple[str, ...]
    exportable: bool


class AwsKeyStore(KeyStore):
    """Keys `awskms:///ARN`, where ARN is of the alias `alias/PREFIX/NAME`. Thread-safe; a use is one round trip.

    A version is a KMS key of its own, behind the alias `alias/PREFIX/NAME/vN`; `alias/PREFIX/NAME` is the newest. Rotating makes
    a key and moves that alias, as asymmetric keys cannot be rotated otherwise; earlier keys stay, verify and unwrap. What is
    used is never the alias but the key that was checked behind it, again each minute.

    The encryption context is the key's URI and the SHA-256 of the caller's context, since CloudTrail shows it to its readers.

    Rights needed, on keys with `kms:ResourceAliases` like `alias/PREFIX/*` and on those aliases: `kms:DescribeKey` and
    `kms:GetPublicKey` (facts), `kms:Sign`, `kms:Encrypt`, `kms:Decrypt` (use); to create and rotate `kms:CreateKey`,
    `kms:TagResource`, `kms:CreateAlias`, `kms:UpdateAlias`, and `kms:ScheduleKeyDeletion` for a key that lost a race.

    Not used, whoever made it: a key that is multi-Region, whose material was imported or is in another key store, that is AWS's
    own, disabled or to be deleted, or that is not of this partition, region and account.
    """

    def __init__(self, place: AwsPlace, *, region: str, jurisdiction: str, prefix: str, timeout: float = 10.0) -> None:
        self.region = region
        self.jurisdiction = jurisdiction
        self._place = place
        self._prefix = f"alias/{prefix.strip('/')}/"
        self._api = AwsApi(place, timeout=timeout)
        self._known: Checked[_Key] = Checked()
        self._public: dict[str, str] = {}

    def create(self, name: str, purpose: KeyPurpose) -> KeyFacts:
        """As `KeyStore.create`. What a crash left half made is completed."""
        try:
            there = self.facts(name)
        except NotFound:
            key = self._claim(name, 1, purpose)
            check_purpose(self._uri(name), key.purpose, purpose)
            self._point(name, key, new=True)
            there = self.facts(name)
        check_purpose(there.uri, there.purpose, purpose)
        return there

    def facts(self, name: str) -> KeyFacts:
        """As `KeyStore.facts`. Exportable is what can be replicated to another region, or was brought from outside."""
        newest = self._described(self._alias(name))
        versions = self._versions(name, newest)
        signs = newest.purpose is not KeyPurpose.wrap
        return KeyFacts(
            uri=self._uri(name),
            purpose=newest.purpose,
            algorithm=ALGORITHMS[newest.purpose],
            region=self.region,
            jurisdiction=self.jurisdiction,
            exportable=any(key.exportable for key in versions),
            protection=f"AWS KMS, HSM, partition {self._place.partition}",
            version=len(versions),
            public_keys={str(number): self._public_key(key) for number, key in enumerate(versions, start=1)} if signs else {},
        )

    def sign(self, name: str, data: bytes) -> Signature:
        """As `KeyStore.sign`. For ECDSA only the SHA-256 of `data` travels; for Ed25519 all of it, at most 4096 bytes."""
        key = self._usable(self._alias(name))
        check_signs(self._uri(name), key.purpose)
        if key.purpose is KeyPurpose.sign:
            message = {"Message": hashlib.sha256(data).digest(), "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
        elif 0 < len(data) <= _MESSAGE_BYTES:
            message = {"Message": data, "MessageType": "RAW", "SigningAlgorithm": "ED25519_SHA_512"}
        else:
            raise Unsupported(
                f"an Ed25519 signature of {len(data)} bytes by {self._uri(name)}",
                reason=f"AWS KMS takes 1 to {_MESSAGE_BYTES}",
                remedy="use a sign key, or sign a digest",
            )
        answer = self._api.call("kms", "sign", KeyId=key.arn, **message)
        return Signature(key=self._uri(name), algorithm=ALGORITHMS[key.purpose], value=b64(answer["Signature"]))

    def wrap(self, name: str, data_key: bytes, context: bytes = b"") -> DataKey:
        """As `KeyStore.wrap`. The wrapped form is `KEY-ID:base64`, so that it names its version."""
        check_data_key(data_key)
        key = self._usable(self._alias(name))
        check_wraps(self._uri(name), key.purpose)
        context_ = self._context(name, context)
        answer = self._api.call("kms", "encrypt", KeyId=key.arn, Plaintext=data_key, EncryptionContext=context_)
        return DataKey(key=self._uri(name), wrapped=f"{key.id}:{b64(answer['CiphertextBlob'])}")

    def unwrap(self, data_key: DataKey, context: bytes = b"") -> bytes:
        """As `KeyStore.unwrap`."""
        name = self._name_in(data_key.key)
        key_id, _, text = data_key.wrapped.partition(":")
        try:
            blob = base64.b64decode(text, validate=True)
        except binascii.Error as err:
            raise does_not_open(data_key.key) from err
        check_wraps(data_key.key, self._usable(self._alias(name)).purpose)
        if not (_KEY_ID.fullmatch(key_id) and blob):
            raise does_not_open(data_key.key)
        try:
            key = self._usable(self._place.arn("kms", f"key/{key_id}"))
            context_ = self._context(name, context)
            answer = self._api.call("kms", "decrypt", KeyId=key.arn, CiphertextBlob=blob, EncryptionContext=context_)
        except (AwsRefused, NotFound) as err:
            raise does_not_open(data_key.key) from err
        plain: bytes = answer["Plaintext"]
        return plain

    def rotate(self, name: str) -> KeyFacts:
        """As `KeyStore.rotate`. One that somebody else began, or that broke half-way, is completed instead."""
        newest = self._usable(self._alias(name))
        versions = self._versions(name, newest)
        if len(versions) == 1:
            self._claim_alias(name, 1, newest)
        self._point(name, self._claim(name, len(versions) + 1, newest.purpose))
        return self.facts(name)

    # -- keys and their aliases --

    def _claim(self, name: str, version: int, purpose: KeyPurpose) -> _Key:
        """The key of a version that is to be: a new one, unless another process was first or left one behind."""
        alias = self._alias(name, version)
        try:
            return self._usable(alias)
        except NotFound:
            key = self._make(name, purpose)
        if not self._claim_alias(name, version, key):
            self._api.call("kms", "schedule_key_deletion", KeyId=key.id, PendingWindowInDays=7)
        return self._usable(alias)

    def _claim_alias(self, name: str, version: int, key: _Key) -> bool:
        try:
            self._api.call("kms", "create_alias", AliasName=self._alias(name, version), TargetKeyId=key.id)
        except Conflict:
            return False
        return True

    def _point(self, name: str, key: _Key, *, new: bool = False) -> None:
        """Make the key the newest of its name."""
        alias = self._alias(name)
        with contextlib.suppress(Conflict):  # another process did the same
            self._api.call("kms", "create_alias" if new else "update_alias", AliasName=alias, TargetKeyId=key.id)
        self._known.forget(alias)

    def _make(self, name: str, purpose: KeyPurpose) -> _Key:
        tags = {"sovplatform:key": self._alias(name), "sovplatform:region": self.region}
        try:
            answer = self._api.call(
                "kms",
                "create_key",
                KeySpec=SPECS[purpose],
                KeyUsage=USAGES[purpose],
                Origin="AWS_KMS",
                MultiRegion=False,
                Description=f"sovplatform: {purpose} key {name} of region {self.region}",
                Tags=[{"TagKey": key, "TagValue": value} for key, value in tags.items()],
            )
        except AwsRefused as err:
            if err.code not in _UNKNOWN_SPEC:
                raise
            raise Unsupported(
                f"a {purpose} key in AWS KMS of {self._place.region}",
                reason=f"the service has no {SPECS[purpose]} there: {err.message}",
                remedy="use a region that has it, or another provider's key store for this key",
            ) from err
        return self._seen(answer["KeyMetadata"], self._alias(name))

    def _versions(self, name: str, newest: _Key) -> list[_Key]:
        """All keys of a name, oldest first. One that was made elsewhere, by Terraform say, may have no alias of a version."""
        found: list[_Key] = []
        while not found or found[-1].arn != newest.arn:
            try:
                found.append(self._described(self._alias(name, len(found) + 1)))
            except NotFound:
                break
        return found if found and found[-1].arn == newest.arn else [*found, newest]

    # -- checks --

    def _usable(self, key: str) -> _Key:
        """The key behind an alias or ARN, once it is certain that it is one that may be used."""

        def check() -> _Key:
            found = self._described(key)
            check_usable(found.arn, found.wrong)
            return found

        return self._known.get(key, check)

    def _described(self, key: str) -> _Key:
        return self._seen(self._api.call("kms", "describe_key", KeyId=key)["KeyMetadata"], key)

    def _seen(self, metadata: dict[str, Any], key: str) -> _Key:
        """Raises Denied for a key that is somewhere else: then nothing that this store says of its keys would be true."""
        arn = str(metadata["Arn"])
        _, partition, _, region, account, _ = arn.split(":", 5)
        there = (("partition", partition, self._place.partition), ("region", region, self._place.region))
        check_usable(
            arn,
            [
                f"its {what} is {found}, not {wanted}"
                for what, found, wanted in (*there, ("account", account, self._place.account))
                if found != wanted
            ],
            f"use credentials of account {self._place.account} in {self._place.partition}",
        )
        purpose = _PURPOSES.get((metadata["KeySpec"], metadata["KeyUsage"]))
        if purpose is None:
            raise Unsupported(f"key {key}", reason=f"it is {metadata['KeySpec']}", remedy=f"use {', '.join(SPECS.values())}")
        multi, origin = bool(metadata.get("MultiRegion")), str(metadata.get("Origin"))
        wrong = (
            *(["it is a multi-Region key, which can be replicated to another region"] if multi else []),
            *([f"its material is not KMS's own: its origin is {origin}"] if origin != "AWS_KMS" else []),
            *(["it is AWS's key, not the customer's"] if metadata.get("KeyManager") != "CUSTOMER" else []),
            *([f"its state is {metadata['KeyState']}"] if metadata["KeyState"] != "Enabled" else []),
        )
        return _Key(arn, str(metadata["KeyId"]), purpose, wrong, multi or origin == "EXTERNAL")

    def _public_key(self, key: _Key) -> str:
        if key.arn not in self._public:
            try:
                self._public[key.arn] = pem_of_der(self._api.call("kms", "get_public_key", KeyId=key.arn)["PublicKey"])
            except ValueError as err:
                raise Unavailable(f"AWS KMS gave no public key of {key.arn}", remedy="try again") from err
        return self._public[key.arn]

    # -- names --

    def _context(self, name: str, context: bytes) -> dict[str, str]:
        return {"sovplatform:key": self._uri(name), "sovplatform:context": hashlib.sha256(context).hexdigest()}

    def _alias(self, name: str, version: int = 0) -> str:
        return self._prefix + check_name(name) + (f"/v{version}" if version else "")

    def _uri(self, name: str) -> str:
        return f"awskms:///{self._place.arn('kms', self._prefix + name)}"

    def _name_in(self, uri: str) -> str:
        return name_in(uri, self._uri(""), self.region, "it is in another partition, region, account or name space")
