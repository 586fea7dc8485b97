"""`sovctl release`: the desired state in git, and the people who decide about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sovplatform.cli.call import Call, pass_call
from sovplatform.cli.table import table

if TYPE_CHECKING:
    from sovplatform.platform import ReleaseView


@click.group()
def release() -> None:
    """List, approve, promote and roll back releases."""


@release.command("list")
@pass_call
def list_(call: Call) -> None:
    """List releases: what was proposed, who approved, and what each region serves."""
    releases = call.platform(infrastructure=True).releases()
    call.show(releases, lambda: _print_releases(releases))


@release.command()
@click.argument("release_id", metavar="RELEASE")
@click.option("--key", "key_file", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Your SSH private key.")
@pass_call
def approve(call: Call, release_id: str, key_file: Path) -> None:
    """Approve RELEASE with your SSH key, which tells who you are. Nobody approves a release of their own."""
    view = call.platform().approve(release_id, key_file)
    still = f"; still missing: {'; '.join(view.missing)}" if view.missing else "; go on with: sovctl run"
    call.show(view, lambda: click.echo(f"{release_id} is approved by {', '.join(view.approvers)}{still}"))


@release.command()
@click.argument("release_id", metavar="RELEASE")
@pass_call
def promote(call: Call, release_id: str) -> None:
    """Make RELEASE the stable one of its region, without waiting for its canary's requests."""
    endpoint = call.platform().promote(release_id)
    call.show(endpoint, lambda: click.echo(f"{release_id} is the stable release of endpoint {endpoint.name}"))


@release.command()
@click.argument("region")
@pass_call
def rollback(call: Call, region: str) -> None:
    """Withdraw the canary of REGION or, without one, go back to the release before."""
    endpoint = call.platform().rollback(region)
    call.show(endpoint, lambda: click.echo(f"{region} serves {endpoint.stable or 'nothing'}"))


def _print_releases(releases: Sequence[ReleaseView]) -> None:
    if not releases:
        click.echo("there are no releases yet; `sovctl run` proposes them")
    rows = []
    for view in releases:
        word = ", ".join(view.approvers) or "nobody"
        missing = f"; {'; '.join(view.missing)}" if view.missing else ""
        rows.append((view.release.id, view.release.region, str(view.release.version), view.state, word + missing))
    table("", ("release", "region", "version", "state", "approved by"), rows, right=(2,))
