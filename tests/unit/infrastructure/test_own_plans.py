"""What our own stacks plan is allowed, whichever settings a region has: every setting of every provider is in one of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sov_aws.settings import AwsSettings
from sov_aws.terraform_settings import TerraformSettings as AwsTerraform
from sov_edge.settings import EdgeSettings
from sov_edge.terraform_settings import EdgeSettings as EdgeClusters
from sov_gcp.settings import GcpSettings
from sov_gcp.terraform_settings import TerraformSettings as GcpTerraform
from sov_onprem.settings import OnPremSettings
from sov_onprem.terraform_settings import OnPremClusterSettings

from sovplatform.infrastructure import synth
from sovplatform.infrastructure.document import document
from sovplatform.infrastructure.judgement import judge_document, judging
from sovplatform.infrastructure.offline.plan import plan_offline
from sovplatform.infrastructure.request import WEEKS, Synthesis
from sovplatform.infrastructure.schema import check
from sovplatform.infrastructure.synthesiser import Synthesiser
from sovplatform.infrastructure.terraform import Terraform
from sovplatform.pilot import Pilot
from sovplatform.plugins import Plugins
from sovplatform.policy.engine import PolicyEngine
from tests.fixtures.planned import plan_of
from tests.fixtures.variants import GLOBAL, REGIONS, pilot_of
from tests.unit.infrastructure.test_judgement import bank

__all__ = ["bank"]

SETTINGS = {
    "aws": (AwsSettings, AwsTerraform),
    "gcp": (GcpSettings, GcpTerraform),
    "onprem": (OnPremSettings, OnPremClusterSettings),
    "edge": (EdgeSettings, EdgeClusters),
}
POOLS: dict[str, Any] = {
    "kubernetes": "1.34",
    "training": {"gpu": "L4", "nodes": 2, "spot": False},
    "serving": {"gpu": "L4", "nodes_min": 0, "nodes_max": 5},
    "storage": {"lock_days": 30, "audit_days": 30},
    "budget": {"amount": 90_000, "currency": "USD", "alerts": [90], "contact": "ops@bank.example"},
}
POOL_WEEKS = (3, 4)
WITH_GPUS = ("aws-plain", "gcp-organization", "onprem-cluster", "edge-one")
"""Places that have the GPU of the second pilot, or know no better."""


_NETWORK = re.compile(r"\b10\.\d+\.")


class Made:
    """A pilot's stacks, as they were synthesised."""

    def __init__(self, pilot: Pilot, out: Path, library: Any = "cdktf") -> None:
        self.pilot, self.out = pilot, out
        with Synthesiser(library) as process:
            self.synthesis: Synthesis = synth.synthesise(pilot, Plugins.load(()), out, process)
        self.bodies = {one.name: json.loads((out / one.name / "cdk.tf.json").read_text()) for one in self.synthesis.stacks}

    def judged(self, engine: PolicyEngine, weeks: Sequence[int] = WEEKS) -> Iterator[tuple[str, list[str]]]:
        """By stack, what the rules have against it. What is the same but for name and network of the region is judged once."""
        seen = set()
        for stack in self.synthesis.stacks:
            body = self.bodies[stack.name]
            same = _NETWORK.sub("10.N.", json.dumps(body, sort_keys=True).replace(stack.region.name, "REGION"))
            if same not in seen and stack.week in weeks:
                seen.add(same)
                made = judge_document(document(plan_of(stack, body), stack, body, self.pilot), stack.name, "sha256:0", engine)
                denials = [f"{one.rule} {one.address}: {one.message}" for one in made.denials]
                yield stack.name, denials or ([] if made.allow else ["not allowed"])


@pytest.fixture(scope="module")
def engine() -> PolicyEngine:
    return judging()


@pytest.fixture(scope="module")
def every(bank: Pilot, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(pilot_of(bank, [*REGIONS, *GLOBAL]), tmp_path_factory.mktemp("every") / "infra")


@pytest.mark.parametrize("provider", SETTINGS)
def test_every_setting_is_in_some_region(provider: str) -> None:
    used = {name for one in REGIONS if one["provider"] == provider for name in one["settings"]}
    used |= {name for one in REGIONS for site in one["settings"].get("sites", ()) if one["provider"] == provider for name in site}
    there = {name for kind in SETTINGS[provider] for name in kind.model_fields}
    assert there - used == set(), "give a region in tests/fixtures/variants.py this setting"


def test_no_provider_has_anything_against_them(every: Made) -> None:
    assert list(Plugins.load(()).complaints(every.pilot)) == []


def test_every_plan_of_ours_is_allowed(every: Made, engine: PolicyEngine) -> None:
    assert {name: denials for name, denials in every.judged(engine) if denials} == {}


def test_the_fork_makes_the_same_stacks(every: Made, tmp_path: Path) -> None:
    other = Made(every.pilot, tmp_path / "infra", library="cdktn")
    for body in (*other.bodies.values(), *every.bodies.values()):
        del body["//"]["metadata"]["version"]  # of the library
    assert other.bodies == every.bodies


def test_plans_with_other_pools_are_allowed(bank: Pilot, engine: PolicyEngine, tmp_path: Path) -> None:
    regions = [one for one in REGIONS if one["name"] in WITH_GPUS]
    assert len(regions) == len(WITH_GPUS)
    made = Made(pilot_of(bank, regions, **POOLS), tmp_path / "infra")
    assert {name: denials for name, denials in made.judged(engine, POOL_WEEKS) if denials} == {}


def test_what_terraform_plans_is_what_was_judged(every: Made, terraform: Terraform) -> None:
    """Some stacks of each provider: the plans told here without Terraform say what its own do, but for what it works out."""
    names = {
        "aws-root-week1",
        "aws-plain-week2",
        "gcp-perimeter-week1",
        "gcp-vpc-week2",
        "onprem-cluster-week2",
        "edge-one-week4",
    }
    stacks = {stack.name: stack for stack in every.synthesis.stacks if stack.name in names}
    examples = {name: {key: it.example for key, it in stack.variables.items()} for name, stack in stacks.items()}
    plans = plan_offline(terraform, {name: every.out / name for name in names}, variables=examples)
    for name, stack in stacks.items():
        told = document(plan_of(stack, every.bodies[name]), stack, every.bodies[name], every.pilot)
        real = document(plans[name].json, stack, every.bodies[name], every.pilot)
        assert without_values(told) == without_values(real), name


def without_values(given: dict[str, Any]) -> dict[str, Any]:
    """What a thing of this stack is called stands beside the reference to it in a real plan; sets have another order."""
    facts = ("construct", "blocks", "refs", "mixed", "partial", "hollow", "marks", "outside", "objects", "unread")
    resources = {
        (kind, name): {fact: one.get(fact) for fact in facts}
        | {"paths": set(one["values"]) - set(one["refs"]) - set(one["mixed"])}
        for kind, named in given["resources"].items()
        for name, one in named.items()
    }
    return {**given, "resources": resources, "notes": {**given["notes"], "statements": []}}


def test_what_is_made_breaks_no_contract(every: Made) -> None:
    assert {name: problems for name, body in every.bodies.items() if (problems := check(body))} == {}
