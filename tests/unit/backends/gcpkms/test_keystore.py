"""GcpKeyStore on a Cloud KMS of the tests, over HTTP and with real cryptography."""

import base64
import logging

import pytest

from sovplatform.backends.crc32c import crc32c
from sovplatform.backends.gcp_api import GcpPlace
from sovplatform.backends.gcpkms import GcpKeyStore
from sovplatform.errors import Denied, NotFound, SovError, Unavailable, Unsupported
from sovplatform.interfaces import KeyStore
from sovplatform.records import KeyPurpose
from sovplatform.signing import verify
from sovplatform.testing.conformance.keystore import KeyStoreConformance
from tests.fixtures.gcp import Emulator, MakePlace

DATA_KEY = bytes(range(32))


def store(place: GcpPlace, **settings: str) -> GcpKeyStore:
    return GcpKeyStore(place, region="de", jurisdiction="DE", **{"seal_protection": "SOFTWARE"} | settings)


@pytest.fixture
def keys(gcp: MakePlace) -> GcpKeyStore:
    return store(gcp())


def name(place: GcpPlace, key: str) -> str:
    return f"{place.ring}/cryptoKeys/{key}"


class TestConformance(KeyStoreConformance):
    @pytest.fixture
    def keystore(self, keys: GcpKeyStore) -> KeyStore:
        return keys

    @pytest.fixture
    def foreign_keystore(self, gcp: MakePlace) -> KeyStore:
        return GcpKeyStore(gcp(location="europe-west9"), region="fr", jurisdiction="FR")


@pytest.mark.parametrize(("data", "crc"), [(b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA)])
def test_the_checksum_is_that_of_rfc_3720(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc


def test_keys_are_made_in_hardware(gcp: MakePlace, keys: GcpKeyStore, emulator: Emulator) -> None:
    assert keys.create("models", KeyPurpose.sign).protection == "Cloud KMS HSM"
    assert emulator.keys[name(gcp(), "models")].version_template.protection_level.name == "HSM"


def test_where_hardware_has_no_ed25519_seal_is_unsupported_for_its_reason(gcp: MakePlace) -> None:
    with pytest.raises(Unsupported, match="EC_SIGN_ED25519 with protection HSM") as caught:
        store(gcp(), seal_protection="").create("ledger", KeyPurpose.seal)
    assert "seal_protection" in caught.value.remedy


@pytest.mark.parametrize("level", ["EXTERNAL", "EXTERNAL_VPC", "HSM_SINGLE_TENANT"])
def test_a_key_of_an_external_key_manager_is_used_and_named_as_such(
    gcp: MakePlace, keys: GcpKeyStore, emulator: Emulator, level: str
) -> None:
    keys.create("data", KeyPurpose.wrap)
    (version,) = emulator.versions[name(gcp(), "data")]
    version.protection_level = level
    if level.startswith("EXTERNAL"):
        version.algorithm = "EXTERNAL_SYMMETRIC_ENCRYPTION"
    again = store(gcp())
    assert again.facts("data").protection == f"Cloud KMS {level}"
    assert again.unwrap(again.wrap("data", DATA_KEY)) == DATA_KEY


def test_an_external_key_is_not_made_here(gcp: MakePlace) -> None:
    with pytest.raises(Unsupported, match="external key manager"):
        store(gcp(), protection="EXTERNAL_VPC").create("data", KeyPurpose.wrap)


def use(keys: GcpKeyStore, key: str, purpose: KeyPurpose) -> object:
    return keys.wrap(key, DATA_KEY) if purpose is KeyPurpose.wrap else keys.sign(key, b"data")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"protection_level": "SOFTWARE"}, "its protection is SOFTWARE, not HSM"),
        ({"import_job": "projects/p/locations/l/keyRings/r/importJobs/j"}, "its material was imported"),
        ({"reimport_eligible": True}, "its material was imported"),
        ({"state": "DISABLED"}, "its newest version is DISABLED"),
    ],
)
def test_a_key_that_is_not_as_it_must_be_is_not_used(
    gcp: MakePlace, keys: GcpKeyStore, emulator: Emulator, change: dict[str, object], what: str
) -> None:
    for purpose in (KeyPurpose.sign, KeyPurpose.wrap):
        keys.create(purpose, purpose)
        for field, value in change.items():
            setattr(emulator.versions[name(gcp(), purpose)][0], field, value)
        with pytest.raises(Denied, match=what) as caught:
            use(store(gcp()), purpose, purpose)
        assert caught.value.remedy


def test_an_imported_key_counts_as_exportable(gcp: MakePlace, keys: GcpKeyStore, emulator: Emulator) -> None:
    keys.create("brought", KeyPurpose.sign)
    emulator.versions[name(gcp(), "brought")][0].import_job = "job"
    assert keys.facts("brought").exportable


def test_one_imported_version_spoils_the_key(gcp: MakePlace, keys: GcpKeyStore, emulator: Emulator) -> None:
    keys.create("mixed", KeyPurpose.wrap)
    keys.rotate("mixed")
    emulator.versions[name(gcp(), "mixed")][0].import_job = "job"
    with pytest.raises(Denied, match="imported"):
        store(gcp()).wrap("mixed", DATA_KEY)


def test_a_key_meant_for_import_is_not_used(gcp: MakePlace, keys: GcpKeyStore, emulator: Emulator) -> None:
    keys.create("empty", KeyPurpose.sign)
    emulator.keys[name(gcp(), "empty")].import_only = True
    with pytest.raises(Denied, match="meant for imported material"):
        store(gcp()).sign("empty", b"data")


