"""From regions to places: sites spelled out, networks apart."""

from __future__ import annotations

import pytest

from sovplatform import config
from sovplatform.errors import ConfigError
from sovplatform.infrastructure.operations import Choice
from sovplatform.infrastructure.places import places, places_of
from sovplatform.infrastructure.request import Synthesis, SynthStack
from sovplatform.pilot import Pilot
from sovplatform.records import RegionSpec, Role
from sovplatform.scaffold import Blueprint, Place, make_pilot


@pytest.fixture(scope="module")
def pilot(tmp_path_factory: pytest.TempPathFactory) -> Pilot:
    directory = tmp_path_factory.mktemp("pilots") / "demo"
    sovereign = tuple(Place("onprem", code) for code in ("DE", "FR", "CH"))
    make_pilot(directory, Blueprint(name="demo", sovereign=sovereign, fabric=Place("onprem", "US"), example="fintech"))
    return config.load(directory)


def with_regions(pilot: Pilot, *regions: RegionSpec) -> Pilot:
    return pilot.model_copy(update={"regions": regions})


def region(name: str, role: Role = Role.sovereign, **settings: object) -> RegionSpec:
    return RegionSpec.model_validate({"name": name, "jurisdiction": "DE", "role": role, "provider": "aws", "settings": settings})


def test_every_region_gets_a_network_of_its_own(pilot: Pilot) -> None:
    found = places(pilot)
    assert [place.region.name for place in found] == ["de", "fr", "ch", "fabric"]
    assert len({place.cidr for place in found}) == 4


def test_a_place_holds_the_datasets_that_rest_there_and_no_others(pilot: Pilot) -> None:
    found = {place.region.name: set(place.datasets) for place in places(pilot)}
    assert found == {"de": {"applications-de"}, "fr": {"applications-fr"}, "ch": {"applications-ch"}, "fabric": set()}


def test_a_list_of_sites_is_one_place_each_under_its_own_law(pilot: Pilot) -> None:
    sites = [{"name": "ulm", "jurisdiction": "DE", "context": "k3s-ulm"}, {"name": "bern", "jurisdiction": "CH"}]
    found = places(with_regions(pilot, region("edge", Role.edge, sites=sites, kubeconfig="sites.yaml")))
    assert [(place.region.name, place.region.jurisdiction) for place in found] == [("edge-ulm", "DE"), ("edge-bern", "CH")]
    assert found[0].region.settings == {"kubeconfig": "sites.yaml", "context": "k3s-ulm"}
    assert found[0].cidr == ""


def test_a_regions_name_stands_for_all_its_sites_and_for_those_of_no_other(pilot: Pilot) -> None:
    two = [{"name": name, "jurisdiction": "DE", "context": name} for name in ("ulm", "bonn")]
    other = [{"name": "kiel", "jurisdiction": "DE", "context": "kiel"}]
    made = with_regions(
        pilot, region("de"), region("edge", Role.edge, sites=two), region("edge-2", Role.edge, sites=other, cidr="10.9.0.0/16")
    )
    assert places_of(made, "edge") == {"edge-ulm", "edge-bonn"}
    assert places_of(made, "edge-ulm") == {"edge-ulm"}
    assert places_of(made, "de") == {"de"}
    assert places_of(made, "d") == frozenset()


@pytest.mark.parametrize(
    ("first", "second"), [("10.0.0.0/16", "10.0.128.0/17"), ("10.1.0.0/16", "10.1.0.0/16"), ("10.0.0.0/8", "10.7.1.0/24")]
)
def test_networks_that_overlap_are_refused_by_both_names(pilot: Pilot, first: str, second: str) -> None:
    with pytest.raises(ConfigError, match=r"regions a .* and b .* overlap|regions b .* and a .* overlap"):
        places(with_regions(pilot, region("a", cidr=first), region("b", cidr=second)))


def test_networks_beside_each_other_do_not_overlap(pilot: Pilot) -> None:
    assert len(places(with_regions(pilot, region("a", cidr="10.0.0.0/17"), region("b", cidr="10.0.128.0/17")))) == 2


@pytest.mark.parametrize("cidr", ["10.0.0.1/16", "nowhere", "10.0.0.0/40"])
def test_what_is_no_network_is_named(pilot: Pilot, cidr: str) -> None:
    with pytest.raises(ConfigError, match=r"region a: .* is no network"):
        places(with_regions(pilot, region("a", cidr=cidr)))


@pytest.mark.parametrize(
    "sites",
    [
        [],
        "ulm",
        [{"name": "Ulm", "jurisdiction": "DE"}],
        [{"name": "ulm"}],
        ["ulm"],
        [{"name": "ulm", "jurisdiction": "Germany"}],
    ],
    ids=["none", "a word", "capital", "nowhere", "no mapping", "no code"],
)
def test_a_wrong_list_of_sites_is_told(pilot: Pilot, sites: object) -> None:
    with pytest.raises(ConfigError, match="region edge: "):
        places(with_regions(pilot, region("edge", Role.edge, sites=sites)))


def test_two_sites_of_one_name_are_refused(pilot: Pilot) -> None:
    sites = [{"name": "ulm", "jurisdiction": "DE"}, {"name": "ulm", "jurisdiction": "CH"}]
    with pytest.raises(ConfigError, match="edge-ulm is there twice"):
        places(with_regions(pilot, region("edge", Role.edge, sites=sites)))


def test_a_region_means_all_its_sites_and_no_others(pilot: Pilot) -> None:
    def sites(*names: str) -> list[dict[str, str]]:
        return [{"name": name, "jurisdiction": "CH", "context": f"{name}-{len(names)}"} for name in names]

    one, two = region("edge-ch", Role.edge, sites=sites("bern", "basel")), region("edge-ch-2", Role.edge, sites=sites("chur"))
    made = with_regions(pilot, region("de"), one, two)
    stacks = [
        SynthStack(
            name=f"{place.region.name}-week1", region=place.region, week=1, resources=1, locations=(), terraform="1", opentofu="1"
        )
        for place in places(made)
    ]
    synthesis = Synthesis(pilot="demo", stacks=tuple(stacks))
    chosen = Choice(1, "edge-ch").of(synthesis, made)
    assert [stack.region.name for stack in chosen] == ["edge-ch-bern", "edge-ch-basel"]
    with pytest.raises(ConfigError, match="there is no stack of week 2 of region edge-ch") as caught:
        Choice(2, "edge-ch").of(synthesis, made)
    assert "regions are de, edge-ch, edge-ch-2; a site is REGION-SITE" in caught.value.remedy
