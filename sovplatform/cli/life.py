"""A pilot's life: check, start, stop, look."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from sovplatform.cli.call import Call, pass_call
from sovplatform.cli.progress import Progress
from sovplatform.errors import EXIT_FAILED, EXIT_USAGE, ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sovplatform.records import Finding


@click.command()
@pass_call
def doctor(call: Call) -> int:
    """Check everything a pilot needs, and say what to do about what is wrong.

    It starts and changes nothing. The exit code is 1 when something is wrong; it is 2 for a wrong pilot.yaml, of which all
    that is wrong is told, a line each. Where data and people alone are to be filled in, it goes on to what a plan needs.
    """
    try:
        platform = call.platform()
    except ConfigError as err:
        if call.json or len(err.problems) < 2:
            raise
        for problem in err.problems:
            click.echo(f"{click.style('wrong', fg='red')}  {problem}", err=True)
        with suppress(ConfigError):
            print_findings(call.platform(infrastructure=True).doctor())
        return EXIT_USAGE
    findings = platform.doctor()
    call.show(findings, lambda: print_findings(findings))
    return 0 if all(finding.ok for finding in findings) else EXIT_FAILED


@click.command()
@pass_call
def up(call: Call) -> None:
    """Start the regions and have them trust each other. Doing so twice is no error."""
    from sovplatform.cli.report import print_regions

    with Progress() as progress:
        report = call.platform().up(progress)
    call.show(report, lambda: print_regions(report.regions))


@click.command()
@pass_call
def down(call: Call) -> None:
    """Stop the regions. What they hold stays; `sovctl up` goes on from there."""
    with Progress() as progress:
        call.platform(infrastructure=True).down(progress)
    if call.json:
        call.show_json({"stopped": True})
    else:
        click.echo("all regions are stopped")


@click.command()
@pass_call
def status(call: Call) -> None:
    """Show what is running, what crossed a border, what was refused, and what is served."""
    from sovplatform.cli.report import print_report

    report = call.platform(infrastructure=True).status()
    call.show(report, lambda: print_report(report, call.directory))


def print_findings(findings: Sequence[Finding]) -> None:
    """One line for each finding, and the remedy of what is wrong."""
    for finding in findings:
        mark = click.style("ok   ", fg="green") if finding.ok else click.style("wrong", fg="red")
        click.echo(f"{mark}  {finding.check}{': ' if finding.detail else ''}{finding.detail}")
        if not finding.ok and finding.remedy:
            click.echo(f"       remedy: {finding.remedy}")
