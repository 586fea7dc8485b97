"""`sovctl synth`, `plan`, `apply` and `destroy`: the pilot's infrastructure as Terraform."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from sovplatform.cli.call import Call, pass_call
from sovplatform.cli.progress import Progress
from sovplatform.cli.table import seconds, table
from sovplatform.errors import EXIT_DENIED, EXIT_FAILED

if TYPE_CHECKING:
    from sovplatform.infrastructure.outcomes import ApplyReport, Denial, PlanReport
    from sovplatform.infrastructure.request import Synthesis


def choice(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose stacks."""
    command = click.option("--week", type=click.IntRange(1, 4), help="Only the stacks of this week.")(command)
    return click.option(
        "--region", metavar="R", help="Only the stacks of this region and all its sites, or of one: REGION-SITE."
    )(command)


@click.command()
@click.option(
    "--library",
    type=click.Choice(["cdktf", "cdktn"]),
    default="cdktf",
    show_default=True,
    help="The CDK for Terraform, or its maintained fork.",
)
@pass_call
def synth(call: Call, library: Any) -> None:
    """Write the pilot's infrastructure as Terraform, a stack for each region and week.

    The files are infra/STACK/cdk.tf.json. It asks no cloud and needs no credentials. What a provider leaves out is listed
    with the reason.
    """
    from sovplatform.infrastructure.synthesiser import Synthesiser

    with Synthesiser(library) as synthesiser, Progress() as progress:
        synthesis = call.platform(infrastructure=True).infrastructure.synth(synthesiser, progress=progress.doing)
    call.show(synthesis, lambda: _print_synthesis(synthesis))


@click.command()
@click.option("--offline", is_flag=True, help="Plan as of an empty cloud: no credentials, no registry, nothing to apply.")
@choice
@pass_call
def plan(call: Call, offline: bool, week: int | None, region: str | None) -> int:
    """Plan the infrastructure and judge the plan by policy; --offline asks no cloud.

    The rules are those of sovplatform and of the pilot's `policy/`; the exit code is 3 when they deny a plan. What was judged is
    written to infra/STACK/judged.json, for OPA or Conftest to judge again.
    """
    from sovplatform.infrastructure.operations import Choice

    platform = call.platform(infrastructure=True)
    chosen = Choice(week, region)
    with Progress() as progress:
        if offline:
            report = platform.infrastructure.plan_offline(chosen, progress.doing)
        else:
            with platform.locked("plan"):
                report = platform.infrastructure.plan(chosen, progress=progress.doing)
    call.show(report, lambda: _print_plan(report))
    return 0 if report.allow else EXIT_DENIED


@click.command()
@choice
@pass_call
def apply(call: Call, week: int | None, region: str | None) -> None:
    """Apply plans that were judged, and are unchanged since.

    `sovctl plan` makes them. An apply that breaks half-way is recorded; what it made is in the state, and the next plan goes on
    from there.
    """
    from sovplatform.infrastructure.operations import Choice

    platform = call.platform(infrastructure=True)
    with Progress() as progress, platform.locked("apply"):
        report = platform.infrastructure.apply(Choice(week, region), progress.doing)
    call.show(report, lambda: _print_applied(report))


@click.command()
@choice
@click.option("--yes", is_flag=True, help="Do it. Without this, it is planned and judged, and shown.")
@pass_call
def destroy(call: Call, week: int | None, region: str | None, yes: bool) -> int:
    """Plan and carry out the end of what was applied.

    The last week ends first. Stores that are locked stay until their time is over.
    """
    from sovplatform.infrastructure.operations import Choice

    platform = call.platform(infrastructure=True)
    chosen = Choice(week, region)
    with Progress() as progress, platform.locked("destroy"):
        planned = platform.infrastructure.plan(chosen, destroy=True, progress=progress.doing)
        ready = planned.allow and not all(stack.waiting for stack in planned.stacks)
        report = platform.infrastructure.apply(chosen, progress.doing, destroy=True) if yes and ready else None
    if report is not None:
        call.show(report, lambda: _print_applied(report))
        return 0
    call.show(planned, lambda: _print_plan(planned))
    if planned.allow and not call.json:
        click.echo("\nnothing was destroyed; do it with --yes" if ready and not yes else "\nnothing was destroyed")
    if planned.allow and not ready:
        return EXIT_FAILED
    return 0 if planned.allow else EXIT_DENIED


def _print_synthesis(synthesis: Synthesis) -> None:
    rows = [
        (stack.name, str(stack.week), str(stack.resources), ", ".join(_widest(stack.locations))) for stack in synthesis.stacks
    ]
    total = sum(stack.resources for stack in synthesis.stacks)
    table(
        f"{total} resources in {len(rows)} stacks, written to infra/", ("stack", "week", "resources", "where"), rows, right=(1, 2)
    )
    left = [(stack.name, item.title, item.reason) for stack in synthesis.stacks for item in stack.left_out]
    table("Left out", ("stack", "construct", "why"), left)


def _widest(locations: Sequence[str]) -> list[str]:
    """Without the zones of a region that is there itself."""
    return [one for one in locations if not any(one != other and one.startswith(other) for other in locations)]


def _print_plan(report: PlanReport) -> None:
    rows = [
        (
            stack.stack,
            "waiting" if stack.waiting else "allowed" if stack.allow else "DENIED",
            "; ".join(filter(None, (stack.waiting or str(stack.changes), stack.note))),
        )
        for stack in report.stacks
    ]
    table("Plan, as of an empty cloud" if report.offline else "Plan", ("stack", "verdict", "changes"), rows)
    for stack in report.stacks:
        denied = [(denial.rule, _told(denial)) for denial in stack.denials]
        table(f"Denied: {stack.stack}", ("rule", "what is wrong, and the construct it comes from"), denied)
    judged = [stack for stack in report.stacks if not stack.waiting]
    count = sum(not stack.allow for stack in judged)
    if judged:
        verdict = f"{count} of {len(judged)} plans are denied" if count else f"all plans are allowed: {len(judged)}"
        click.echo(f"\n{verdict}; what the rules saw is in infra/STACK/judged.json")


def _told(denial: Denial) -> str:
    """The resource, what is wrong with it, and its construct, where that is not the same."""
    where = f" ({denial.construct_path})" if denial.construct_path not in ("", denial.address) else ""
    return f"{denial.address}: {denial.message}{where}"


def _print_applied(report: ApplyReport) -> None:
    rows = [(stack.stack, seconds(stack.seconds), stack.state) for stack in report.stacks]
    table("Applied", ("stack", "time", "state"), rows, right=(1,))
