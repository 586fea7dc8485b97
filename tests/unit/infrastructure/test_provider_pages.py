"""Each provider's page names every setting that the provider reads."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[3] / "docs" / "infrastructure"
SETTINGS = {
    "aws": ("sov_aws.settings:AwsSettings", "sov_aws.terraform_settings:TerraformSettings"),
    "gcp": ("sov_gcp.settings:GcpSettings", "sov_gcp.terraform_settings:TerraformSettings"),
    "onprem": ("sov_onprem.settings:OnPremSettings", "sov_onprem.terraform_settings:OnPremClusterSettings"),
    "edge": ("sov_edge.settings:EdgeSettings", "sov_edge.terraform_settings:EdgeSettings"),
}


@pytest.mark.parametrize("provider", SETTINGS)
def test_every_setting_is_named(provider: str) -> None:
    page = (PAGES / f"{provider}.md").read_text()
    for place in SETTINGS[provider]:
        module, _, name = place.partition(":")
        fields = getattr(import_module(module), name).model_fields
        assert fields
        assert {field for field in fields if f"`{field}`" not in page} == set()
