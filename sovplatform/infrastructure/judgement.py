"""Judgement: what the rules say about one stack's plan, by the document of facts that is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sovplatform.infrastructure.named import notes
from sovplatform.infrastructure.outcomes import Denial
from sovplatform.policy.engine import PolicyEngine
from sovplatform.records import Record

PACKAGE = "sovplatform.infrastructure"
TIMEOUT_SECONDS = 60.0
CHUNK = 400
"""Resources that are judged at once: the interpreter's time grows faster than its input."""


class Judgement(Record):
    """The verdict on one stack's plan, bound to its digest."""

    stack: str
    plan: str
    allow: bool
    denials: tuple[Denial, ...] = ()


def judging(rules: Sequence[Path] = ()) -> PolicyEngine:
    """The engine that judges plans, with a pilot's own rules beside the built-in ones."""
    return PolicyEngine(rules, timeout=TIMEOUT_SECONDS, packages=(PACKAGE,))


def judge_document(given: Mapping[str, Any], stack_name: str, digest: str, engine: PolicyEngine) -> Judgement:
    """Ask the rules. What they cannot answer is a denial of the whole stack."""
    denials: dict[Denial, None] = {}
    allow = True
    for part in _parts(given):
        verdict = engine.evaluate(PACKAGE, part)
        allow = allow and verdict.allow
        for rule, message, address in verdict.denials:
            path = _construct(given, address)
            denials[Denial(rule=rule, address=address or stack_name, construct_path=path or stack_name, message=message)] = None
    found = sorted(denials, key=lambda one: (one.address, one.rule, one.message))
    return Judgement(stack=stack_name, plan=digest, allow=allow and not found, denials=tuple(found))


def _parts(given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The document with some of its resources at a time; each resource brings all that its rules ask for."""
    every = [(kind, name, one) for kind, named in given["resources"].items() for name, one in named.items()]
    for start in range(0, max(len(every), 1), CHUNK):
        some: dict[str, dict[str, Any]] = {}
        for kind, name, one in every[start : start + CHUNK]:
            some.setdefault(kind, {})[name] = one
        yield {**given, "resources": some, "notes": given.get("notes") if start == 0 else notes({})}


def _construct(given: Mapping[str, Any], address: str) -> str:
    kind, _, name = address.removeprefix("data.").partition(".")
    section = given["data" if address.startswith("data.") else "resources"]
    return str(section.get(kind, {}).get(name, {}).get("construct", ""))
