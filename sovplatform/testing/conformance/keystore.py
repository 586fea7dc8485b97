"""What every KeyStore must do."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from sovplatform.errors import Conflict, Denied, NotFound, Unsupported
from sovplatform.interfaces import KeyStore
from sovplatform.records import DataKey, KeyPurpose, Signature
from sovplatform.testing.conformance.waiting import missing

MakeKey = Callable[[KeyPurpose], str]
MESSAGE = b"what was said"
DATA_KEY = bytes(range(32))


def verifies(signature: Signature, data: bytes, public_key: str) -> bool:
    """True when the signature verifies by the algorithm it names, checked with `cryptography` alone."""
    key, value = load_pem_public_key(public_key.encode()), base64.b64decode(signature.value, validate=True)
    try:
        if signature.algorithm == "ed25519":
            assert isinstance(key, Ed25519PublicKey)
            key.verify(value, data)
        else:
            assert signature.algorithm == "ecdsa-p256-sha256"
            assert isinstance(key, EllipticCurvePublicKey)
            assert isinstance(key.curve, SECP256R1)
            key.verify(value, data, ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


class KeyStoreConformance:
    """Must override: the fixture `keystore` (any scope; keys of random names are made in it).

    May override: `foreign_keystore`, a KeyStore of another region, whose data keys must not open here;
    `full_rights = False` when the identity under test may be denied making keys or using them: what it is denied is skipped.
    """

    full_rights = True

    @pytest.fixture
    def keystore(self) -> KeyStore:
        raise missing("keystore")

    @pytest.fixture
    def foreign_keystore(self) -> KeyStore:
        return pytest.skip("no second region was given")

    @pytest.fixture
    def made(self, keystore: KeyStore) -> MakeKey:
        """Makes a new key of a purpose and returns its name."""

        def make(purpose: KeyPurpose) -> str:
            name = f"conformance-{uuid.uuid4().hex[:12]}"
            try:
                keystore.create(name, purpose)
            except Unsupported as err:
                assert err.reason
                pytest.skip(str(err))
            except Denied as err:
                self._denied(err)
            return name

        return make

    @pytest.fixture
    def key(self, keystore: KeyStore, made: MakeKey) -> MakeKey:
        """As `made`; the key can be used."""

        def make(purpose: KeyPurpose) -> str:
            name = made(purpose)
            try:
                keystore.wrap(name, DATA_KEY) if purpose is KeyPurpose.wrap else keystore.sign(name, MESSAGE)
            except Denied as err:
                self._denied(err)
            return name

        return make

    def _denied(self, err: Denied) -> None:
        if self.full_rights:
            raise err
        pytest.skip(f"this identity is denied it: {err.message}")

    @pytest.mark.parametrize("purpose", KeyPurpose)
    def test_facts_tell_where_a_key_is_and_that_it_cannot_leave(
        self, keystore: KeyStore, made: MakeKey, purpose: KeyPurpose
    ) -> None:
        facts = keystore.facts(made(purpose))
        assert facts.purpose is purpose
        assert facts.exportable is False
        assert facts.region
        assert len(facts.jurisdiction) == 2
        assert facts.protection
        assert facts.version == 1
        assert re.match(r"[a-z][a-z0-9+.-]*:.", facts.uri), "the address of a key is a URI"
        assert list(facts.public_keys) == ([] if purpose is KeyPurpose.wrap else ["1"])

    def test_creating_a_key_again_returns_the_same_key(self, keystore: KeyStore, made: MakeKey) -> None:
        name = made(KeyPurpose.sign)
        assert keystore.create(name, KeyPurpose.sign) == keystore.facts(name)
        assert keystore.facts(name).version == 1

    def test_creating_a_key_again_for_another_purpose_is_a_conflict(self, keystore: KeyStore, made: MakeKey) -> None:
        name = made(KeyPurpose.sign)
        with pytest.raises(Conflict):
            keystore.create(name, KeyPurpose.wrap)
        assert keystore.facts(name).purpose is KeyPurpose.sign

    @pytest.mark.parametrize("purpose", [KeyPurpose.sign, KeyPurpose.seal])
    def test_a_signature_verifies_with_the_public_key_and_nothing_else(
        self, keystore: KeyStore, key: MakeKey, purpose: KeyPurpose
    ) -> None:
        name, other = key(purpose), key(purpose)
        signature = keystore.sign(name, MESSAGE)
        public = keystore.facts(name).public_keys["1"]
        assert signature.key == keystore.facts(name).uri
        assert verifies(signature, MESSAGE, public)
        assert not verifies(signature, MESSAGE + b"!", public)
        assert not verifies(signature, MESSAGE, keystore.facts(other).public_keys["1"])

    @pytest.mark.parametrize("data", [b"", bytes(1_000_000)], ids=["nothing", "a megabyte"])
    def test_any_length_can_be_signed(self, keystore: KeyStore, key: MakeKey, data: bytes) -> None:
        name = key(KeyPurpose.sign)
        assert verifies(keystore.sign(name, data), data, keystore.facts(name).public_keys["1"])

    def test_a_key_that_wraps_does_not_sign(self, keystore: KeyStore, made: MakeKey) -> None:
        with pytest.raises(Unsupported) as caught:
            keystore.sign(made(KeyPurpose.wrap), MESSAGE)
        assert caught.value.reason

    def test_a_key_that_signs_does_not_wrap(self, keystore: KeyStore, made: MakeKey) -> None:
        with pytest.raises(Unsupported) as caught:
            keystore.wrap(made(KeyPurpose.sign), DATA_KEY)
        assert caught.value.reason

    @pytest.mark.parametrize("size", [16, 32, 64])
    def test_a_wrapped_data_key_comes_back(self, keystore: KeyStore, key: MakeKey, size: int) -> None:
        plain = bytes(range(size))
        wrapped = keystore.wrap(key(KeyPurpose.wrap), plain, b"file 1")
        assert plain not in base64.b64decode(wrapped.wrapped.rpartition(":")[2] + "==")
        assert keystore.unwrap(wrapped, b"file 1") == plain

    def test_wrapping_twice_gives_different_bytes(self, keystore: KeyStore, key: MakeKey) -> None:
        name = key(KeyPurpose.wrap)
        assert keystore.wrap(name, DATA_KEY).wrapped != keystore.wrap(name, DATA_KEY).wrapped

    @pytest.mark.parametrize("context", [b"", b"file 2"])
    def test_another_context_is_denied(self, keystore: KeyStore, key: MakeKey, context: bytes) -> None:
        wrapped = keystore.wrap(key(KeyPurpose.wrap), DATA_KEY, b"file 1")
        with pytest.raises(Denied):
            keystore.unwrap(wrapped, context)

    def test_changed_bytes_are_denied(self, keystore: KeyStore, key: MakeKey) -> None:
        wrapped = keystore.wrap(key(KeyPurpose.wrap), DATA_KEY)
        head, tail = wrapped.wrapped[:-8], wrapped.wrapped[-8:]
        changed = head + ("A" if tail[0] != "A" else "B") + tail[1:]
        with pytest.raises(Denied):
            keystore.unwrap(DataKey(key=wrapped.key, wrapped=changed))

    @pytest.mark.parametrize("wrapped", ["", "nonsense", "1:AAAA"])
    def test_what_was_never_wrapped_is_denied(self, keystore: KeyStore, key: MakeKey, wrapped: str) -> None:
        uri = keystore.facts(key(KeyPurpose.wrap)).uri
        with pytest.raises(Denied):
            keystore.unwrap(DataKey(key=uri, wrapped=wrapped))

    def test_another_key_does_not_unwrap(self, keystore: KeyStore, key: MakeKey) -> None:
        wrapped, other = keystore.wrap(key(KeyPurpose.wrap), DATA_KEY), keystore.facts(key(KeyPurpose.wrap)).uri
        with pytest.raises(Denied):
            keystore.unwrap(DataKey(key=other, wrapped=wrapped.wrapped))

    def test_another_regions_data_key_is_denied(self, keystore: KeyStore, foreign_keystore: KeyStore) -> None:
        name = f"conformance-{uuid.uuid4().hex[:12]}"
        foreign_keystore.create(name, KeyPurpose.wrap)
        with pytest.raises(Denied):
            keystore.unwrap(foreign_keystore.wrap(name, DATA_KEY))

    @pytest.mark.parametrize("purpose", [KeyPurpose.sign, KeyPurpose.seal])
    def test_after_rotation_the_new_version_signs_and_the_old_one_verifies(
        self, keystore: KeyStore, key: MakeKey, purpose: KeyPurpose
    ) -> None:
        name = key(purpose)
        before = keystore.sign(name, MESSAGE)
        facts = keystore.rotate(name)
        after = keystore.sign(name, MESSAGE)
        assert facts.version == 2
        assert list(facts.public_keys) == ["1", "2"]
        assert verifies(before, MESSAGE, facts.public_keys["1"])
        assert verifies(after, MESSAGE, facts.public_keys["2"])
        assert not verifies(after, MESSAGE, facts.public_keys["1"])

    def test_after_rotation_older_data_keys_open(self, keystore: KeyStore, key: MakeKey) -> None:
        name = key(KeyPurpose.wrap)
        wrapped = keystore.wrap(name, DATA_KEY, b"file 1")
        keystore.rotate(name)
        assert keystore.unwrap(wrapped, b"file 1") == DATA_KEY

    @pytest.mark.parametrize("method", ["facts", "sign", "wrap", "rotate"])
    def test_a_key_that_is_not_there_is_not_found(self, keystore: KeyStore, method: str) -> None:
        arguments = {"sign": (MESSAGE,), "wrap": (DATA_KEY,)}.get(method, ())
        with pytest.raises(NotFound if self.full_rights else (NotFound, Denied)):
            getattr(keystore, method)("conformance-none", *arguments)
