"""A synthesised stack as its resources, and the use that they make of what costs money."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sovplatform.infrastructure.pricing import Unit
from sovplatform.infrastructure.request import SynthStack
from sovplatform.pilot import InfrastructureSpec
from sovplatform.records import Record

HOURS = 730
"""A month, as the clouds count it."""

_VARIABLE = re.compile(r"^\$\{var\.(\w+)\}$")
_REFERENCE = re.compile(r"\$\{(\w+)\.(\w+)\.")


class Use(Record):
    """So much of something in a month; `part` is the construct. `items` are names in a price table: one, or those of which any
    may be used.

    `on_demand` are the same without spot. With `per_gpu` the quantity is GPU-hours, to be shared by the GPUs of a
    machine; `at_most`, if any, is how many hours all machines have.
    """

    part: str
    what: str
    items: tuple[str, ...]
    unit: Unit
    low: float
    high: float
    on_demand: tuple[str, ...] = ()
    per_gpu: bool = False
    at_most: float = 0
    note: str = ""


@dataclass(frozen=True)
class Resource:
    """One resource of a stack: its type, its local name, its arguments, and the construct that it comes from."""

    kind: str
    name: str
    arguments: Mapping[str, Any]

    @property
    def construct(self) -> str:
        path = str(self.arguments.get("//", {}).get("metadata", {}).get("path", ""))
        return path.split("/")[1] if path.count("/") > 1 else "?"

    def block(self, name: str) -> Mapping[str, Any]:
        """The first block of that name; blocks are lists of objects."""
        return block(self.arguments, name)


@dataclass(frozen=True)
class Stack:
    """A stack, and what the pilot says of its infrastructure."""

    made: SynthStack
    body: Mapping[str, Any]
    spec: InfrastructureSpec

    @property
    def location(self) -> str:
        return self.made.locations[0] if self.made.locations else self.made.region.name

    def resources(self) -> Iterator[Resource]:
        for kind, named in self.body.get("resource", {}).items():
            for name, arguments in named.items():
                yield Resource(kind, name, arguments)

    def referred(self, expression: object) -> Resource | None:
        """The resource of this stack that an expression names."""
        found = _REFERENCE.match(str(expression))
        if found is None:
            return None
        arguments = self.body.get("resource", {}).get(found[1], {}).get(found[2])
        return None if arguments is None else Resource(found[1], found[2], arguments)

    def length(self, value: object) -> int:
        """How many there are in a list; of one that an earlier week makes, its example knows."""
        found = _VARIABLE.match(value) if isinstance(value, str) else None
        if found is not None and found[1] in self.made.variables:
            value = self.made.variables[found[1]].example
        return len(value) if isinstance(value, Sequence) and not isinstance(value, str) else 1

    def stored_gb(self, construct: str) -> float:
        """The gigabytes that the pilot keeps in the store of a construct; how an audit trail grows, nobody knows."""
        return {"raw-data-store": self.spec.storage.raw_gb, "artifact-store": self.spec.storage.artifacts_gb}.get(construct, 0)


Reader = Callable[[Stack, Resource], Iterator[Use]]


@dataclass(frozen=True)
class Pool:
    """Machines of one kind, between `least` and `most` of them; `reserved` ones are paid for elsewhere."""

    what: str
    machines: tuple[str, ...]
    least: int
    most: int
    spot: bool = False
    reserved: bool = False
    disks: Mapping[str, float] | None = None

    def use(self, stack: Stack, resource: Resource) -> Iterator[Use]:
        """The hours of the machines and the disks that they have. A pool that starts from none runs for the training's hours."""
        construct = resource.construct
        burst = self.least == 0 and construct == "training-pool"
        low, high = float(self.least * HOURS), float(self.most * HOURS)
        if burst:
            low = high = stack.spec.training.hours
        kinds = tuple(f"instance:{machine}" for machine in self.machines)
        if not self.reserved:
            yield Use(
                part=construct,
                what=f"{self.what}{', spot' if self.spot else ''}",
                items=tuple(f"spot:{machine}" for machine in self.machines) if self.spot else kinds,
                on_demand=kinds if self.spot else (),
                unit="hour",
                low=low,
                high=high,
                per_gpu=burst,
                at_most=self.most * HOURS if burst else 0,
            )
        for item, size in (self.disks or {}).items():
            what = f"{item.removeprefix('disk:')} disks of pool {resource.name}"
            yield Use(part=construct, what=what, items=(item,), unit="GB-month", low=size * low / HOURS, high=size * high / HOURS)


def block(arguments: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    given = arguments.get(name) or [{}]
    first = given[0] if isinstance(given, list) else given
    return first if isinstance(first, Mapping) else {}
