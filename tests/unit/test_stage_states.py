"""What a stage is said to have come to."""

from pathlib import Path

import pytest

from sovplatform import config
from sovplatform.cli.main import main
from sovplatform.runreport import StageState
from sovplatform.stages.context import StageContext
from sovplatform.stages.records import Released, Served


@pytest.mark.parametrize(("waiting", "state"), [((), StageState.done), (("credit-default-de-v1",), StageState.waiting)])
def test_a_stage_that_people_have_to_decide_about_is_waiting(waiting: tuple[str, ...], state: StageState, tmp_path: Path) -> None:
    assert main(["init", "pilot", str(tmp_path / "demo"), "--example", "fintech"]) == 0
    context = StageContext(config.load(tmp_path / "demo"), tmp_path, tmp_path, {})
    released = Released(releases={}, fallbacks={}, waiting=waiting, summary="")
    served = Served(endpoints={}, waiting=waiting, summary="")
    context.stage("release", [], lambda: released, Released, keep=False)
    context.stage("serve", [released], lambda: served, Served, keep=False)
    assert [(report.stage, report.state) for report in context.reports] == [("release", state), ("serve", state)]
