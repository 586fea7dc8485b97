"""`sovctl run`: the whole way from data to a served, audited model."""

from __future__ import annotations

from pathlib import Path

import click

from sovplatform.cli.call import Call, pass_call
from sovplatform.cli.progress import Progress

STAGES = ("plan", "provision", "prepare", "train", "sign", "release", "serve", "observe")


@click.command()
@click.option("--until", type=click.Choice(STAGES), help="Stop after this stage.")
@click.option(
    "--approve-with",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="KEY",
    help="Approve the releases of this run with this SSH key of a listed approver, instead of waiting for people. "
    "For demonstrations and tests.",
)
@pass_call
def run(call: Call, until: str | None, approve_with: Path | None) -> None:
    """Run the pilot, from its data to a served, audited model.

    Running again goes on where the last run stopped, even when it was killed; what is done is not done again. When a release
    needs somebody's approval, the run stops there and says so: approve it, then run again.
    """
    from sovplatform.cli.report import print_report

    with Progress() as progress:
        report = call.platform().run(until=until, approve_with=approve_with, progress=progress)
    call.show(report, lambda: print_report(report, call.directory))
