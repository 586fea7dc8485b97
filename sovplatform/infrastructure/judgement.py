"""Judgement: what the rules say about one stack's plan, by the document of facts that is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from sovplatform.infrastructure.outcomes import Denial
from sovplatform.infrastructure.parts import parts
from sovplatform.policy.engine import PolicyEngine
from sovplatform.records import Record

PACKAGE = "sovplatform.infrastructure"
TIMEOUT_SECONDS = 60.0
WORKERS = 2
"""Parts of a large document that are judged at once: an interpreter leaves the other processor free."""


class Judgement(Record):
    """The verdict on one stack's plan, bound to its digest."""

    stack: str
    plan: str
    allow: bool
    denials: tuple[Denial, ...] = ()


def judging(rules: Sequence[Path] = ()) -> PolicyEngine:
    """The engine that judges plans, with a pilot's own rules beside the built-in ones."""
    return PolicyEngine(rules, timeout=TIMEOUT_SECONDS, packages=(PACKAGE,), workers=WORKERS)


def judge_document(given: Mapping[str, Any], stack_name: str, digest: str, engine: PolicyEngine) -> Judgement:
    """Ask the rules. What they cannot answer is a denial of the whole stack."""
    denials: dict[Denial, None] = {}
    allow = True
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="judging") as judges:
        verdicts = list(judges.map(partial(engine.evaluate, PACKAGE), parts(given)))
    for verdict in verdicts:
        allow = allow and verdict.allow
        for rule, message, address in verdict.denials:
            path = _construct(given, address)
            denials[Denial(rule=rule, address=address or stack_name, construct_path=path or stack_name, message=message)] = None
    found = sorted(denials, key=lambda one: (one.address, one.rule, one.message))
    return Judgement(stack=stack_name, plan=digest, allow=allow and not found, denials=tuple(found))


def _construct(given: Mapping[str, Any], address: str) -> str:
    kind, _, name = address.removeprefix("data.").partition(".")
    section = given["data" if address.startswith("data.") else "resources"]
    return str(section.get(kind, {}).get(name, {}).get("construct", ""))
