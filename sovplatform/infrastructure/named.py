"""What the texts of a resource name: places of the clouds, accounts, projects, and regions under other laws."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sovplatform.records import Record

_CODE = re.compile(
    r"(?<![A-Za-z0-9])((?:us-gov|us-isob?|eusc-[a-z]{2}|[a-z]{2})-(?:north|south|east|west|central)(?:east|west)?-\d"
    r"|(?:africa|asia|australia|europe|me|northamerica|southamerica|us)-(?:north|south|east|west|central)(?:east|west)?\d{1,2})"
    r"(?![0-9])"
)
_ARN = re.compile(r"arn:([a-z0-9-]*|\$\{[^}]*\}):([a-z0-9*-]*):([a-z0-9*-]*|\$\{[^}]*\}):([0-9]*|aws|\*|\$\{[^}]*\}):")
_PROJECT = re.compile(r"(?<![A-Za-z])projects/([a-z][a-z0-9-]{1,62})(?![a-z0-9-]|:google_)")
_NAMED = ("regions", "mentions", "projects", "strangers", "accounts", "partitions", "owners")
_OWNERS = ("project", "project_id", "fleet.project", "network_project")
"""Where a thing of Google Cloud says whose it is."""


def notes(resources: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What is named anywhere in the resources, and by which: few things, looked at once, not in each of a thousand resources."""
    named: dict[str, dict[str, list[str]]] = {fact: {} for fact in _NAMED}
    listed: dict[str, list[dict[str, Any]]] = {kind: [] for kind in ("opaque", "secrets", "ignores", "statements")}
    for kind, of_kind in resources.items():
        for name, one in of_kind.items():
            address = f"{kind}.{name}"
            found = {fact: one.get(fact, ()) for fact in ("mentions", "projects", "strangers")}
            told = one.get("arns", ())
            found |= {"accounts": [arn["account"] for arn in told], "partitions": [arn["partition"] for arn in told]}
            found["regions"] = one["values"].get("region", ())
            if kind.startswith("google_"):
                found["owners"] = [owner for path in _OWNERS for owner in one["values"].get(path, ())]
            for fact, things in found.items():
                for it in dict.fromkeys(things):
                    named[fact].setdefault(it, []).append(address)
            for fact in ("opaque", "secrets", "ignores"):
                listed[fact] += [{"type": kind, "name": name, "path": path} for path in one.get(fact, ())]
            listed["statements"] += [
                {"type": kind, "name": name, "path": path, "statement": statement}
                for path, statements_of in one.get("documents", {}).items()
                for statement in statements_of
            ]
    return {**named, **listed}


class Names(Record):
    """How things of this region, and of regions under other laws, are called."""

    pilot: str
    own: str
    strangers: tuple[str, ...]

    def mentioned(self, texts: Sequence[str]) -> list[str]:
        """The other regions whose things are named in the texts."""
        own = f"{self.pilot}-{self.own}"
        found: set[str] = set()
        for text in texts:
            for name in self.strangers:
                named = re.finditer(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", text)
                if any(not text.startswith(own, match.start()) for match in named):  # `pilot-de` begins `pilot-de-2`, too
                    found.add(name)
        return sorted(found)


def arns(texts: Sequence[str]) -> list[dict[str, str]]:
    """The partitions, services, regions and accounts of all ARNs; empty where Terraform is yet to say them."""
    found = {match.groups() for text in texts for match in _ARN.finditer(text)}
    return [
        {"partition": _plain(partition), "service": service, "region": _plain(region), "account": _plain(account)}
        for partition, service, region, account in sorted(found)
        if (service, region, account) != ("*", "*", "*")  # names nobody's things; as a resource it is judged as `*`
    ]


def _plain(part: str) -> str:
    return "" if "${" in part else part


def codes(texts: Sequence[str]) -> list[str]:
    """The locations of clouds that are named, without their zones."""
    return sorted({code for text in texts for code in _CODE.findall(text)})


def projects(texts: Sequence[str]) -> list[str]:
    """The projects of Google Cloud that are named."""
    return sorted({name for text in texts for name in _PROJECT.findall(text)})
