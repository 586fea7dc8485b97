"""The report of a run: what the stages came to, what the ledgers tell, and the copy that `status` goes on from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sovplatform.errors import SovError
from sovplatform.patterns.outcome import Outcome
from sovplatform.private import write_atomically
from sovplatform.runreport import LedgerReport, RunReport, StageReport, StageState
from sovplatform.stages.context import StageContext
from sovplatform.stages.plan import run_id
from sovplatform.summary import Summary

REPORT = "report.json"


def of_run(context: StageContext, outcome: Outcome, *, whole: bool) -> RunReport:
    """What the stages came to; `whole` when none was left out. How regions and ledgers are is for the caller to add."""
    waiting = outcome.released.waiting if outcome.released else ()
    return RunReport(
        pilot=context.pilot.name,
        pattern=context.pilot.pattern,
        run=outcome.plan.run if outcome.plan else run_id(context.pilot),
        state="waiting" if waiting else ("complete" if whole else "partial"),
        waiting=waiting,
        stages=_merged(context.reports),
        quality=outcome.health.quality if outcome.health else (),
        serving=outcome.health.serving if outcome.health else (),
    )


def from_ledgers(summary: Summary, verify: Callable[[], Sequence[LedgerReport]]) -> dict[str, object]:
    """The fields of a RunReport that are read from ledgers. Never raises."""
    found: dict[str, object] = {}
    collect: dict[str, Callable[[], object]] = {
        "crossings": summary.crossings,
        "refusals": summary.refusals,
        "epsilon": summary.spent,
        "ledger": verify,
    }
    for name, read in collect.items():
        try:
            found[name] = read()
        except SovError:
            found[name] = ()  # a ledger that cannot be read is told by its verification, not by a failing status
    return found


def keep(state: Path, report: RunReport) -> None:
    """A run that stopped early, such as `up`, does not hide what the same run came to before."""
    before = kept(state)
    if before is None or before.run != report.run or len(before.stages) <= len(report.stages):
        write_atomically(state / REPORT, report.canonical())


def kept(state: Path) -> RunReport | None:
    """The report that was kept, or None: without one, or with one that another version wrote."""
    try:
        return RunReport.from_json((state / REPORT).read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _merged(reports: Sequence[StageReport]) -> tuple[StageReport, ...]:
    """One line per stage: a run that approves for itself goes through the stages twice."""
    merged: dict[str, StageReport] = {}
    for report in reports:
        before = merged.pop(report.stage, None)
        if before is not None:
            state = before.state if report.state is StageState.reused else report.state
            merged[report.stage] = report.model_copy(update={"seconds": before.seconds + report.seconds, "state": state})
        else:
            merged[report.stage] = report
    order = list(dict.fromkeys(report.stage for report in reports))
    return tuple(merged[name] for name in order)
