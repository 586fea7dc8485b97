"""How far each week has come, by the journal alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from sovplatform.infrastructure.journal import Journal
from sovplatform.infrastructure.request import Synthesis, SynthStack
from sovplatform.infrastructure.standing import weeks
from sovplatform.records import RegionSpec

DE = RegionSpec(name="de", provider="onprem", jurisdiction="DE", role="sovereign")


def stack(week: int) -> SynthStack:
    return SynthStack(
        name=f"de-week{week}", region=DE, week=week, resources=1, locations=("here",), terraform="1.9", opentofu="1.8"
    )


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((), "not applied"),
        (("judged",), "not applied"),
        (("judged", "apply.began"), "broken off"),
        (("apply.began", "apply.broke"), "applied in part"),
        (("apply.began", "apply.done", "judged", "refused"), "applied"),
        (("apply.began", "apply.done", "destroy.began"), "broken off"),
        (("apply.began", "apply.done", "destroy.began", "destroy.broke"), "destroyed in part"),
        (("apply.began", "apply.done", "destroy.began", "destroy.done"), "destroyed"),
    ],
)
def test_a_stack_is_what_last_happened_to_it(events: tuple[str, ...], state: str, tmp_path: Path) -> None:
    journal = Journal(tmp_path, "demo")
    for event in events:
        journal.record(f"infrastructure.{event}", "de-week1", {})
    journal.record("infrastructure.apply.done", "de-week2", {})
    first, second = weeks(Synthesis(pilot="demo", stacks=(stack(2), stack(1))), journal)
    assert (first.week, first.applied, dict(first.left)) == (
        (1, ("de-week1",), {}) if state == "applied" else (1, (), {"de-week1": state})
    )
    assert (second.week, second.applied, dict(second.left)) == (2, ("de-week2",), {})
