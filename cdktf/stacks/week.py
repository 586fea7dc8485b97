"""One week of one place: which constructs it brings, and the stack that they are in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from house.constructs import _cdk
from house.constructs.artifact_store import ArtifactStore
from house.constructs.audit_sink import AuditSink
from house.constructs.budget import Budget
from house.constructs.cluster import Cluster
from house.constructs.guardrails import Guardrails
from house.constructs.landing_zone import LandingZone
from house.constructs.part import Part, Setting, Tree
from house.constructs.platform_services import PlatformServices
from house.constructs.raw_data_store import RawDataStore
from house.constructs.region_keys import RegionKeys
from house.constructs.serving_pool import ServingPool
from house.constructs.training_pool import TrainingPool
from house.constructs.wires import Wires, identifier

from sovplatform.constructs import PlatformServices as Services
from sovplatform.errors import Unsupported
from sovplatform.infrastructure.request import LeftOut, Place, SynthRequest, SynthStack, Variable
from sovplatform.interfaces.stackforms import Output, StackForms

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
        self.parts = [kind(it, forms) for kind, it in described if not (isinstance(it, Services) and not it.charts)]

    @property
    def offered(self) -> Earlier:
        """What the weeks after this one may ask for."""
        return {name: (self.name, output) for name, output in self.wires.own.items()}

    def add_to(self, app: Any) -> SynthStack:
        """Make the stack. All arguments go to the CDK in one message: a message for each makes it many times slower."""
        stack = _cdk.TerraformStack(app, self.name)
        tree: Tree = {}
        left_out: list[LeftOut] = []
        count = 0
        for part in self.parts:
            try:
                count += part.add(stack, tree, self.wires)
            except Unsupported as err:
                left_out.append(LeftOut(title=part.construct.title, reason=err.reason))
        self._settings(stack, tree)
        backend = self.forms.backend(self.name)
        return SynthStack(
            name=self.name,
            region=self.place.region,
            week=self.week,
            resources=count,
            locations=tuple(self.forms.locations()),
            variables=self.wires.variables,
            outputs={identifier(name): name for name in self.wires.own},
            left_out=tuple(left_out),
            terraform=backend.terraform,
            opentofu=backend.opentofu,
        )

    def _settings(self, stack: Any, tree: Tree) -> None:
        used = sorted({kind.partition("_")[0] for section in tree.values() for kind in section})
        providers = self.forms.providers(used, self.wires)
        backend = self.forms.backend(self.name)
        for section, content in tree.items():
            stack.add_override(section, content)
        stack.add_override(
            "terraform",
            {
                "required_version": f">= {backend.terraform}",
                "required_providers": {one.name: {"source": one.source, "version": one.version} for one in providers},
                "backend": {backend.type: dict(backend.configuration)},
            },
        )
        stack.add_override("terraform.backend.local", None)  # the CDK's own choice, with a path of this machine
        stack.add_override("provider", {one.name: [dict(one.configuration)] for one in providers})
        if self.wires.variables:
            stack.add_override("variable", {name: _declared(variable) for name, variable in self.wires.variables.items()})
        if self.wires.own:
            stack.add_override("output", {identifier(name): {"value": output.value} for name, output in self.wires.own.items()})


def _declared(variable: Variable) -> dict[str, str]:
    kind = "list(string)" if isinstance(variable.example, list | tuple) else "string"
    return {"type": kind, "description": f"output {variable.output} of {variable.stack}"}
