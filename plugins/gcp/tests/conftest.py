"""Regions on Google Cloud and everything they get, made without the CDK."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sov_gcp.stack import GcpForms

from sovplatform import constructs
from sovplatform.interfaces.stackforms import Form, Resource
from sovplatform.labels import Label, Sensitivity
from sovplatform.records import KeyPurpose, RegionSpec, Role

sys.path.insert(0, str(Path(__file__).parents[3] / "tests"))

from fixtures.gcp import cloud_kms, emulator, gcp  # noqa: F401

KEYS = {"data": KeyPurpose.wrap, "models": KeyPurpose.sign, "ledger": KeyPurpose.seal}
CHART = constructs.Chart(name="cert-manager", namespace="cert-manager", repository="https://x.example", chart="c", version="1.0")
LABELS = {"sov-pilot": "demo", "sov-region": "de", "sov-jurisdiction": "de", "sov-role": "sovereign", "managed-by": "sovplatform"}


@dataclass(frozen=True)
class Site:
    """One region's forms."""

    forms: GcpForms

    @property
    def common(self) -> dict[str, Any]:
        return {"pilot": self.forms.pilot, "region": self.forms.region, "labels": LABELS}

    def form(self, kind: type[constructs.Construct], wires: Mapping[str, Any] | None = None, **arguments: Any) -> Form:
        return self.forms.form(kind(**self.common, **arguments), wires or EARLIER)

    def weeks(self) -> Iterator[tuple[int, list[Resource]]]:
        """All that a region gets, by week: what earlier weeks offered comes in variables, as in real stacks."""
        spot = self.forms.region.role is Role.global_
        datasets = {"loans": Label(residency=("DE",), sensitivity=Sensitivity.restricted)}
        plan: dict[int, list[tuple[type[constructs.Construct], dict[str, Any]]]] = {
            1: [(constructs.Guardrails, {}), (constructs.LandingZone, {"cidr": "10.3.0.0/16"})],
            2: [
                (constructs.RegionKeys, {"keys": KEYS}),
                (constructs.AuditSink, {}),
                (constructs.RawDataStore, {"datasets": datasets}),
                (constructs.Cluster, {}),
                (constructs.PlatformServices, {"charts": (CHART,)}),
            ],
            3: [(constructs.ArtifactStore, {}), (constructs.TrainingPool, {"gpu": "L4", "nodes": 4, "spot": spot})],
            4: [(constructs.ServingPool, {"gpu": "L4"})],
        }
        if self.forms.region.settings.get("billing_account"):
            plan[1].append((constructs.Budget, {"amount": 1234.5, "contact": "it@example.org"}))
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


EARLIER = {
    name: f"${{var.{name.replace('.', '_')}}}"
    for name in ("network.id", "network.subnets", "keys.data", "cluster.name", "cluster.endpoint", "cluster.ca")
}

FULL = {
    "project": "acme-eu-12345",
    "organization": "123456789012",
    "workload_parent": "4567",
    "access_policy": "99887766",
    "operators": ["serviceAccount:deploy@acme.iam.gserviceaccount.com"],
    "billing_account": "012345-6789AB-CDEF01",
    "operator_ranges": ["10.9.0.0/24"],
    "security_group": "gke-security-groups@acme.example",
    "seal_protection": "SOFTWARE",
}

MakeSite = Callable[..., Site]


@pytest.fixture
def site() -> MakeSite:
    def make(jurisdiction: str = "DE", role: str = "sovereign", pilot: str = "demo", name: str = "de", **settings: Any) -> Site:
        region = RegionSpec(name=name, jurisdiction=jurisdiction, role=Role(role), provider="gcp", settings=settings)
        return Site(GcpForms(region, pilot))

    return make


def of_type(resources: list[Resource] | tuple[Resource, ...], kind: str) -> dict[str, Mapping[str, Any]]:
    """The arguments of all resources of a type, by local name."""
    return {resource.name: resource.arguments for resource in resources if resource.type == kind}
