"""What goes into the synthesis process, and what comes out: JSON, so that neither side imports the other's libraries."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, JsonValue

from sovplatform.labels import Label
from sovplatform.pilot import InfrastructureSpec
from sovplatform.records import Name, Record, RegionSpec

WEEKS = (1, 2, 3, 4)
STACK_FILE = "cdk.tf.json"


class Place(Record):
    """A region to be synthesised, its own network range, and the datasets that rest there."""

    region: RegionSpec
    cidr: str
    datasets: Mapping[str, Label] = {}


NO_GPU = "none"
"""What the setting `gpu` of a region says when it has none."""


def gpu_of(region: RegionSpec, wanted: str) -> str:
    """The GPU family that a region gets where the pilot asks for one: that of its setting `gpu`, and nothing when it has none."""
    own = str(region.settings.get("gpu") or wanted)
    if not wanted or own == NO_GPU:
        return ""
    return wanted if own.lower() == wanted.lower() else own


class SynthRequest(Record):
    """`forms` maps a provider's name to its `module:Class`; `out` is the directory that gets a folder for each stack."""

    pilot: Name
    places: tuple[Place, ...]
    infrastructure: InfrastructureSpec
    forms: Mapping[str, str]
    out: str


class Variable(Record):
    """An input of a stack: the stack that offers it, under which output, and what stands for it before that is applied."""

    stack: str
    output: str
    example: JsonValue


class LeftOut(Record):
    """A construct that the region's provider does not make, and why."""

    title: str
    reason: str


class SynthStack(Record):
    """One stack as it was written: `NAME/cdk.tf.json` below the request's `out`."""

    name: Name
    region: RegionSpec
    week: int = Field(ge=1, le=4)
    resources: int
    locations: tuple[str, ...]
    variables: Mapping[str, Variable] = {}
    outputs: Mapping[str, str] = {}
    left_out: tuple[LeftOut, ...] = ()
    terraform: str
    opentofu: str


class Synthesis(Record):
    """All stacks of a pilot, those of earlier weeks first."""

    pilot: Name
    stacks: tuple[SynthStack, ...]
