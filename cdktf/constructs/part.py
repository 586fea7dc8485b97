"""Part: a construct of the pilot as a construct of the CDK, in the form that the region's provider gives it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import constructs
from house.constructs import _cdk
from house.constructs.wires import Wires

from sovplatform.constructs import Construct
from sovplatform.errors import SovError
from sovplatform.infrastructure.request import Place
from sovplatform.interfaces.stackforms import Form, Resource, StackForms
from sovplatform.pilot import InfrastructureSpec
from sovplatform.records import Role


@dataclass(frozen=True)
class Element:
    """A resource, and where it stands in its stack's tree of constructs."""

    resource: Resource
    path: str


@dataclass(frozen=True)
class Setting:
    """Where a construct is to be: the pilot, a place of it, and the week."""

    pilot: str
    place: Place
    spec: InfrastructureSpec
    week: int

    def common(self) -> dict[str, Any]:
        """The arguments that every construct has."""
        region = self.place.region
        labels = {
            "sov-pilot": self.pilot,
            "sov-region": region.name,
            "sov-jurisdiction": region.jurisdiction.lower(),
            "sov-role": str(region.role),
            "sov-week": str(self.week),
            "managed-by": "sovplatform",
        }
        return {"pilot": self.pilot, "region": region, "labels": labels}


class Part(ABC):
    """Adds one construct to a stack. What the provider promised must be there, and nothing twice."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.sovereign, Role.global_})

    def __init__(self, construct: Construct, forms: StackForms) -> None:
        self.construct = construct
        self.forms = forms

    @staticmethod
    @abstractmethod
    def describe(setting: Setting) -> Construct:
        """The construct that a place gets in a week."""

    def add(self, stack: Any, wires: Wires) -> list[Element]:
        """Make the construct and its resources below the stack; its outputs go into `wires`.

        Raises:
            Unsupported: the provider does not make this construct.
            SovError: the provider broke its promise; the message names construct and provider.
        """
        form = self.forms.form(self.construct, wires)
        self._check(form)
        scope = constructs.Construct(stack, self.construct.title)
        wires.offer(form.outputs)
        return [self._element(scope, resource) for resource in form.resources]

    def _check(self, form: Form) -> None:
        addresses = [(resource.data, resource.type, resource.name) for resource in form.resources]
        twice = sorted({f"{kind}.{name}" for data, kind, name in addresses if addresses.count((data, kind, name)) > 1})
        if twice:
            raise self._broken(f"makes {', '.join(twice)} twice")
        missing = [name for name in self.construct.offers if name not in form.outputs]
        if missing:
            raise self._broken(f"offers no {', '.join(missing)}")

    def _element(self, scope: Any, resource: Resource) -> Element:
        name = f"{resource.type}.{resource.name}"
        kind = _cdk.TerraformDataSource if resource.data else _cdk.TerraformResource
        kind(scope, name, terraform_resource_type=resource.type)
        return Element(resource, f"{self.construct.title}/{name}")

    def _broken(self, what: str) -> SovError:
        provider, region = self.construct.region.provider, self.construct.region.name
        return SovError(
            f"the {self.construct.title} of region {region}: provider {provider} {what}",
            remedy="report it to the provider's maker",
        )
