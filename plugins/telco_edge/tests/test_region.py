"""EdgeRegion: what every Region does, and lists of sites that are wrong."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import JsonValue
from sov_edge.region import EdgeRegion

from sovplatform.errors import ConfigError, Unsupported
from sovplatform.interfaces import Region
from sovplatform.plugins import Plugins
from sovplatform.records import RegionSpec, Role
from sovplatform.testing.conformance import RegionConformance
from sovplatform.testing.conformance.region import Started

MakeRegion = Callable[..., EdgeRegion]
SITES: list[JsonValue] = [
    {"name": "berlin", "jurisdiction": "DE", "context": "k3s-berlin"},
    {"name": "basel", "jurisdiction": "CH", "context": "k3s-basel"},
]


def spec(**settings: JsonValue) -> RegionSpec:
    return RegionSpec(name="check", jurisdiction="DE", role=Role.edge, provider="edge", settings=settings)


@pytest.fixture
def cluster() -> Iterator[str]:
    """Something that listens where an API server would."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"https://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def make(tmp_path_factory: pytest.TempPathFactory, cluster: str) -> MakeRegion:
    def region(sites: JsonValue = SITES, server: str = cluster) -> EdgeRegion:
        file = tmp_path_factory.mktemp("kube") / "config"
        contexts = [{"name": f"k3s-{name}", "context": {"cluster": name, "user": name}} for name in ("berlin", "basel")]
        clusters = [{"name": name, "cluster": {"server": server}} for name in ("berlin", "basel")]
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "contexts": contexts, "clusters": clusters}))
        return EdgeRegion(spec(sites=sites, kubeconfig=str(file)), "pilot")

    return region


class TestRegion(RegionConformance):
    @pytest.fixture(autouse=True)
    def making(self, make: MakeRegion) -> None:
        self.make_region = lambda home: make()  # type: ignore[method-assign]

    @pytest.fixture
    def started(self, make: MakeRegion) -> Started:
        region: Region = make()
        return Started(region, region.start())


def test_every_site_has_its_address(make: MakeRegion, cluster: str) -> None:
    assert make().status().endpoints == {"berlin": cluster, "basel": cluster}


@pytest.mark.parametrize(
    ("sites", "detail"),
    [
        ([], "no site is listed"),
        ([SITES[0], {**SITES[1], "name": "berlin"}], "two sites are called berlin"),  # type: ignore[dict-item]
        ([SITES[0], {**SITES[1], "context": "k3s-berlin"}], "two sites have the context k3s-berlin"),  # type: ignore[dict-item]
        ([{**SITES[0], "jurisdiction": "EU"}], "EU of site berlin is no country"),  # type: ignore[dict-item]
        ([{**SITES[0], "context": "k3s-bern"}], "no context for: berlin"),  # type: ignore[dict-item]
    ],
)
def test_a_wrong_list_of_sites_is_found(make: MakeRegion, sites: JsonValue, detail: str) -> None:
    region = make(sites)
    (finding,) = [finding for finding in region.check() if not finding.ok]
    assert detail in finding.detail
    assert finding.remedy
    assert not region.status().up


def test_a_kubeconfig_that_is_missing_or_none_is_found(tmp_path: Path) -> None:
    for content, detail in ((None, "no kubeconfig at"), ("nonsense", "is no kubeconfig"), ("{", "is no kubeconfig")):
        file = tmp_path / "config"
        if content is not None:
            file.write_text(content)
        region = EdgeRegion(spec(sites=SITES, kubeconfig=str(file)), "pilot")
        (finding,) = [finding for finding in region.check() if not finding.ok]
        assert detail in finding.detail
        assert finding.remedy


def test_a_site_that_does_not_answer_is_named(make: MakeRegion) -> None:
    status = make(server="https://127.0.0.1:1").status()
    assert not status.up
    assert "site berlin does not answer at https://127.0.0.1:1" in status.problems


@pytest.mark.parametrize("settings", [{"site": []}, {"sites": [{"name": "x"}]}, {"sites": [{**SITES[0], "jurisdiction": "de"}]}])  # type: ignore[dict-item]
def test_a_wrong_setting_is_named(settings: dict[str, JsonValue]) -> None:
    with pytest.raises(ConfigError, match=r"wrong settings for edge: site"):
        EdgeRegion(spec(**settings), "pilot")


@pytest.mark.parametrize("service", ["keystore", "registry", "trainer", "server"])
def test_what_an_edge_does_not_do_says_why(make: MakeRegion, service: str) -> None:
    with pytest.raises(Unsupported) as caught:
        getattr(make(), service)()
    assert caught.value.reason


def test_the_plugin_is_built_in(tmp_path: Path) -> None:
    assert isinstance(Plugins.load().make_region(spec(), "pilot", tmp_path), EdgeRegion)
