"""VaultKeyStore on a real OpenBao: what every KeyStore does, and what only this one can get wrong."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from sovplatform.backends.vault import VaultKeyStore
from sovplatform.errors import ConfigError, Denied, NotFound, SovError, Unavailable
from sovplatform.interfaces import KeyStore
from sovplatform.records import KeyPurpose
from sovplatform.signing import verify
from sovplatform.testing.conformance.keystore import KeyStoreConformance
from tests.fixtures.openbao import ProvisionedRegion


class TestConformance(KeyStoreConformance):
    @pytest.fixture
    def keystore(self, de: ProvisionedRegion) -> KeyStore:
        return de.keystore(de.keysmith)

    @pytest.fixture
    def foreign_keystore(self, fr: ProvisionedRegion) -> KeyStore:
        return fr.keystore(fr.keysmith)


def test_a_key_that_can_be_exported_is_not_used(de: ProvisionedRegion) -> None:
    de.api(de.keysmith).write("transit/keys/leaky", {"type": "aes256-gcm96", "exportable": True})
    keys = de.keystore(de.keysmith)
    assert keys.facts("leaky").exportable
    with pytest.raises(Denied, match="can be exported"):
        keys.wrap("leaky", bytes(32))


def test_a_key_with_plaintext_backup_counts_as_exportable(de: ProvisionedRegion) -> None:
    de.api(de.keysmith).write("transit/keys/backed-up", {"type": "ecdsa-p256", "allow_plaintext_backup": True})
    with pytest.raises(Denied, match="can be exported"):
        de.keystore(de.keysmith).sign("backed-up", b"data")


@pytest.mark.parametrize("path", ["transit/export/encryption-key/data", "transit/backup/data"])
def test_the_service_itself_refuses_to_give_keys_away(de: ProvisionedRegion, path: str) -> None:
    with pytest.raises(SovError, match="export"):
        de.api(de.keysmith).read(path)


def test_a_signature_of_an_old_version_verifies_after_rotation(de: ProvisionedRegion) -> None:
    keys = de.keystore(de.keysmith)
    keys.create("turning", KeyPurpose.sign)
    before = keys.sign("turning", b"data")
    facts = keys.rotate("turning")
    assert facts.version == 2
    verify(before, b"data", facts.public_keys["1"])
    verify(keys.sign("turning", b"data"), b"data", facts.public_keys["2"])


def test_a_data_key_wrapped_before_rotation_opens_after_it(de: ProvisionedRegion) -> None:
    keys = de.keystore(de.keysmith)
    keys.create("turning-data", KeyPurpose.wrap)
    wrapped = keys.wrap("turning-data", b"k" * 32, b"dataset")
    keys.rotate("turning-data")
    assert keys.unwrap(wrapped, b"dataset") == b"k" * 32


def test_a_data_key_opens_when_the_server_has_moved_to_another_port(de: ProvisionedRegion) -> None:
    keys = de.keystore(de.token("/job/train"))
    wrapped = keys.wrap("data", b"k" * 32)
    moved = wrapped.model_copy(update={"key": "vault://127.0.0.1:1/de/data"})
    assert keys.unwrap(moved) == b"k" * 32


@pytest.mark.parametrize("uri", ["vault://127.0.0.1/fr/data", "vault://127.0.0.1/de/../fr/data", "memory://de/data", "data", ""])
def test_a_data_key_of_another_place_is_denied(de: ProvisionedRegion, uri: str) -> None:
    keys = de.keystore(de.token("/job/train"))
    wrapped = keys.wrap("data", b"k" * 32).model_copy(update={"key": uri})
    with pytest.raises(Denied):
        keys.unwrap(wrapped)


@pytest.mark.parametrize("name", ["../sign/data", "data/../ledger", "DATA", "", "a" * 64])
def test_a_name_that_is_no_name_reaches_no_other_path(de: ProvisionedRegion, name: str) -> None:
    with pytest.raises(NotFound):
        de.keystore(de.keysmith).facts(name)


def test_a_data_key_has_a_sensible_length(de: ProvisionedRegion) -> None:
    with pytest.raises(ConfigError):
        de.keystore(de.keysmith).wrap("data", b"short")


def test_many_threads_sign_at_once(de: ProvisionedRegion) -> None:
    keys = de.keystore(de.token("/border"))
    public = keys.facts("decisions").public_keys["1"]
    messages = [str(number).encode() for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        signatures = list(pool.map(lambda message: keys.sign("decisions", message), messages))
    assert len({signature.value for signature in signatures}) == len(messages)
    for signature, message in zip(signatures, messages, strict=True):
        verify(signature, message, public)


def test_no_server_is_unavailable_with_a_remedy(de: ProvisionedRegion) -> None:
    keys = VaultKeyStore("https://127.0.0.1:1", namespace="de", region="de", jurisdiction="DE", token=lambda: "token")
    with pytest.raises(Unavailable) as caught:
        keys.sign("artifacts", b"data")
    assert caught.value.remedy


def test_a_server_that_another_ca_vouches_for_is_unavailable(de: ProvisionedRegion) -> None:
    keys = VaultKeyStore(de.address.url, namespace="de", region="de", jurisdiction="DE", token=de.keysmith, ca_file="")
    with pytest.raises(Unavailable):
        keys.facts("artifacts")


def test_a_wrong_token_is_denied(de: ProvisionedRegion) -> None:
    with pytest.raises(Denied):
        de.keystore(lambda: "b.wrong").sign("artifacts", b"data")


def test_proxies_and_cas_of_the_environment_are_not_used(de: ProvisionedRegion, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("HTTPS_PROXY", "http://127.0.0.1:1"), ("REQUESTS_CA_BUNDLE", "/nowhere"), ("VAULT_TOKEN", "wrong")):
        monkeypatch.setenv(name, value)
    assert de.keystore(de.keysmith).facts("artifacts").version >= 1


def test_a_token_that_the_server_forgot_is_replaced_once(de: ProvisionedRegion) -> None:
    login = de.token("/border")
    keys = de.keystore(login)
    keys.sign("decisions", b"before")
    login._token = "b.stale"
    assert keys.sign("decisions", b"after").value
    assert login() != "b.stale"
