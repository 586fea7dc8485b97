"""GcpRegion on a Cloud KMS of the tests: what every Region does, and places that are not those of the settings."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.cloud_regions import assert_denied, assert_unproved
from fixtures.gcp import NUMBER, PROJECT, RING, Emulator, MakePlace
from sov_gcp.locations import LOCATIONS
from sov_gcp.region import GcpRegion
from sov_gcp.settings import GcpSettings

from sovplatform.errors import ConfigError, Denied, Unsupported
from sovplatform.interfaces import KeyStore, Region
from sovplatform.plugins import Plugins
from sovplatform.records import RegionSpec, Role
from sovplatform.testing.conformance import KeyStoreConformance, RegionConformance
from sovplatform.testing.conformance.region import Started

MakeRegion = Callable[..., GcpRegion]


def spec(jurisdiction: str = "DE", **settings: str) -> RegionSpec:
    return RegionSpec(name="check", jurisdiction=jurisdiction, role=Role.sovereign, provider="gcp", settings=settings)


@pytest.fixture
def make(gcp: MakePlace) -> MakeRegion:
    def region(jurisdiction: str = "DE", **settings: str) -> GcpRegion:
        place = {"project": PROJECT, "keyring": RING, "endpoint": gcp().endpoint, "seal_protection": "SOFTWARE"}
        return GcpRegion(spec(jurisdiction, **place | settings), "pilot")

    return region


class TestRegion(RegionConformance):
    endpoint = ""

    @pytest.fixture(autouse=True)
    def address(self, gcp: MakePlace) -> None:
        self.endpoint = gcp().endpoint

    @pytest.fixture
    def started(self, make: MakeRegion) -> Started:  # managed elsewhere: a region of each test's own is as good
        region = make()
        return Started(region, region.start())

    def make_region(self, home: Path) -> Region:
        return GcpRegion(spec(project=PROJECT, keyring=RING, endpoint=self.endpoint), "pilot")


class TestKeyStore(KeyStoreConformance):
    @pytest.fixture
    def keystore(self, make: MakeRegion) -> KeyStore:
        return make().keystore()

    @pytest.fixture
    def foreign_keystore(self, make: MakeRegion) -> KeyStore:
        return make("FR").keystore()


def test_what_is_left_out_follows_from_the_jurisdiction_and_the_pilot() -> None:
    settings = GcpSettings.of(spec("FR"), "pilot")
    assert (settings.location, settings.keyring, settings.protection) == ("europe-west9", "pilot-check", "HSM")


def test_no_multi_region_is_in_the_table() -> None:
    assert not {"eu", "us", "europe", "global", "eur3", "eur4", "nam4"} & LOCATIONS.keys()


@pytest.mark.parametrize("settings", [{}, {"project": NUMBER}, {"folder": "42"}])
def test_everything_right_is_up(make: MakeRegion, emulator: Emulator, settings: dict[str, str]) -> None:
    emulator.projects[NUMBER] = emulator.projects[PROJECT]
    region = make(**{"keyring": RING} | settings)
    findings = region.check()
    if "project" in settings:  # the key ring of the tests is under the project's ID
        findings = findings[:-1]
    assert all(finding.ok for finding in findings), findings


@pytest.mark.parametrize(
    ("jurisdiction", "settings", "detail", "remedy"),
    [
        ("DE", {"location": "europe-west1"}, "europe-west1 is in BE, not in DE", "europe-west3"),
        ("DE", {"location": "europe"}, "europe is no single location", "europe-west3"),
        ("DE", {"location": "global"}, "global is no single location", "europe-west3"),
        ("NO", {}, "Google Cloud has no location in NO", "use another provider"),
        ("DE", {"folder": "7"}, "is in folders/42, not in folders/7", "`folder`"),
        ("DE", {"organization": "8"}, "is in folders/42, not in organizations/8", "`folder`"),
    ],
)
def test_a_wrong_place_is_found_and_its_keys_are_denied(
    make: MakeRegion, jurisdiction: str, settings: dict[str, str], detail: str, remedy: str
) -> None:
    assert_denied(make(jurisdiction, **settings), detail, remedy)


@pytest.mark.parametrize(
    ("settings", "detail", "remedy"),
    [
        ({"project": ""}, "no project is set", "set `project`"),
        ({"project": "expired"}, "expired", "gcloud auth"),
        ({"project": "foreign-project"}, "does not have permission", "rights"),
        ({"location": "europe-west10"}, "not found", "make the key ring"),
        ({"endpoint": "http://127.0.0.1:1"}, "does not answer", "network"),
    ],
)
def test_what_cannot_be_proved_is_a_finding_and_not_up(
    make: MakeRegion, settings: dict[str, str], detail: str, remedy: str
) -> None:
    assert_unproved(make(**settings), detail, remedy)


def test_a_project_that_is_to_be_deleted_is_denied(make: MakeRegion, emulator: Emulator) -> None:
    emulator.projects[PROJECT] = emulator.projects[PROJECT] | {"state": "DELETE_REQUESTED"}
    with pytest.raises(Denied, match="DELETE_REQUESTED"):
        make().keystore()


@pytest.mark.parametrize(
    "settings", [{"projekt": "x"}, {"protection": "SOFTWARE"}, {"endpoint": "http://kms.example.org"}, {"project": "A/../b"}]
)
def test_a_wrong_setting_is_named(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=rf"wrong settings for gcp: {next(iter(settings))}"):
        GcpRegion(spec(**settings), "pilot")


@pytest.mark.parametrize("service", ["registry", "trainer", "server"])
def test_what_is_not_there_yet_says_why(make: MakeRegion, service: str) -> None:
    with pytest.raises(Unsupported, match="Kubernetes"):
        getattr(make(), service)()


def test_the_plugin_is_built_in(tmp_path: Path) -> None:
    assert isinstance(Plugins.load().make_region(spec(), "pilot", tmp_path), GcpRegion)
