"""StackForms: how a provider says in Terraform what every provider has to offer.

Not one of a Region's services: it describes a region that does not exist yet. It runs in the synthesis process, reads nothing
and asks nobody, so that a pilot can be planned without a cloud.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from pydantic import Field, JsonValue

from sovplatform.constructs import Construct
from sovplatform.records import Record, RegionSpec

Wires = Mapping[str, JsonValue]
"""The values that constructs offer each other, by name: expressions of this stack, or of a variable that carries the output of an
earlier week's. Asking for a name that nobody offers is an error of the provider."""


class Resource(Record):
    """One Terraform resource: type, local name, and arguments by their Terraform names (blocks as lists of objects).

    `data=True` makes it a data source. References are expressions: `resource.ref("arn")`.
    """

    type: str
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    arguments: Mapping[str, JsonValue] = {}
    data: bool = False

    @property
    def address(self) -> str:
        """Where Terraform finds it in its stack, as `depends_on` wants it."""
        return f"{'data.' if self.data else ''}{self.type}.{self.name}"

    def ref(self, attribute: str) -> str:
        """The expression that stands for an attribute of this resource."""
        return f"${{{self.address}.{attribute}}}"


class Output(Record):
    """A value that later weeks need. `example` stands for it when a plan is made before anything exists.

    Never a secret: what is offered rests in Terraform's state.
    """

    value: JsonValue
    example: JsonValue


class Form(Record):
    """A construct in one provider's Terraform. `outputs` are the construct's `offers`, by name."""

    resources: tuple[Resource, ...] = ()
    outputs: Mapping[str, Output] = {}


class TerraformProvider(Record):
    """One Terraform provider of a stack: local name, registry address, version constraint, and its configuration."""

    name: str
    source: str
    version: str
    configuration: Mapping[str, JsonValue] = {}


class Backend(Record):
    """Where the state of a stack rests: in its own region. `needs` is the version that the CLIs must have at least."""

    type: str
    configuration: Mapping[str, JsonValue]
    terraform: str = "1.9"
    opentofu: str = "1.8"


class StackForms(ABC):
    """The Terraform forms of one provider, for one region."""

    def __init__(self, region: RegionSpec, pilot: str) -> None:
        self.region = region
        self.pilot = pilot

    @abstractmethod
    def locations(self) -> Sequence[str]:
        """The provider's own names of the places where this region's resources may be, such as `eusc-de-east-1`.

        Raises:
            ConfigError: the settings name a place that does not exist, or one outside the region's jurisdiction.
        """

    @abstractmethod
    def providers(self, used: Sequence[str], wires: Wires) -> Sequence[TerraformProvider]:
        """The Terraform providers of a stack whose resources are of the providers named in `used` (`aws`, `helm`, …).

        Raises:
            ConfigError: a setting is wrong or missing.
        """

    @abstractmethod
    def backend(self, stack: str) -> Backend:
        """Where the state of `stack` rests: inside the region's jurisdiction, encrypted, locked while it is changed.

        Raises:
            ConfigError: a setting is wrong or missing.
        """

    @abstractmethod
    def form(self, construct: Construct, wires: Wires) -> Form:
        """The construct's resources, and the outputs it promised.

        Raises:
            Unsupported: this provider does not make that construct, or not with that property; the reason is shown.
            ConfigError: a setting is wrong, such as a GPU that the region does not have.
        """
