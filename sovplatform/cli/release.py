"""`sovctl release`: the desired state in git, and the people who decide about it."""

from __future__ import annotations

from pathlib import Path

import click

from sovplatform.cli.call import Call, pass_call
from sovplatform.cli.table import table


@click.group()
def release() -> None:
    """List, approve, promote and roll back releases."""


@release.command("list")
@pass_call
def list_(call: Call) -> None:
    """List releases: what was proposed, who approved, and what each region serves."""
    releases = call.platform().releases()
    rows = [(view.id, view.region, str(view.version), view.state, ", ".join(view.approvals)) for view in releases]
    call.show(releases, lambda: table("", ("release", "region", "version", "state", "approved by"), rows, right=(2,)))
    if not releases and not call.json:
        click.echo("there are no releases yet; `sovctl run` proposes one")


@release.command()
@click.argument("release_id", metavar="RELEASE")
@click.option("--key", "key_file", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Your SSH private key.")
@click.option("--as", "approver", metavar="NAME", required=True, help="Your name, as pilot.yaml lists it under approvers.")
@pass_call
def approve(call: Call, release_id: str, key_file: Path, approver: str) -> None:
    """Approve RELEASE with your SSH key. Nobody approves a release of their own."""
    call.platform().approve(release_id, key_file, approver)
    _done(call, f"{approver} approved {release_id}; go on with: sovctl run", release=release_id, approver=approver)


@release.command()
@click.argument("release_id", metavar="RELEASE")
@pass_call
def promote(call: Call, release_id: str) -> None:
    """Make RELEASE the stable one of its region, without waiting for its canary's requests."""
    call.platform().promote(release_id)
    _done(call, f"{release_id} is the stable release", release=release_id)


@release.command()
@click.argument("region")
@pass_call
def rollback(call: Call, region: str) -> None:
    """Go back to the release that REGION served before."""
    call.platform().rollback(region)
    _done(call, f"{region} is rolled back; see: sovctl release list", region=region)


def _done(call: Call, text: str, **facts: str) -> None:
    if call.json:
        call.show_json(facts)
    else:
        click.echo(text)
