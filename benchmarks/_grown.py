"""A real input document of the rules, grown by copies of its resources, with what refers to them and is noted of them."""

from __future__ import annotations

import json
import re
from typing import Any

Document = dict[str, Any]


def grown(given: Document, count: int, prefix: str = "") -> Document:
    """So many copies of the resources whose types begin with `prefix`, each set of copies referring to itself."""
    own = {kind: named for kind, named in given["resources"].items() if kind.startswith(prefix)}
    addresses = {f"{kind}.{name}" for kind, named in own.items() for name in named}
    if not addresses:
        raise SystemExit(f"no stack here has a {prefix}: mend this benchmark")
    notes = {fact: _of(told, addresses) for fact, told in given["notes"].items()}
    text = json.dumps([own, notes])
    longest = sorted(addresses, key=len, reverse=True)
    named_here = re.compile(rf"(?<![\w.-])({'|'.join(map(re.escape, longest))})(?![\w-])")
    made: Document = {"resources": {kind: {} for kind in own}, "notes": {fact: type(told)() for fact, told in notes.items()}}
    left, turn = count, 0
    while left > 0:
        turn += 1
        copies, told = json.loads(named_here.sub(rf"\1_{turn}", text))
        for kind, named in copies.items():
            some = {f"{name}_{turn}": one for name, one in list(named.items())[: max(left, 0)]}
            made["resources"][kind] |= some
            left -= len(some)
        for fact, found in told.items():
            _add(made["notes"], fact, found, turn)
    return {**given, **made}


def _of(told: Any, addresses: set[str]) -> Any:
    if isinstance(told, dict):
        return {thing: kept for thing, places in told.items() if (kept := [place for place in places if place in addresses])}
    return [one for one in told if f"{one['type']}.{one['name']}" in addresses]


def _add(notes: Document, fact: str, found: Any, turn: int) -> None:
    if isinstance(found, dict):
        for thing, places in found.items():
            notes[fact].setdefault(thing, []).extend(places)
    else:
        notes[fact] += [{**one, "name": f"{one['name']}_{turn}"} for one in found]
