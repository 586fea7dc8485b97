"""AwsKeyStore on a moto server in its own process: what every KeyStore does, and how keys of AWS could betray a region.

Ed25519, digests, key states and refused credentials are not moto's own: see `tests/fixtures/moto_server.py`.
"""

import base64
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from sovplatform.backends.aws_api import AwsPlace
from sovplatform.backends.awskms import AwsKeyStore
from sovplatform.errors import ConfigError, Denied, NotFound, SovError, Unavailable, Unsupported
from sovplatform.interfaces import KeyStore
from sovplatform.records import DataKey, KeyPurpose
from sovplatform.signing import verify
from sovplatform.testing.conformance.keystore import KeyStoreConformance
from tests.fixtures.aws import ACCOUNT, MakePlace, kms

DATA_KEY = bytes(range(32))


def store(place: AwsPlace, prefix: str = "sov/test/de") -> AwsKeyStore:
    return AwsKeyStore(place, region="de", jurisdiction="DE", prefix=prefix)


@pytest.fixture
def keys(aws: MakePlace) -> AwsKeyStore:
    return store(aws())


class TestConformance(KeyStoreConformance):
    @pytest.fixture
    def keystore(self, keys: AwsKeyStore) -> KeyStore:
        return keys

    @pytest.fixture
    def foreign_keystore(self, aws: MakePlace) -> KeyStore:
        return AwsKeyStore(aws(partition="aws", region="eu-west-3"), region="fr", jurisdiction="FR", prefix="sov/test/fr")


def behind(place: AwsPlace, name: str, **arguments: object) -> str:
    """An administrator makes a key of the given kind and puts it behind the alias of `name`."""
    client = kms(place)
    key: str = client.create_key(**{"KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT"} | arguments)["KeyMetadata"][
        "KeyId"
    ]
    client.create_alias(AliasName=f"alias/sov/test/de/{name}", TargetKeyId=key)
    return key


def test_a_multi_region_key_is_not_used(aws: MakePlace) -> None:
    behind(aws(), "mrk", MultiRegion=True)
    keys = store(aws())
    assert keys.facts("mrk").exportable
    with pytest.raises(Denied, match="multi-Region"):
        keys.wrap("mrk", DATA_KEY)


def test_a_multi_region_key_does_not_even_unwrap(aws: MakePlace) -> None:
    key = behind(aws(), "mrk-open", MultiRegion=True)
    with pytest.raises(Denied, match="multi-Region"):
        store(aws()).unwrap(DataKey(key=store(aws()).facts("mrk-open").uri, wrapped=f"{key}:{base64.b64encode(b'x').decode()}"))


@pytest.mark.parametrize("origin", ["EXTERNAL", "EXTERNAL_KEY_STORE", "AWS_CLOUDHSM"])
def test_a_key_whose_material_is_not_the_services_own_is_not_used(aws: MakePlace, origin: str) -> None:
    name = f"brought-{origin.lower().replace('_', '-')}"
    behind(aws(), name, Origin=origin)
    with pytest.raises(Denied, match=f"its origin is {origin}"):
        store(aws()).wrap(name, DATA_KEY)


def test_an_imported_key_counts_as_exportable(aws: MakePlace) -> None:
    behind(aws(), "imported", Origin="EXTERNAL")
    assert store(aws()).facts("imported").exportable


def test_a_key_with_a_purpose_we_do_not_know_is_unsupported(aws: MakePlace) -> None:
    behind(aws(), "rsa", KeySpec="RSA_4096", KeyUsage="SIGN_VERIFY")
    with pytest.raises(Unsupported, match="RSA_4096"):
        store(aws()).sign("rsa", b"data")


