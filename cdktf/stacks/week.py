"""One week of one place: which constructs it brings, and the stack that they are in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from house.constructs import _cdk
from house.constructs.artifact_store import ArtifactStore
from house.constructs.audit_sink import AuditSink
from house.constructs.budget import Budget
from house.constructs.cluster import Cluster
from house.constructs.guardrails import Guardrails
from house.constructs.landing_zone import LandingZone
from house.constructs.part import Element, Part, Setting
from house.constructs.platform_services import PlatformServices
from house.constructs.raw_data_store import RawDataStore
from house.constructs.region_keys import RegionKeys
from house.constructs.serving_pool import ServingPool
from house.constructs.training_pool import TrainingPool
from house.constructs.wires import Wires, identifier

from sovplatform.constructs import PlatformServices as Services
from sovplatform.errors import SovError, Unsupported
from sovplatform.infrastructure.request import LeftOut, Place, SynthRequest, SynthStack, Variable
from sovplatform.interfaces.stackforms import Backend, Output, StackForms

BRINGS: dict[int, tuple[type[Part], ...]] = {
    1: (Guardrails, LandingZone, Budget),
    2: (RegionKeys, AuditSink, RawDataStore, Cluster, PlatformServices),
    3: (ArtifactStore, TrainingPool, PlatformServices),
    4: (ServingPool, PlatformServices),
}
"""Week 1 draws the borders, week 2 brings keys, stores and clusters, week 3 training and signing, week 4 serving."""

Earlier = dict[str, tuple[str, Output]]


class WeekStack:
    """What a place gets in a week; made without the CDK, so that an empty week makes no stack."""

    def __init__(self, request: SynthRequest, place: Place, week: int, forms: StackForms, earlier: Mapping[str, Any]) -> None:
        setting = Setting(request.pilot, place, request.infrastructure, week)
        self.name = f"{place.region.name}-week{week}"
        self.place, self.week, self.forms = place, week, forms
        self.wires = Wires(place.region.name, earlier)
        described = [(kind, kind.describe(setting)) for kind in BRINGS[week] if place.region.role in kind.roles]
        self._elements: list[Element] = []
        self._settings: dict[str, Any] = {}
        self.parts = [kind(it, forms) for kind, it in described if not (isinstance(it, Services) and not it.charts)]

    @property
    def offered(self) -> Earlier:
        """What the weeks after this one may ask for."""
        return {name: (self.name, output) for name, output in self.wires.own.items()}

    def add_to(self, app: Any) -> SynthStack:
        """Make the stack and its constructs."""
        stack = _cdk.TerraformStack(app, self.name)
        left_out: list[LeftOut] = []
        for part in self.parts:
            try:
                self._elements += part.add(stack, self.wires)
            except Unsupported as err:
                left_out.append(LeftOut(title=part.construct.title, reason=err.reason))
        backend = self.forms.backend(self.name)
        self._settings = self._terraform_settings(backend)
        return SynthStack(
            name=self.name,
            region=self.place.region,
            week=self.week,
            resources=sum(not element.resource.data for element in self._elements),
            locations=tuple(self.forms.locations()),
            variables=self.wires.variables,
            outputs={identifier(name): name for name in self.wires.own},
            left_out=tuple(left_out),
            terraform=backend.terraform,
            opentofu=backend.opentofu,
        )

    def complete(self, path: Path) -> None:
        """Put names, arguments and settings into what the CDK wrote: a message to it for each would take longer than all else."""
        written = json.loads(path.read_text())
        sections = [section for name in ("data", "resource") for section in written.get(name, {}).values()]
        constructs = {one["//"]["metadata"]["path"]: one for named in sections for one in named.values()}
        body: dict[str, Any] = {"//": written["//"], **self._settings}
        for element in self._elements:
            resource = element.resource
            named = body.setdefault("data" if resource.data else "resource", {}).setdefault(resource.type, {})
            if resource.name in named:
                address = f"{resource.type}.{resource.name}"
                raise SovError(f"stack {self.name} makes {address} twice", remedy="report it to the provider's maker")
            named[resource.name] = {**constructs[f"{self.name}/{element.path}"], **resource.arguments}
        path.write_text(json.dumps(body, indent=2, sort_keys=True) + "\n")

    def _terraform_settings(self, backend: Backend) -> dict[str, Any]:
        """Terraform's own settings. Providers may ask for wires, which become variables."""
        used = sorted({element.resource.type.partition("_")[0] for element in self._elements})
        providers = self.forms.providers(used, self.wires)
        settings: dict[str, Any] = {
            "terraform": {
                "required_version": f">= {backend.terraform}",
                "required_providers": {one.name: {"source": one.source, "version": one.version} for one in providers},
                "backend": {backend.type: dict(backend.configuration)},
            },
            "provider": {one.name: [dict(one.configuration)] for one in providers},
        }
        if self.wires.variables:
            settings["variable"] = {name: _declared(variable) for name, variable in self.wires.variables.items()}
        if self.wires.own:
            settings["output"] = {identifier(name): {"value": output.value} for name, output in self.wires.own.items()}
        return settings


def _declared(variable: Variable) -> dict[str, str]:
    kind = "list(string)" if isinstance(variable.example, list | tuple) else "string"
    return {"type": kind, "description": f"output {variable.output} of {variable.stack}"}
