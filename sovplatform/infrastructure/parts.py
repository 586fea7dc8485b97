"""A large document in parts, each of which the rules judge as they would the whole.

The interpreter's time grows faster than its input, and so does what it may hold; a part is a document like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sovplatform.infrastructure.named import notes

CHUNK = 250
"""Resources that are judged at once."""


def parts(given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The document with some of its resources at a time, each with what is noted of it; all else is in every part.

    A statement is also noted where a resource refers to the thing that has it: a role is bounded by a policy in whichever part.
    """
    every = [(kind, name, one) for kind, named in given["resources"].items() for name, one in named.items()]
    if len(every) <= CHUNK:
        yield dict(given)
        return
    some: list[dict[str, dict[str, Any]]] = [{} for _ in range(0, len(every), CHUNK)]
    part_of: dict[str, int] = {}
    readers: dict[str, set[int]] = {}
    for place, (kind, name, one) in enumerate(every):
        part = place // CHUNK
        some[part].setdefault(kind, {})[name] = one
        part_of[f"{kind}.{name}"] = part
        for refs in one["refs"].values():
            for ref in refs:
                readers.setdefault(".".join(ref.split(".")[:2]), set()).add(part)
    noted = _noted(given.get("notes"), len(some), part_of, readers)
    for resources, told in zip(some, noted, strict=True):
        yield {**given, "resources": resources, "notes": told}


def _noted(told: Any, count: int, part_of: Mapping[str, int], readers: Mapping[str, set[int]]) -> list[Any]:
    """What is noted, for each part. What is noted of nothing in the document is in the first, so that nothing is lost."""
    if not isinstance(told, Mapping):
        return [told] * count
    noted = [notes({}) for _ in range(count)]
    for fact, found in told.items():
        if isinstance(found, Mapping):
            for thing, addresses in found.items():
                for address in addresses:
                    noted[part_of.get(address, 0)].setdefault(fact, {}).setdefault(thing, []).append(address)
        else:
            for one in found:
                address = f"{one['type']}.{one['name']}"
                own = {part_of.get(address, 0)}
                for part in own | readers.get(address, set()) if fact == "statements" else own:
                    noted[part].setdefault(fact, []).append(one)
    return noted