@pytest.mark.parametrize("purpose", KeyPurpose)
def test_a_key_that_is_disabled_while_it_is_used_is_denied_from_then_on(
    aws: MakePlace, keys: AwsKeyStore, purpose: KeyPurpose
) -> None:
    name = f"disabled-{purpose}"
    keys.create(name, purpose)

    def use(store: AwsKeyStore) -> object:
        return store.wrap(name, DATA_KEY) if purpose is KeyPurpose.wrap else store.sign(name, b"data")

    use(keys)
    client = kms(aws())
    key = client.describe_key(KeyId=f"alias/sov/test/de/{name}")["KeyMetadata"]["KeyId"]
    client.disable_key(KeyId=key)
    for holder in (keys, store(aws())):
        with pytest.raises(Denied) as caught:
            use(holder)
        assert caught.value.remedy


def test_a_key_that_is_to_be_deleted_is_denied(aws: MakePlace, keys: AwsKeyStore) -> None:
    keys.create("doomed", KeyPurpose.sign)
    client = kms(aws())
    key = client.describe_key(KeyId="alias/sov/test/de/doomed")["KeyMetadata"]["KeyId"]
    client.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(Denied, match="PendingDeletion"):
        keys.sign("doomed", b"data")


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"account": "999999999999"}, f"account is {ACCOUNT}, not 999999999999"),
        ({"partition": "aws"}, "partition is aws-eusc, not aws"),
    ],
)
def test_keys_of_another_account_or_partition_are_denied(aws: MakePlace, wrong: dict[str, str], what: str) -> None:
    store(aws()).create("placed", KeyPurpose.sign)
    keys = store(aws(**wrong))
    for use in (
        lambda: keys.facts("placed"),
        lambda: keys.sign("placed", b"data"),
        lambda: keys.create("placed", KeyPurpose.sign),
    ):
        with pytest.raises(Denied, match=what):
            use()


@pytest.mark.parametrize(
    "uri",
    [
        f"awskms:///arn:aws:kms:eusc-de-east-1:{ACCOUNT}:alias/sov/test/de/data",
        f"awskms:///arn:aws-eusc:kms:eu-west-1:{ACCOUNT}:alias/sov/test/de/data",
        "awskms:///arn:aws-eusc:kms:eusc-de-east-1:111111111111:alias/sov/test/de/data",
        f"awskms:///arn:aws-eusc:kms:eusc-de-east-1:{ACCOUNT}:alias/sov/test/fr/data",
        f"awskms:///arn:aws-eusc:kms:eusc-de-east-1:{ACCOUNT}:alias/sov/test/de/../fr/data",
        "vault://127.0.0.1/de/data",
        "",
    ],
)
def test_a_data_key_of_another_place_is_denied(keys: AwsKeyStore, uri: str) -> None:
    keys.create("data", KeyPurpose.wrap)
    wrapped = keys.wrap("data", DATA_KEY).model_copy(update={"key": uri})
    with pytest.raises(Denied):
        keys.unwrap(wrapped)


@pytest.mark.parametrize(
    ("profile", "error", "remedy"),
    [
        ("expired", Denied, "log in again: aws sso login --profile expired"),
        ("foreign", Denied, f"credentials of account {ACCOUNT} in partition aws-eusc"),
        ("denied", Denied, "rights"),
        ("broken", Unavailable, "try again later"),
        ("missing", ConfigError, "aws configure --profile missing"),
    ],
)
def test_credentials_that_are_refused_say_what_to_do(aws: MakePlace, profile: str, error: type[SovError], remedy: str) -> None:
    with pytest.raises(error) as caught:
        store(aws(profile=profile)).create("models", KeyPurpose.sign)
    assert remedy in caught.value.remedy
    assert caught.value.__cause__ is not None
    assert "hush" not in str(caught.value)


