"""Pkcs11KeyStore on tokens of SoftHSM2: what every KeyStore does, and keys on a token that could leave it."""

import base64
import logging
import subprocess
import sys
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pkcs11 import Attribute, KeyType, MechanismFlag, ObjectClass

from sovplatform.backends.pkcs11 import P256, Pkcs11KeyStore
from sovplatform.backends.pkcs11_token import TokenPlace
from sovplatform.errors import ConfigError, Denied, NotFound, Unsupported
from sovplatform.interfaces import KeyStore
from sovplatform.records import KeyPurpose
from sovplatform.signing import verify
from sovplatform.testing.conformance.keystore import KeyStoreConformance
from tests.fixtures.softhsm import PIN, MakePlace

DATA_KEY = bytes(range(32))
ON_TOKEN = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}


def store(place: TokenPlace) -> Pkcs11KeyStore:
    return Pkcs11KeyStore(place, region="de", jurisdiction="DE")


@pytest.fixture
def keys(hsm: MakePlace) -> Pkcs11KeyStore:
    return store(hsm())


@pytest.fixture
def name() -> str:
    return f"key-{uuid.uuid4().hex[:12]}"


class TestConformance(KeyStoreConformance):
    @pytest.fixture
    def keystore(self, keys: Pkcs11KeyStore) -> KeyStore:
        return keys

    @pytest.fixture
    def foreign_keystore(self, hsm: MakePlace) -> KeyStore:
        return Pkcs11KeyStore(hsm("fr"), region="fr", jurisdiction="FR")


def test_facts_name_the_machine_and_the_address(keys: Pkcs11KeyStore, name: str) -> None:
    facts = keys.create(name, KeyPurpose.sign)
    assert facts.uri == f"pkcs11:token=de;object={name}"
    assert "SoftHSM" in facts.protection


def on_token(keys: Pkcs11KeyStore, make: Callable[[Any], object]) -> None:
    """Somebody else with the PIN does something to the token."""
    with keys._token.session() as session:
        make(session)


def aes(name: str, template: dict[Attribute, Any], version: int = 1) -> Callable[[Any], object]:
    can = MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT
    identity = f"{name}/{version}".encode()
    return lambda session: session.generate_key(
        KeyType.AES, 256, store=True, label=name, id=identity, template=template, capabilities=can
    )


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ({Attribute.EXTRACTABLE: True}, "can be extracted from the token"),
        ({Attribute.SENSITIVE: False}, "its value can be read"),
        ({Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}, "it could once be taken out"),
    ],
)
def test_a_key_that_can_leave_the_token_is_not_used(
    keys: Pkcs11KeyStore, name: str, template: dict[Attribute, Any], what: str
) -> None:
    on_token(keys, aes(name, ON_TOKEN | template))
    assert keys.facts(name).exportable
    with pytest.raises(Denied, match=what):
        keys.wrap(name, DATA_KEY)


def test_a_signing_key_that_can_leave_the_token_is_not_used(keys: Pkcs11KeyStore, name: str) -> None:
    def make(session: Any) -> None:
        parameters = session.create_domain_parameters(KeyType.EC, {Attribute.EC_PARAMS: P256}, local=True)
        parameters.generate_keypair(store=True, label=name, id=b"1", private_template={Attribute.EXTRACTABLE: True})

    on_token(keys, make)
    with pytest.raises(Denied, match="can be extracted"):
        keys.sign(name, b"data")


def test_an_imported_key_is_not_used(keys: Pkcs11KeyStore, name: str) -> None:
    body = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES, Attribute.VALUE: bytes(32)}
    rest = {Attribute.TOKEN: True, Attribute.LABEL: name, Attribute.ID: f"{name}/1".encode(), Attribute.ENCRYPT: True}
    on_token(keys, lambda session: session.create_object(body | rest | ON_TOKEN))
    assert keys.facts(name).exportable
    with pytest.raises(Denied, match="was imported"):
        keys.wrap(name, DATA_KEY)


def test_a_double_of_a_key_is_not_used(keys: Pkcs11KeyStore, hsm: MakePlace, name: str) -> None:
    keys.create(name, KeyPurpose.wrap)
    on_token(keys, aes(name, ON_TOKEN))
    with pytest.raises(Denied, match="two keys of version 1"):
        store(hsm()).wrap(name, DATA_KEY)


def test_a_weaker_new_version_spoils_the_key(keys: Pkcs11KeyStore, hsm: MakePlace, name: str) -> None:
    keys.create(name, KeyPurpose.wrap)
    on_token(keys, aes(name, {Attribute.EXTRACTABLE: True}, version=2))
    with pytest.raises(Denied, match="can be extracted"):
        store(hsm()).wrap(name, DATA_KEY)


