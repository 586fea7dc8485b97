"""What clouds' forms have in common: a table of who makes which construct, names within limits, and what comes over wires."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import JsonValue

from sovplatform.constructs import Construct
from sovplatform.errors import Unsupported

Maker = TypeVar("Maker")


def maker(table: Mapping[type[Construct], Maker], construct: Construct, *, otherwise: str) -> Maker:
    """What makes a construct of this type.

    Raises:
        Unsupported: nothing does; the reason is `otherwise`.
    """
    found = table.get(type(construct))
    if found is None:
        raise Unsupported(construct.title, reason=otherwise)
    return found


def reaches_cluster(used: Sequence[str]) -> bool:
    """Whether a stack has resources inside a Kubernetes cluster."""
    return not {"kubernetes", "helm"}.isdisjoint(used)


def shortened(name: str, limit: int) -> str:
    """The name, or if it is too long its beginning and a digest."""
    if len(name) <= limit:
        return name
    return f"{name[: limit - 9].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def first(wire: JsonValue) -> JsonValue:
    """The first of a list that came over a wire: as it is, or as an expression of one."""
    if isinstance(wire, str):
        return f"{wire.removesuffix('}')}[0]}}"
    return wire[0] if isinstance(wire, Sequence) else wire
