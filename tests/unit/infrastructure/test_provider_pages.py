"""Each provider's page names every resource type that the provider makes, and every setting that it reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest

from sovplatform import config
from sovplatform.infrastructure.synth import synthesise
from sovplatform.infrastructure.synthesiser import Synthesiser
from sovplatform.plugins import Plugins
from sovplatform.scaffold import Blueprint, Place, make_pilot

PAGES = Path(__file__).parents[3] / "docs" / "infrastructure"
SETTINGS = {
    "aws": ("sov_aws.settings:AwsSettings", "sov_aws.terraform_settings:TerraformSettings"),
    "gcp": ("sov_gcp.settings:GcpSettings", "sov_gcp.terraform_settings:TerraformSettings"),
    "onprem": ("sov_onprem.settings:OnPremSettings", "sov_onprem.terraform_settings:OnPremClusterSettings"),
    "edge": ("sov_edge.settings:EdgeSettings", "sov_edge.terraform_settings:EdgeSettings"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[str]]:
    """The resource types of sovereign regions and sites, by provider."""
    directory = tmp_path_factory.mktemp("pages")
    sovereign = (Place("aws", "DE"), Place("gcp", "NL"), Place("onprem", "AT"), Place("edge", "CH"))
    make_pilot(directory / "demo", Blueprint(name="demo", sovereign=sovereign, fabric=Place("onprem", "US")))
    pilot = config.load(directory / "demo", for_infrastructure=True)
    with Synthesiser() as process:
        synthesis = synthesise(pilot, Plugins.load(pilot.plugins), directory / "infra", process)
    found: dict[str, set[str]] = {}
    for stack in synthesis.stacks:
        body = json.loads((directory / "infra" / stack.name / "cdk.tf.json").read_text())
        found.setdefault(stack.region.provider, set()).update({**body.get("resource", {}), **body.get("data", {})})
    return found


@pytest.mark.parametrize("provider", SETTINGS)
def test_every_resource_type_is_named(provider: str, made: Mapping[str, set[str]]) -> None:
    page = (PAGES / f"{provider}.md").read_text() + (PAGES / "platform-services.md").read_text()
    assert made[provider]
    assert {kind for kind in made[provider] if f"`{kind}`" not in page} == set()


@pytest.mark.parametrize("provider", SETTINGS)
def test_every_setting_is_named(provider: str) -> None:
    page = (PAGES / f"{provider}.md").read_text()
    for place in SETTINGS[provider]:
        module, _, name = place.partition(":")
        fields = getattr(import_module(module), name).model_fields
        assert fields
        assert {field for field in fields if f"`{field}`" not in page} == set()
