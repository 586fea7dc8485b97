"""Which instance types AWS has, and in which regions: `instances.json`, made by `table`.

Source: EC2's DescribeInstanceTypeOfferings by region, as shipped with moto 5.2.5, read 2026-11-24; a test holds the two equal. It
does not have the regions of aws-eusc, aws-cn and aws-us-gov: there, only what no region has is refused. Nor has it what is newer:
a family of a generation that it has not is not refused.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from sovplatform.errors import Problem, SettingError

_GENERATION = re.compile(r"([a-z]+)(\d+)")


def require_instance(region: str, location: str, instance: str, setting: tuple[str | int, ...]) -> None:
    """Raises SettingError when there is no such instance type, or when the location does not have it."""
    offered = offerings()
    there = offered.get(instance)
    wanted = f"list what there is: aws ec2 describe-instance-type-offerings --region {location}"
    if there is None:
        if _is_newer(instance):
            return
        near = difflib.get_close_matches(instance, offered, n=1, cutoff=0.6)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise _refused(region, setting, f"AWS has no instance type '{instance}'", hint + wanted)
    tabled = {place for places in offered.values() for place in places}
    if location in tabled and location not in there:
        raise _refused(region, setting, f"{location} is not known to have the instance type {instance}", wanted)


def _refused(region: str, setting: tuple[str | int, ...], message: str, remedy: str) -> SettingError:
    return SettingError(region, [Problem(setting, message, f"name another as `{setting[0]}` under settings; {remedy}")])


def _is_newer(instance: str) -> bool:
    found = _GENERATION.match(instance)
    if found is None:
        return False
    known = [int(it[2]) for it in map(_GENERATION.match, offerings()) if it is not None and it[1] == found[1]]
    return bool(known) and int(found[2]) > max(known)


@cache
def offerings() -> Mapping[str, frozenset[str]]:
    """By instance type, the regions that have it."""
    told: dict[str, Any] = json.loads((files("sov_aws") / "instances.json").read_text())
    every = frozenset(told["regions"])
    return {
        f"{family}.{size}": every - set(lacking.split())
        for family, groups in told["families"].items()
        for sizes, lacking in groups.items()
        for size in sizes.split()
    }


def table(offered: Mapping[str, frozenset[str]]) -> str:
    """The text of `instances.json`: by family, sizes that the same regions lack."""
    every = frozenset(place for places in offered.values() for place in places)
    families: dict[str, dict[str, list[str]]] = {}
    for instance, places in sorted(offered.items()):
        family, size = instance.split(".", 1)
        families.setdefault(family, {}).setdefault(" ".join(sorted(every - places)), []).append(size)
    told = {name: {" ".join(sizes): lacking for lacking, sizes in groups.items()} for name, groups in families.items()}
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(groups)}" for name, groups in told.items())
    return f'{{\n "regions": {json.dumps(sorted(every))},\n "families": {{\n{rows}\n }}\n}}\n'
