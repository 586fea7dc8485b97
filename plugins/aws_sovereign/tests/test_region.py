"""AwsRegion on moto: what every Region does, and places and credentials that are not those of the settings."""

from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from fixtures.aws import ACCOUNT, MakePlace
from fixtures.cloud_regions import assert_denied, assert_unproved
from sov_aws.locations import LOCATIONS, SUFFIXES, partition_of
from sov_aws.region import AwsRegion
from sov_aws.settings import AwsSettings

from sovplatform.errors import ConfigError, Unsupported
from sovplatform.interfaces import KeyStore, Region
from sovplatform.plugins import Plugins
from sovplatform.records import KeyPurpose, RegionSpec, Role
from sovplatform.testing.conformance import KeyStoreConformance, RegionConformance

MakeRegion = Callable[..., AwsRegion]


def spec(jurisdiction: str = "DE", **settings: str) -> RegionSpec:
    return RegionSpec(name="check", jurisdiction=jurisdiction, role=Role.sovereign, provider="aws", settings=settings)


@pytest.fixture
def make(aws: MakePlace) -> MakeRegion:
    def region(jurisdiction: str = "DE", **settings: str) -> AwsRegion:
        place = {"account": ACCOUNT, "profile": "good", "endpoint": aws().endpoint}
        return AwsRegion(spec(jurisdiction, **place | settings), "pilot")

    return region


@pytest.fixture(scope="class")
def credentials(moto: str, tmp_path_factory: pytest.TempPathFactory) -> object:
    patch = pytest.MonkeyPatch()
    file = tmp_path_factory.mktemp("aws") / "credentials"
    file.write_text("[good]\naws_access_key_id = GOOD\naws_secret_access_key = hush\n")
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    TestRegion.endpoint = moto
    yield
    patch.undo()


@pytest.mark.usefixtures("credentials")
class TestRegion(RegionConformance):
    endpoint = ""

    def make_region(self, home: Path) -> Region:
        return AwsRegion(spec(account=ACCOUNT, profile="good", endpoint=self.endpoint), "pilot")


class TestKeyStore(KeyStoreConformance):
    @pytest.fixture
    def keystore(self, make: MakeRegion) -> KeyStore:
        return make().keystore()

    @pytest.fixture
    def foreign_keystore(self, make: MakeRegion) -> KeyStore:
        return make("FR").keystore()


def test_the_table_of_regions_says_what_botocore_says() -> None:
    session = boto3.Session()
    for partition in SUFFIXES:
        for region in session.get_available_regions("kms", partition):
            assert LOCATIONS.get(region), f"{region} is new: add it to locations.py"
            assert partition_of(region) == partition
    assert {session.get_partition_for_region(region) for region in LOCATIONS} == set(SUFFIXES)


def test_germany_is_by_default_the_european_sovereign_cloud() -> None:
    settings = AwsSettings.of(spec())
    assert (settings.partition, settings.region) == ("aws-eusc", "eusc-de-east-1")


@pytest.mark.parametrize(
    ("jurisdiction", "settings", "place"),
    [
        ("DE", {"partition": "aws"}, ("aws", "eu-central-1")),
        ("FR", {}, ("aws", "eu-west-3")),
        ("CN", {}, ("aws-cn", "cn-north-1")),
        ("US", {"partition": "aws-us-gov"}, ("aws-us-gov", "us-gov-east-1")),
    ],
)
def test_what_is_left_out_follows_from_the_jurisdiction(
    jurisdiction: str, settings: dict[str, str], place: tuple[str, str]
) -> None:
    found = AwsSettings.of(spec(jurisdiction, **settings))
    assert (found.partition, found.region) == place


def test_everything_right_is_up(make: MakeRegion) -> None:
    region = make()
    assert [(finding.check, finding.ok) for finding in region.check()] == [("place", True), ("account", True)]
    assert region.status().endpoints["kms"]


@pytest.mark.parametrize(
    ("jurisdiction", "settings", "detail", "remedy"),
    [
        ("DE", {"region": "eu-west-1"}, "eu-west-1 is in IE, not in DE", "eusc-de-east-1"),
        ("DE", {"region": "eu-central-9"}, "AWS has no region eu-central-9", "eusc-de-east-1"),
        ("NO", {}, "AWS has no region in NO", "use another provider"),
        (
            "DE",
            {"region": "eu-central-1", "partition": "aws-eusc"},
            "belongs to partition aws, not to aws-eusc",
            "`partition` to aws",
        ),
        (
            "DE",
            {"account": "999999999999"},
            f"are of account {ACCOUNT} in aws-eusc, not of 999999999999",
            "log in to account 999999999999",
        ),
    ],
)
def test_a_wrong_place_is_found_and_its_keys_are_denied(
    make: MakeRegion, jurisdiction: str, settings: dict[str, str], detail: str, remedy: str
) -> None:
    assert_denied(make(jurisdiction, **settings), detail, remedy)


@pytest.mark.parametrize(
    ("settings", "detail", "remedy"),
    [
        ({"profile": "expired"}, "expired", "aws sso login"),
        ({"profile": "foreign"}, "not of partition aws-eusc", "credentials of account"),
        ({"profile": "missing"}, "no AWS profile missing", "aws configure"),
        ({"account": ""}, "no account is set", "set `account`"),
        ({"endpoint": "http://127.0.0.1:1"}, "does not answer", "network"),
    ],
)
def test_what_cannot_be_proved_is_a_finding_and_not_up(
    make: MakeRegion, settings: dict[str, str], detail: str, remedy: str
) -> None:
    assert_unproved(make(**settings), detail, remedy)


@pytest.mark.parametrize(
    "settings",
    [{"acount": "1"}, {"account": "12"}, {"endpoint": "http://kms.example.org"}, {"region": 3}, {"endpoint": "ftp://x"}],
)
def test_a_wrong_setting_is_named(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=rf"wrong settings for aws: {next(iter(settings))}"):
        AwsRegion(spec(**settings), "pilot")


@pytest.mark.parametrize("service", ["registry", "trainer", "server"])
def test_what_is_not_there_yet_says_why(make: MakeRegion, service: str) -> None:
    with pytest.raises(Unsupported, match="Kubernetes"):
        getattr(make(), service)()


def test_two_regions_of_a_pilot_have_keys_of_their_own(make: MakeRegion) -> None:
    facts = make().keystore().create("models", KeyPurpose.sign)
    assert facts.uri == f"awskms:///arn:aws-eusc:kms:eusc-de-east-1:{ACCOUNT}:alias/sov/pilot/check/models"


def test_the_plugin_is_built_in(tmp_path: Path) -> None:
    assert isinstance(Plugins.load().make_region(spec(), "pilot", tmp_path), AwsRegion)