def test_no_credentials_at_all_are_denied(aws: MakePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    place = aws(profile="")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(Denied, match="no AWS credentials"):
        store(place).facts("models")


def test_no_endpoint_is_unavailable(aws: MakePlace) -> None:
    with pytest.raises(Unavailable) as caught:
        store(aws(endpoint="http://127.0.0.1:1")).facts("models")
    assert caught.value.remedy


def test_an_endpoint_of_the_environment_is_not_used(aws: MakePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    store(aws()).create("steady", KeyPurpose.sign)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert store(aws()).facts("steady").version == 1


def test_where_the_service_has_no_ed25519_seal_is_unsupported_for_its_reason(aws: MakePlace) -> None:
    keys = AwsKeyStore(aws(partition="aws", region="eu-south-2"), region="es", jurisdiction="ES", prefix="sov/test/es")
    with pytest.raises(Unsupported) as caught:
        keys.create("ledger", KeyPurpose.seal)
    assert "ECC_NIST_EDWARDS25519" in caught.value.reason
    with pytest.raises(NotFound):
        keys.facts("ledger")


@pytest.mark.parametrize("size", [0, 4097])
def test_ed25519_takes_what_the_service_takes(keys: AwsKeyStore, size: int) -> None:
    keys.create("ledger", KeyPurpose.seal)
    with pytest.raises(Unsupported, match="4096"):
        keys.sign("ledger", bytes(size))
    verify(keys.sign("ledger", bytes(4096)), bytes(4096), keys.facts("ledger").public_keys["1"])


def test_a_key_that_terraform_made_is_version_one_and_can_be_rotated(aws: MakePlace) -> None:
    behind(aws(), "terraformed", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    keys = store(aws())
    before = keys.sign("terraformed", b"data")
    facts = keys.rotate("terraformed")
    assert (facts.version, list(facts.public_keys)) == (2, ["1", "2"])
    verify(before, b"data", facts.public_keys["1"])
    verify(keys.sign("terraformed", b"data"), b"data", facts.public_keys["2"])


def test_a_creation_that_broke_half_way_is_completed_and_leaves_no_second_key(aws: MakePlace, keys: AwsKeyStore) -> None:
    keys.create("half", KeyPurpose.sign)
    public = keys.facts("half").public_keys
    kms(aws()).delete_alias(AliasName="alias/sov/test/de/half")
    assert store(aws()).create("half", KeyPurpose.sign).public_keys == public


def test_a_rotation_that_broke_half_way_is_completed(aws: MakePlace, keys: AwsKeyStore) -> None:
    keys.create("turning", KeyPurpose.wrap)
    wrapped = keys.wrap("turning", DATA_KEY)
    made = behind(aws(), "turning/v2")
    assert keys.facts("turning").version == 1
    assert keys.rotate("turning").version == 2
    assert keys.wrap("turning", DATA_KEY).wrapped.startswith(made)
    assert keys.unwrap(wrapped) == DATA_KEY


def test_many_who_create_one_key_at_once_get_the_same(aws: MakePlace) -> None:
    stores = [store(aws()) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda keys: keys.create("raced", KeyPurpose.sign).public_keys, stores))
    assert all(one == made[0] for one in made)
    assert store(aws()).facts("raced").version == 1


def test_an_alias_that_was_moved_to_a_multi_region_key_is_denied(aws: MakePlace, keys: AwsKeyStore) -> None:
    keys.create("moved", KeyPurpose.wrap)
    client = kms(aws())
    bad = behind(aws(), "bad", MultiRegion=True)
    client.update_alias(AliasName="alias/sov/test/de/moved", TargetKeyId=bad)
    with pytest.raises(Denied, match="multi-Region"):
        store(aws()).wrap("moved", DATA_KEY)


def test_nothing_secret_is_logged_or_shown(aws: MakePlace, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    keys = store(aws())
    keys.create("quiet", KeyPurpose.wrap)
    keys.unwrap(keys.wrap("quiet", DATA_KEY, b"the context"), b"the context")
    seen = caplog.text + repr(keys) + repr(aws())
    for secret in (base64.b64encode(DATA_KEY).decode(), repr(DATA_KEY), "hush-good", "the context"):
        assert secret not in seen


@pytest.mark.parametrize("name", ["../x", "A", "", "a" * 64, "v1/../x"])
def test_a_name_that_is_no_name_reaches_no_other_alias(keys: AwsKeyStore, name: str) -> None:
    with pytest.raises(NotFound):
        keys.facts(name)
