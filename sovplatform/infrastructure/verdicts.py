"""Verdicts: a stack's plan, judged by the rules of sovplatform and of the pilot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sovplatform.infrastructure.document import document
from sovplatform.infrastructure.judgement import judge_document, judging
from sovplatform.infrastructure.outcomes import Changes, Denial, StackPlan
from sovplatform.infrastructure.request import SynthStack
from sovplatform.pilot import Pilot
from sovplatform.policy.engine import RULES
from sovplatform.policy.program import rule_files
from sovplatform.records import canonical, digest_of

JUDGED = "judged.json"


class Judge:
    """Judges the plans of one call. `cost` is what a month of the whole pilot may come to, against its budget."""

    def __init__(self, pilot: Pilot, out: Path, rules: Sequence[Path], cost: Mapping[str, float] | None = None) -> None:
        self._pilot = pilot
        self._out = out
        self._engine = judging(rules)
        self._cost = cost

    def judge(
        self, stack: SynthStack, body: Mapping[str, Any], plan: Mapping[str, Any], digest: str, *, destroy: bool = False
    ) -> StackPlan:
        """The verdict on a plan. What the rules saw is written beside the stack, for OPA or Conftest to judge again."""
        given = document(plan, stack, body, self._pilot, destroy=destroy, cost=None if destroy else self._cost)
        (self._out / stack.name / JUDGED).write_text(json.dumps(given, indent=1, sort_keys=True) + "\n")
        judgement = judge_document(given, stack.name, digest, self._engine)
        denials = tuple(
            Denial(rule=item.rule, address=item.address, construct_path=item.construct_path, message=item.message)
            for item in judgement.denials
        )
        return described(stack, changes=_changes(plan), allow=judgement.allow, denials=denials, plan_digest=digest)


def basis(pilot: Pilot, rules: Sequence[Path]) -> dict[str, str]:
    """What a verdict rests on besides the plan, by the names that people know, as digests."""
    files = [[(path.relative_to(home).as_posix(), path.read_text()) for path in rule_files(home)] for home in (RULES, *rules)]
    return {"pilot.yaml": pilot.digest, "policy": digest_of(canonical(files))}


def described(stack: SynthStack, **known: Any) -> StackPlan:
    """The plan of a stack, as far as it is known."""
    return StackPlan(stack=stack.name, region=stack.region.name, week=stack.week, left_out=stack.left_out, **known)


def _changes(plan: Mapping[str, Any]) -> Changes:
    count = dict.fromkeys(Changes.model_fields, 0)
    for item in plan.get("resource_changes", ()):
        actions = item["change"]["actions"]
        what = "replace" if len(actions) > 1 else actions[0]
        if what in count:
            count[what] += 1
    return Changes(**count)
