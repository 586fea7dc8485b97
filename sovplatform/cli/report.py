"""A RunReport as tables in 80 columns: what the newcomer sees when a run ends."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from sovplatform.cli.table import milliseconds, seconds, size, table
from sovplatform.records import RegionStatus
from sovplatform.runreport import CrossingReport, LedgerReport, RunReport, StageReport, WeekReport

_SHOWN = 3


def print_report(report: RunReport, directory: Path = Path()) -> None:
    """All of it; sections without content are left out. `directory` is the pilot's, for the commands that are shown."""
    click.secho(f"\nPilot {report.pilot} ({report.pattern}){f', {report.run}' if report.run else ''}: {report.state}", bold=True)
    _print_stages(report.stages)
    print_regions(report.regions, brief=bool(report.stages))
    _print_crossings(report)
    _print_refusals(report)
    _print_quality(report)
    _print_privacy(report)
    _print_serving(report)
    print_ledgers(report.ledger)
    _print_weeks(report.infrastructure)
    _print_waiting(report.waiting, directory)
    if report.state == "never run":
        _print_beginning(directory)


def _print_beginning(directory: Path) -> None:
    """What to type for a pilot of which there is nothing to tell yet."""
    click.secho("\nIt was never run: check it, then run it", bold=True)
    click.echo(f"{_sovctl(directory)} doctor")
    click.echo(f"{_sovctl(directory)} run")


def _print_waiting(releases: Sequence[str], directory: Path) -> None:
    """What people have to type now. The key of the demonstration's approver is offered where there is one."""
    if not releases:
        return
    sovctl = _sovctl(directory)
    demonstration = directory / ".sov" / "people" / "approver"
    key = shlex.quote(str(demonstration)) if demonstration.exists() else "~/.ssh/id_ed25519"
    click.secho("\nWaiting for approval, by somebody other than the proposer", bold=True)
    click.echo(f"KEY={key}")
    for release in releases:
        click.echo(f"{sovctl} release approve {release} --key $KEY")
    click.echo(f"{sovctl} run")


def _sovctl(directory: Path) -> str:
    return "sovctl" if directory == Path() else f"sovctl -C {shlex.quote(str(directory))}"


def print_regions(regions: Sequence[RegionStatus], *, brief: bool = False) -> None:
    """Which regions are up. `brief` shows only those with a problem."""
    rows = [
        (region.region, "up" if region.up else "down", "; ".join(region.problems) or ", ".join(sorted(region.endpoints)))
        for region in regions
        if region.problems or not brief
    ]
    table("Regions", ("region", "state", "problems" if brief else "services"), rows)


def print_ledgers(ledgers: Sequence[LedgerReport]) -> None:
    rows = [
        (ledger.region, str(ledger.size), ledger.root[:16], "verified" if ledger.verified else f"NOT VERIFIED: {ledger.problem}")
        for ledger in ledgers
    ]
    table("Ledger", ("region", "entries", "root", "result"), rows, right=(1,))


def _print_weeks(weeks: Sequence[WeekReport]) -> None:
    rows = [
        (str(week.week), f"{len(week.applied)} of {len(week.applied) + len(week.left)}", _left(week.left) or "nothing")
        for week in weeks
    ]
    table("Infrastructure", ("week", "applied", "what is left"), rows, right=(0, 1))


def _left(stacks: Mapping[str, str]) -> str:
    """The first few stacks, by what became of them."""
    by_state: dict[str, list[str]] = {}
    for stack, state in stacks.items():
        by_state.setdefault(state, []).append(stack)
    return "; ".join(
        f"{state}: {', '.join(named[:_SHOWN])}{f' and {len(named) - _SHOWN} more' if len(named) > _SHOWN else ''}"
        for state, named in by_state.items()
    )


def _print_stages(stages: Sequence[StageReport]) -> None:
    if not stages:
        return
    last = {stage.stage: stage for stage in stages}  # a stage that went on after an approval is there twice: its times add up
    times = {name: sum(stage.seconds for stage in stages if stage.stage == name) for name in last}
    done = {stage.stage for stage in stages if stage.state == "done"}
    rows = [
        (name, seconds(times[name]), "done" if name in done and stage.state == "reused" else str(stage.state), stage.detail)
        for name, stage in last.items()
    ]
    rows.append(("all", seconds(sum(stage.seconds for stage in stages)), "", ""))
    table("Stages", ("stage", "time", "state", "what came of it"), rows, right=(1,))


def _print_crossings(report: RunReport) -> None:
    crossings = sorted(report.crossings, key=lambda crossing: (crossing.source, crossing.destination, crossing.kind))
    rows = [(f"{one.source} → {one.destination}", one.kind, str(one.count), size(one.bytes)) for one in crossings]
    for source in sorted({one.source for one in crossings}):
        rows.append(_total(source, [one for one in crossings if one.source == source]))
    table("What crossed a border", ("from → to", "kind", "times", "bytes"), rows, right=(2, 3))


def _total(source: str, crossings: Sequence[CrossingReport]) -> tuple[str, str, str, str]:
    return f"{source} in all", "", str(sum(one.count for one in crossings)), size(sum(one.bytes for one in crossings))


def _print_refusals(report: RunReport) -> None:
    rows = [(f"{one.source} → {one.destination}", one.kind, str(one.count), one.reason) for one in report.refusals]
    table("What was refused", ("from → to", "kind", "times", "why"), rows, right=(2,))
    if report.crossings and not rows:
        click.secho("\nWhat was refused", bold=True)
        click.echo("nothing")


def _print_quality(report: RunReport) -> None:
    rows = [(quality.model, f"{quality.auc:.3f}", quality.where) for quality in report.quality]
    table("Quality (area under the ROC curve)", ("model", "AUC", "measured"), rows, right=(1,))


def _print_privacy(report: RunReport) -> None:
    rows = [(spent.dataset, f"{spent.epsilon:.2f}", f"{spent.limit:.2f}", f"{spent.delta:g}") for spent in report.epsilon]
    table("Privacy spent", ("dataset", "ε", "budget", "δ"), rows, right=(1, 2, 3))


def _print_serving(report: RunReport) -> None:
    rows = []
    for one in report.serving:
        served = one.endpoint.stable or "nothing"
        canary = f", canary {one.endpoint.canary} at {one.endpoint.percent} %" if one.endpoint.canary else ""
        refused = f", refused: {one.endpoint.refused}" if one.endpoint.refused else ""
        rows.append((one.region, milliseconds(one.p50_ms), milliseconds(one.p99_ms), str(one.errors), served + canary + refused))
    table("Serving", ("region", "p50", "p99", "errors", "serves"), rows, right=(1, 2, 3))