@pytest.mark.parametrize("state", ["DESTROYED", "DESTROY_SCHEDULED"])
def test_a_key_whose_versions_are_gone_is_denied(gcp: MakePlace, keys: GcpKeyStore, emulator: Emulator, state: str) -> None:
    keys.create("gone", KeyPurpose.sign)
    emulator.versions[name(gcp(), "gone")][0].state = state
    with pytest.raises(Denied, match=state):
        store(gcp()).sign("gone", b"data")


def test_a_key_that_is_disabled_while_it_is_used_is_denied(gcp: MakePlace, keys: GcpKeyStore, emulator: Emulator) -> None:
    keys.create("stopped", KeyPurpose.sign)
    keys.sign("stopped", b"data")
    emulator.versions[name(gcp(), "stopped")][0].state = "DISABLED"
    with pytest.raises(Denied, match="DISABLED"):
        keys.sign("stopped", b"data")


@pytest.mark.parametrize("location", ["europe", "global", "eur4", "us"])
def test_a_key_ring_of_many_regions_is_not_used(gcp: MakePlace, location: str) -> None:
    with pytest.raises(Denied, match=f"{location} is not one region"):
        store(gcp(location=location)).create("models", KeyPurpose.sign)


def test_a_key_ring_that_is_not_there_is_not_found(gcp: MakePlace) -> None:
    with pytest.raises(NotFound, match="KeyRing"):
        store(gcp(location="europe-west4")).create("models", KeyPurpose.sign)


@pytest.mark.parametrize(
    "uri",
    [
        "gcpkms://projects/sov-test/locations/europe-west9/keyRings/sov/cryptoKeys/data",
        "gcpkms://projects/other/locations/europe-west3/keyRings/sov/cryptoKeys/data",
        "gcpkms://projects/sov-test/locations/europe-west3/keyRings/sov/cryptoKeys/../x",
        "awskms:///data",
        "",
    ],
)
def test_a_data_key_of_another_place_is_denied(keys: GcpKeyStore, uri: str) -> None:
    keys.create("data", KeyPurpose.wrap)
    with pytest.raises(Denied):
        keys.unwrap(keys.wrap("data", DATA_KEY).model_copy(update={"key": uri}))


@pytest.mark.parametrize("field", ["ciphertext", "plaintext", "signature"])
def test_an_answer_that_was_changed_on_the_way_is_not_used(keys: GcpKeyStore, emulator: Emulator, field: str) -> None:
    keys.create("data", KeyPurpose.wrap)
    keys.create("models", KeyPurpose.sign)
    wrapped = keys.wrap("data", DATA_KEY)
    emulator.corrupt.add(field)
    doing = {
        "ciphertext": lambda: keys.wrap("data", DATA_KEY),
        "plaintext": lambda: keys.unwrap(wrapped),
        "signature": lambda: keys.sign("models", b"data"),
    }
    with pytest.raises(Unavailable, match="changed on the way"):
        doing[field]()


@pytest.mark.parametrize("purpose", [KeyPurpose.sign, KeyPurpose.seal, KeyPurpose.wrap])
def test_a_request_that_was_changed_on_the_way_is_not_believed(
    keys: GcpKeyStore, purpose: KeyPurpose, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.create("some", purpose)
    monkeypatch.setattr("tests.fixtures.gcp.crc32c", lambda data: crc32c(data + b"!"))  # the service read other bytes
    with pytest.raises(Unavailable, match="changed on the way"):
        use(keys, "some", purpose)


@pytest.mark.parametrize(
    ("project", "error", "remedy"),
    [
        ("expired", Denied, "gcloud auth application-default login"),
        ("denied", Denied, "rights"),
        ("broken", Unavailable, "try again"),
    ],
)
def test_requests_that_are_refused_say_what_to_do(gcp: MakePlace, project: str, error: type[SovError], remedy: str) -> None:
    with pytest.raises(error) as caught:
        store(gcp(project=project)).sign("models", b"data")
    assert remedy in caught.value.remedy
    assert caught.value.__cause__ is not None


def test_no_endpoint_is_unavailable(gcp: MakePlace) -> None:
    with pytest.raises(Unavailable):
        store(gcp(endpoint="http://127.0.0.1:1")).facts("models")


def test_no_credentials_at_all_are_denied(gcp: MakePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    with pytest.raises(Denied) as caught:
        store(gcp(endpoint="")).facts("models")
    assert "gcloud auth" in caught.value.remedy


def test_a_key_that_hardware_takes_time_to_make_is_waited_for(keys: GcpKeyStore, emulator: Emulator) -> None:
    emulator.slow = 2
    facts = keys.create("slow", KeyPurpose.sign)
    assert list(facts.public_keys) == ["1"]
    verify(keys.sign("slow", b"data"), b"data", facts.public_keys["1"])


def test_a_key_that_is_never_made_is_unavailable(gcp: MakePlace, emulator: Emulator) -> None:
    emulator.slow = 1000
    keys = GcpKeyStore(gcp(), region="de", jurisdiction="DE", timeout=0.3)
    with pytest.raises(Unavailable, match="PENDING_GENERATION"):
        keys.create("never", KeyPurpose.sign)


def test_nothing_secret_is_logged_or_shown(keys: GcpKeyStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    keys.create("quiet", KeyPurpose.wrap)
    keys.unwrap(keys.wrap("quiet", DATA_KEY, b"the context"), b"the context")
    for secret in (base64.b64encode(DATA_KEY).decode(), repr(DATA_KEY)):
        assert secret not in caplog.text + repr(keys)
