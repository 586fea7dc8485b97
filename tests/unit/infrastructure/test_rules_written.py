"""What is written of the rules for infrastructure: each is documented, and they know the places that the providers know."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path

import pytest

from sovplatform.policy.engine import RULES
from tests.fixtures.breaking import IDS

DOCS = Path(__file__).parents[3] / "docs" / "infrastructure" / "policy.md"


def test_every_rule_is_documented() -> None:
    table = DOCS.read_text("utf-8").partition("## The rules")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `([a-z_.]+)`", table, re.MULTILINE))
    assert documented == IDS


@pytest.mark.parametrize(("table", "module"), [("aws_places", "sov_aws.locations"), ("google_places", "sov_gcp.locations")])
def test_the_places_are_those_that_the_providers_know(table: str, module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not there")
    text = (RULES / "infrastructure_places.rego").read_text("utf-8")
    written = re.search(rf"{table} := {{(.*?)\n}}", text, re.DOTALL)
    assert written is not None
    known = getattr(importlib.import_module(module), "LOCATIONS", None)
    if known is None:
        pytest.skip(f"{module} knows no countries")
    assert dict(re.findall(r'"([^"]+)": "([^"]+)"', written[1])) == dict(known)
