"""Every resource type that is made is in the page of its provider, and no page tells of one that is not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sovplatform.platform import Platform
from sovplatform.scaffold import Blueprint, Place, make_pilot

PAGES = Path(__file__).parents[3] / "docs" / "infrastructure"
EVERYWHERE = {"helm_release", "kubernetes_namespace_v1", "kubernetes_network_policy_v1", "kubernetes_persistent_volume_claim_v1"}
NO_TYPES = {"vault_audit_file", "vault_ca", "vault_token_file"}
"""Settings that look like types."""
ARN = "arn:aws-eusc:iam::123456789012:role/deploy"
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "de": {"account": "123456789012", "organization_target": "ou-ab12-cdefgh34", "operators": [ARN]},
    "ch": {"account": "123456789012"},
    "nl": {
        "project": "acme-nl-12345",
        "organization": "123456789012",
        "access_policy": "99887766",
        "operators": ["serviceAccount:deploy@acme-ops.iam.gserviceaccount.com"],
        "billing_account": "012345-6789AB-CDEF01",
        "protection": "EXTERNAL",
        "seal_protection": "HSM",
        "external_keys": {name: f"https://ekm.example/{name}" for name in ("data", "artifacts", "decisions", "models", "ledger")},
    },
    "be": {
        "gpu": "L4",
        "training_nodes": ["gpu-1"],
        "serving_nodes": ["cpu-1"],
        "vault": "https://vault.be.example:8200",
        "vault_audit_file": "/var/log/vault.log",
    },
    "edge-at": {
        "serving_nodes": ["node-1"],
        "gpu": "L4",
        "sites": [{"name": "wien", "jurisdiction": "AT", "context": "wien"}],
    },
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[str]]:
    """The types that each provider makes of a pilot with all that its settings can ask for."""
    directory = tmp_path_factory.mktemp("all") / "all"
    places = tuple(Place(*it.split(":")) for it in ("aws:DE", "aws:CH", "gcp:NL", "onprem:BE", "edge:AT"))
    make_pilot(directory, Blueprint(name="all", sovereign=places, fabric=Place("gcp", "US")))
    file = directory / "pilot.yaml"
    body = yaml.safe_load(file.read_text())
    for region in body["regions"]:
        region["settings"] = {**region.get("settings", {}), **SETTINGS.get(region["name"], {})}
    body["infrastructure"]["budget"]["contact"] = "budget@acme.example"
    body["infrastructure"]["serving"]["gpu"] = "L4"
    file.write_text(yaml.safe_dump(body))
    synthesis = Platform.open(directory, infrastructure=True).infrastructure.synth()
    found: dict[str, set[str]] = {}
    for stack in synthesis.stacks:
        types = json.loads((directory / "infra" / stack.name / "cdk.tf.json").read_text())
        found.setdefault(stack.region.provider, set()).update(types.get("resource", {}), types.get("data", {}))
    return found


@pytest.mark.parametrize("provider", ["aws", "gcp", "onprem", "edge"])
def test_the_page_of_a_provider_tells_of_every_type_that_it_makes_and_of_no_other(
    provider: str, made: Mapping[str, set[str]]
) -> None:
    page = (PAGES / f"{provider}.md").read_text()
    told = set(re.findall(r"`((?:aws|google|helm|kubernetes|vault)_[a-z0-9_]+)`", page)) - NO_TYPES
    parts = {name for name in made[provider] if name.startswith("aws_s3_bucket_")}
    assert made[provider] - parts - told == set()
    assert told - made[provider] - EVERYWHERE == set()
    assert len(parts) in (0, 7)  # "`aws_s3_bucket` and its seven parts"
