"""Standing: how far each week of the infrastructure has come, as the operator's journal tells it."""

from __future__ import annotations

from sovplatform.infrastructure.journal import Journal
from sovplatform.infrastructure.request import Synthesis
from sovplatform.ledger import Entry
from sovplatform.runreport import WeekReport

_BECAME = {
    "apply.done": "applied",
    "apply.broke": "applied in part",
    "destroy.done": "destroyed",
    "destroy.broke": "destroyed in part",
}


def weeks(synthesis: Synthesis, journal: Journal) -> tuple[WeekReport, ...]:
    """The weeks in their order. A stack whose apply or destroy began and did not end is `broken off`."""
    last = journal.last()
    by_week: dict[int, dict[str, str]] = {}
    for stack in synthesis.stacks:
        by_week.setdefault(stack.week, {})[stack.name] = _became(last.get(stack.name))
    return tuple(
        WeekReport(
            week=week,
            applied=tuple(name for name, state in stacks.items() if state == "applied"),
            left={name: state for name, state in stacks.items() if state != "applied"},
        )
        for week, stacks in sorted(by_week.items())
    )


def _became(last: Entry | None) -> str:
    if last is None:
        return "not applied"
    return _BECAME.get(last.event.removeprefix("infrastructure."), "broken off")