def test_a_public_key_that_was_put_in_place_of_the_real_one_is_found(keys: Pkcs11KeyStore, hsm: MakePlace, name: str) -> None:
    keys.create(name, KeyPurpose.sign)

    def swap(session: Any) -> None:
        (real,) = session.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.LABEL: name})
        identity = bytes(real[Attribute.ID])
        real.destroy()
        parameters = session.create_domain_parameters(KeyType.EC, {Attribute.EC_PARAMS: P256}, local=True)
        _, private = parameters.generate_keypair(store=True, label=name, id=identity)
        private.destroy()

    on_token(keys, swap)
    with pytest.raises(Denied, match="is not the private key's"):
        store(hsm()).facts(name)


def test_a_key_of_another_size_is_unsupported(keys: Pkcs11KeyStore, name: str) -> None:
    on_token(keys, lambda session: session.generate_key(KeyType.AES, 128, store=True, label=name))
    with pytest.raises(Unsupported, match="another size"):
        keys.wrap(name, DATA_KEY)


def test_a_mechanism_that_the_token_lacks_is_unsupported(
    keys: Pkcs11KeyStore, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys._token, "has", lambda mechanism: False)  # as older firmware answers; SoftHSM has all of them
    with pytest.raises(Unsupported, match="no EDDSA"):
        keys.create(name, KeyPurpose.seal)


@pytest.mark.parametrize(
    "uri", ["pkcs11:token=fr;object=data", "pkcs11:token=de;object=../x", "pkcs11:object=data", "vault://x/data", ""]
)
def test_a_data_key_of_another_place_is_denied(keys: Pkcs11KeyStore, uri: str) -> None:
    keys.create("data", KeyPurpose.wrap)
    with pytest.raises(Denied):
        keys.unwrap(keys.wrap("data", DATA_KEY).model_copy(update={"key": uri}))


def in_a_process_of_its_own(place: TokenPlace) -> subprocess.CompletedProcess[str]:
    """A login is a process's: a wrong PIN can be tried only where nobody is logged in."""
    code = (
        "import sys\n"
        "from sovplatform.backends.pkcs11 import Pkcs11KeyStore\n"
        "from sovplatform.backends.pkcs11_token import TokenPlace\n"
        "try: Pkcs11KeyStore(TokenPlace(*sys.argv[1:]), region='de', jurisdiction='DE').facts('any')\n"
        "except Exception as err: print(type(err).__name__, err, repr(err))"
    )
    return subprocess.run([sys.executable, "-c", code, *place], capture_output=True, text=True, check=True)


def test_a_wrong_pin_is_denied_and_not_shown(hsm: MakePlace) -> None:
    ended = in_a_process_of_its_own(hsm("guarded", pin="wrong-pin"))
    assert ended.stdout.startswith("Denied token guarded does not open: the PIN is wrong")
    assert "wrong-pin" not in (ended.stdout + ended.stderr).replace("pin-wrong-pin", "")


def test_the_right_pin_opens_in_the_same_way(hsm: MakePlace) -> None:
    assert in_a_process_of_its_own(hsm("guarded")).stdout.startswith("NotFound no key pkcs11:token=guarded;object=any")


def test_a_pin_that_others_may_read_is_refused(hsm: MakePlace) -> None:
    place = hsm("guarded")
    Path(place.pin_file).chmod(0o640)
    with pytest.raises(ConfigError, match="others may read") as caught:
        store(place).facts("any")
    assert caught.value.remedy == f"chmod 600 {place.pin_file}"


def test_a_pin_file_that_is_not_there_is_named(hsm: MakePlace) -> None:
    with pytest.raises(ConfigError, match="/nowhere/pin"):
        store(hsm("guarded")._replace(pin_file="/nowhere/pin")).facts("any")


def test_a_token_that_is_not_there_is_not_found(hsm: MakePlace) -> None:
    with pytest.raises(NotFound, match="there is not one token xx"):
        store(hsm("xx")).facts("any")


@pytest.mark.parametrize("module", ["/nowhere/lib.so", __file__])
def test_a_library_that_is_none_is_named(hsm: MakePlace, module: str) -> None:
    with pytest.raises(ConfigError, match="no PKCS#11 library at") as caught:
        store(hsm(module=module)).facts("any")
    assert "module" in caught.value.remedy


def test_many_threads_use_one_token(keys: Pkcs11KeyStore, hsm: MakePlace, name: str) -> None:
    stores = [store(hsm()) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: stores[number % 4].create(name, KeyPurpose.sign).public_keys, range(8)))
        messages = [str(number).encode() for number in range(40)]
        signatures = list(pool.map(lambda message: keys.sign(name, message), messages))
    assert all(one == made[0] for one in made)
    for signature, message in zip(signatures, messages, strict=True):
        verify(signature, message, made[0]["1"])


def test_nothing_secret_is_logged_or_shown(keys: Pkcs11KeyStore, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    keys.create(name, KeyPurpose.wrap)
    keys.unwrap(keys.wrap(name, DATA_KEY))
    seen = caplog.text + repr(keys) + repr(keys._token) + repr(keys._place).replace(f"pin-{PIN}", "")
    for secret in (PIN, base64.b64encode(DATA_KEY).decode(), repr(DATA_KEY)):
        assert secret not in seen
