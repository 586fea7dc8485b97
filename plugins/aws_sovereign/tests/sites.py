"""Regions on AWS, and what the tests read of them."""

from __future__ import annotations

import json
from typing import Any

from fixtures.sites import EARLIER, Site, variables
from sov_aws.stack import AwsForms

from sovplatform.records import RegionSpec, Role

CURRENCIES = {"CN": "CNY", "US": "USD", "FR": "USD"}

FULL: dict[str, Any] = {
    "account": "123456789012",
    "profile": "deploy",
    "organization_target": "ou-ab12-cdefgh34",
    "operators": ["arn:aws-eusc:iam::123456789012:role/deploy"],
    "operator_ranges": ["10.9.0.0/24"],
    "services": ["elasticloadbalancing"],
    "nodes_run": "al2023",
}
CHINA: dict[str, Any] = {"jurisdiction": "CN", "gpus": {"L4": ["g6.xlarge"]}}
GOVERNMENT: dict[str, Any] = {"jurisdiction": "US", "partition": "aws-us-gov", "gpus": {"L4": ["g6.xlarge"]}}
GLOBAL: dict[str, Any] = {"jurisdiction": "US", "role": "global", "name": "us"}
REGIONS: list[dict[str, Any]] = [{}, FULL, GLOBAL, CHINA, GOVERNMENT]


def site(jurisdiction: str = "DE", role: str = "sovereign", pilot: str = "demo", name: str = "de", **settings: Any) -> Site:
    """The forms of a region with these settings."""
    region = RegionSpec(name=name, jurisdiction=jurisdiction, role=Role(role), provider="aws", settings=settings)
    budget = {"amount": 1234.5, "currency": CURRENCIES.get(jurisdiction, "EUR"), "contact": "it@example.org"}
    bills = settings.get("partition") != "aws-us-gov"
    earlier = EARLIER | variables(("keys.logs", "guardrails.boundary"))
    return Site(AwsForms(region, pilot), budget if bills else None, earlier)


def rules(policy: object) -> dict[str, Any]:
    """A policy's statements by their names."""
    return {rule["Sid"]: rule for rule in json.loads(str(policy))["Statement"]}
