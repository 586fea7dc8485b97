"""`sovctl init`: make something new."""

from __future__ import annotations

from pathlib import Path

import click

from sovplatform.cli.call import Call, pass_call

SOVEREIGN = ("onprem:DE", "onprem:FR", "onprem:CH")
FABRIC = "onprem:US"


@click.group()
def init() -> None:
    """Make a new pilot."""


@init.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--pattern", type=click.Choice(["sigt"]), default="sigt", show_default=True, help="How data and models move.")
@click.option("--example", type=click.Choice(["fintech"]), help="With data, a task and demonstration keys: ready to run.")
@click.option(
    "--sovereign",
    multiple=True,
    default=SOVEREIGN,
    metavar="PROVIDER:JURISDICTION",
    help=f"A region that holds raw data, or with `edge` only serves; repeat it. By default {', '.join(SOVEREIGN)}.",
)
@click.option(
    "--global", "fabric", default=FABRIC, show_default=True, metavar="PROVIDER:JURISDICTION", help="The region that trains."
)
@click.option("--name", help="The pilot's name; by default that of the directory.")
@click.option(
    "--force",
    is_flag=True,
    help="Replace the files of an existing directory; keys, data, ledgers and releases stay, and a copy of pilot.yaml.",
)
@pass_call
def pilot(
    call: Call,
    *,
    directory: Path,
    pattern: str,
    example: str | None,
    sovereign: tuple[str, ...],
    fabric: str,
    name: str | None,
    force: bool,
) -> None:
    """Make a new pilot in DIR: its configuration, policy, model code, releases and a plan of 30 days.

    Without --example, `pilot.yaml` says what is to be filled in, and `sovctl doctor` names the lines.
    """
    from sovplatform.scaffold import Blueprint, Place, make_pilot

    blueprint = Blueprint(
        name=name or directory.absolute().name,
        sovereign=tuple(Place.parse(text) for text in sovereign),
        fabric=Place.parse(fabric),
        pattern=pattern,
        example=example or "",
    )
    made = make_pilot(directory, blueprint, force=force)
    if call.json:
        call.show_json(
            {
                "pilot": blueprint.name,
                "directory": str(directory),
                "files": [str(path) for path in made.files],
                "kept": str(made.kept or ""),
            }
        )
        return
    click.echo(f"made pilot {blueprint.name} in {directory}: {len(made.files)} files; begin with its README.md")
    if made.kept:
        click.echo(f"the pilot.yaml that was there is kept as {directory / made.kept}")
    if example:
        click.echo("the keys in .sov/people are for the demonstration: one person plays proposer and approver")
        click.echo(f"next: sovctl -C {directory} run --approve-with {directory / '.sov' / 'people' / 'approver'}")
        click.echo(f"then: sovctl -C {directory} predict --file {directory / 'rows.csv'}")
    else:
        click.echo(f"next: fill in {directory / 'pilot.yaml'}, then sovctl -C {directory} doctor")
        if blueprint.planned:
            click.echo(f"its infrastructure needs nothing filled in: sovctl -C {directory} plan --offline")
