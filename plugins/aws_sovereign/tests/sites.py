"""Regions on AWS and everything they get, made without the CDK."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sov_aws.stack import AwsForms

from sovplatform import constructs
from sovplatform.interfaces.stackforms import Form, Resource
from sovplatform.labels import Label, Sensitivity
from sovplatform.records import KeyPurpose, RegionSpec, Role

KEYS = {"data": KeyPurpose.wrap, "models": KeyPurpose.sign, "ledger": KeyPurpose.seal}
CHART = constructs.Chart(name="cert-manager", namespace="cert-manager", repository="https://x.example", chart="c", version="1.0")
LABELS = {"sov-pilot": "demo", "sov-region": "de", "sov-jurisdiction": "de", "sov-role": "sovereign", "managed-by": "sovplatform"}
DATASETS = {"loans": Label(residency=("DE",), sensitivity=Sensitivity.restricted)}
WIRES = (
    "network.id",
    "network.subnets",
    "keys.logs",
    "keys.data",
    "cluster.name",
    "cluster.endpoint",
    "cluster.ca",
    "guardrails.boundary",
)
EARLIER = {name: f"${{var.{name.replace('.', '_')}}}" for name in WIRES}
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


@dataclass(frozen=True)
class Site:
    """One region's forms."""

    forms: AwsForms

    @property
    def common(self) -> dict[str, Any]:
        return {"pilot": self.forms.pilot, "region": self.forms.region, "labels": LABELS}

    def form(self, kind: type[constructs.Construct], wires: Mapping[str, Any] | None = None, **arguments: Any) -> Form:
        return self.forms.form(kind(**self.common, **arguments), EARLIER if wires is None else wires)

    def made(self, kind: type[constructs.Construct], **arguments: Any) -> dict[str, dict[str, Any]]:
        """A construct's resources: the arguments by address."""
        return {f"{it.type}.{it.name}": dict(it.arguments) for it in self.form(kind, **arguments).resources}

    def weeks(self) -> Iterator[tuple[int, list[Resource]]]:
        """All that a region gets, by week: what earlier weeks offered comes in variables, as in real stacks."""
        region = self.forms.region
        plan: dict[int, list[tuple[type[constructs.Construct], dict[str, Any]]]] = {
            1: [(constructs.Guardrails, {}), (constructs.LandingZone, {"cidr": "10.3.0.0/16"})],
            2: [
                (constructs.RegionKeys, {"keys": KEYS}),
                (constructs.AuditSink, {}),
                (constructs.RawDataStore, {"datasets": DATASETS}),
                (constructs.Cluster, {}),
                (constructs.PlatformServices, {"charts": (CHART,)}),
            ],
            3: [
                (constructs.ArtifactStore, {}),
                (constructs.TrainingPool, {"gpu": "L4", "nodes": 4, "spot": region.role is Role.global_}),
            ],
            4: [(constructs.ServingPool, {"gpu": "L4"})],
        }
        if region.settings.get("partition") != "aws-us-gov":
            currency = CURRENCIES.get(region.jurisdiction, "EUR")
            plan[1].append((constructs.Budget, {"amount": 1234.5, "currency": currency, "contact": "it@example.org"}))
        earlier: dict[str, Any] = {}
        for week, parts in plan.items():
            own: dict[str, Any] = {}
            made: list[Resource] = []
            for kind, arguments in parts:
                form = self.form(kind, {**earlier, **own}, **arguments)
                own |= {name: output.value for name, output in form.outputs.items()}
                made += form.resources
            earlier |= {name: f"${{var.{name.replace('.', '_')}}}" for name in own}
            yield week, made

    @property
    def everything(self) -> list[Resource]:
        return [resource for _, made in self.weeks() for resource in made]


def site(jurisdiction: str = "DE", role: str = "sovereign", pilot: str = "demo", name: str = "de", **settings: Any) -> Site:
    """The forms of a region with these settings."""
    region = RegionSpec(name=name, jurisdiction=jurisdiction, role=Role(role), provider="aws", settings=settings)
    return Site(AwsForms(region, pilot))


def stack(resources: list[Resource]) -> dict[str, Any]:
    """Resources as a synthesised file has them."""
    found: dict[str, Any] = {"resource": {}, "data": {}}
    for resource in resources:
        named = found["data" if resource.data else "resource"].setdefault(resource.type, {})
        assert resource.name not in named, f"{resource.type}.{resource.name} is made twice"
        named[resource.name] = dict(resource.arguments)
    return found


def walk(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """All scalars in a value, each with the name it has."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from walk(inner, key)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from walk(inner, name)
    else:
        yield name, value


def rules(policy: object) -> dict[str, Any]:
    """A policy's statements by their names."""
    return {rule["Sid"]: rule for rule in json.loads(str(policy))["Statement"]}
