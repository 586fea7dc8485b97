"""Edge sites in Terraform: each serves under its own law, from one list of many."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fixtures.sites import of_type
from sov_edge.stack import EdgeForms

from sovplatform import config, constructs
from sovplatform.errors import ConfigError, Unsupported
from sovplatform.infrastructure import schema
from sovplatform.infrastructure.places import places
from sovplatform.infrastructure.synth import read, synthesise
from sovplatform.infrastructure.synthesiser import Synthesiser
from sovplatform.interfaces.stackforms import Form
from sovplatform.pilot import Pilot
from sovplatform.plugins import Plugins
from sovplatform.records import RegionSpec, Role
from sovplatform.scaffold import Blueprint, Place, make_pilot

LABELS = {"sov-pilot": "demo", "sov-region": "edge-de-site-1", "sov-jurisdiction": "de"}


def forms(role: Role = Role.edge, **settings: Any) -> EdgeForms:
    return EdgeForms(RegionSpec(name="edge-de-site-1", jurisdiction="DE", role=role, provider="edge", settings=settings), "demo")


def serving(made: EdgeForms, **changed: Any) -> Form:
    return made.form(constructs.ServingPool(pilot="demo", region=made.region, labels=LABELS, **changed), {})


@pytest.fixture
def pilot(tmp_path: Path) -> Pilot:
    sovereign = (Place("onprem", "DE"), Place("edge", "DE"), Place("edge", "AT"))
    make_pilot(tmp_path / "demo", Blueprint(name="demo", sovereign=sovereign, fabric=Place("onprem", "US")))
    return config.load(tmp_path / "demo", for_infrastructure=True)


def with_sites(pilot: Pilot, *sites: dict[str, str]) -> Pilot:
    region = pilot.regions[-1].model_copy(update={"settings": {"sites": list(sites)}})
    return pilot.model_copy(update={"regions": (*pilot.regions[:-1], region)})


def test_a_new_pilot_with_edge_sites_is_synthesised_before_anything_is_filled_in(pilot: Pilot, tmp_path: Path) -> None:
    with Synthesiser() as process:
        synthesis = synthesise(pilot, Plugins.load(pilot.plugins), tmp_path / "infra", process)
    assert read(tmp_path / "infra") == synthesis
    weeks = Counter(stack.region.name for stack in synthesis.stacks)
    assert weeks == {"de": 4, "fabric": 4, **{f"edge-{code}-site-{number}": 4 for code in ("de", "at") for number in (1, 2)}}
    laws = {stack.region.name: stack.region.jurisdiction for stack in synthesis.stacks}
    assert (laws["edge-de-site-1"], laws["edge-at-site-1"]) == ("DE", "AT")
    made = [schema.check(json.loads(path.read_text())) for path in sorted((tmp_path / "infra").glob("*/cdk.tf.json"))]
    assert made
    assert not any(made)


def test_two_sites_of_one_cluster_are_refused(pilot: Pilot) -> None:
    one, other = ({"name": name, "jurisdiction": "AT", "context": "wien"} for name in ("a", "b"))
    with pytest.raises(ConfigError, match=r"edge-at-a and edge-at-b have the same cluster, context 'wien'"):
        places(with_sites(pilot, one, other))
    elsewhere = {**other, "kubeconfig": "/etc/sites/b"}
    assert [place.region.name for place in places(with_sites(pilot, one, elsewhere))][-2:] == ["edge-at-a", "edge-at-b"]


def test_a_site_serves_within_its_size_and_keeps_one_standing() -> None:
    found = serving(forms(cpus=4, memory="8Gi", serving_nodes=["node-1"]))
    (quota,) = of_type(found.resources, "kubernetes_resource_quota_v1")["pilot"]["spec"]
    assert (quota["hard"]["requests.cpu"], quota["hard"]["limits.memory"]) == ("4", "8Gi")
    assert of_type(found.resources, "kubernetes_pod_disruption_budget_v1")["serving"]["spec"][0]["min_available"] == "1"
    assert of_type(found.resources, "kubernetes_labels").keys() == {"serving_node_1"}


@pytest.mark.parametrize("kind", [constructs.RawDataStore, constructs.ArtifactStore])
def test_no_data_rests_at_a_site(kind: type[constructs.Construct]) -> None:
    made = forms()
    with pytest.raises(Unsupported, match="an edge site serves, and nothing else"):
        made.form(kind(pilot="demo", region=made.region, labels=LABELS), {})


@pytest.mark.parametrize("role", [Role.sovereign, Role.global_])
def test_a_site_cannot_be_given_another_role(role: Role) -> None:
    with pytest.raises(ConfigError, match="edge sites only serve"):
        forms(role)


def test_a_site_is_reached_by_its_own_context_and_keeps_its_own_state() -> None:
    made = forms(context="berlin-1")
    (kubernetes,) = made.providers(["kubernetes"], {})
    assert kubernetes.configuration["config_context"] == "berlin-1"
    assert made.backend("edge-de-site-1-week2").configuration["config_context"] == "berlin-1"


def test_a_gpu_that_a_site_does_not_have_is_named() -> None:
    with pytest.raises(ConfigError, match=r"region edge-de-site-1: the site has no GPU .L4.: its settings say none"):
        serving(forms(), gpu="L4")
    made = serving(forms(gpu="L4", serving_nodes=["n1"]), gpu="L4").resources
    assert of_type(made, "kubernetes_node_taint").keys() == {"serving_n1"}


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(ConfigError, match="wrong settings for edge: contxt"):
        forms(contxt="berlin-1")
