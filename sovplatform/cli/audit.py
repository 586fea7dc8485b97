"""`sovctl audit`: what an auditor reads, checks and takes away."""

from __future__ import annotations

import json
from pathlib import Path

import click

from sovplatform.cli.call import Call, pass_call
from sovplatform.cli.table import WIDTH
from sovplatform.errors import EXIT_FAILED, one_line

_VERDICTS = {"True": "  allowed", "False": "  DENIED"}


@click.group()
def audit() -> None:
    """Read, verify and report the ledgers."""


@audit.command()
@click.option("--region", metavar="R", help="Only this region's ledger.")
@click.option("--wide", is_flag=True, help="Lines of any length: with the year, who did it, and the details.")
@pass_call
def log(call: Call, region: str | None, wide: bool) -> None:
    """Print the entries of the ledgers in 80 columns; with --json, one object a line."""
    from sovplatform.ledger.operator import OPERATOR

    empty = True
    for where, entry in call.platform(infrastructure=True).audit_log(region):
        empty = False
        if call.json:
            click.echo(json.dumps({"region": where, **entry.model_dump(mode="json")}, ensure_ascii=False))
        elif not wide:
            verdict = _VERDICTS.get(str(entry.details.get("allow")), "") if entry.event.endswith(".judged") else ""
            event = f"{entry.event:<{27 if where == OPERATOR else 20}}"
            line = one_line(f"{where:<8} {entry.index:>5}  {entry.at:%m-%d %H:%M:%S}  {event}  {entry.subject}{verdict}")
            click.echo(line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…")
        else:
            details = json.dumps(dict(entry.details), ensure_ascii=False, sort_keys=True)
            place = f"{where:<8} {entry.index:>6}  {entry.at:%Y-%m-%d %H:%M:%S}"
            click.echo(one_line(f"{place}  {entry.event:<20}  {entry.subject}  by {entry.actor}  {details}"))
    if empty and not call.json:
        click.echo("no entries yet: `sovctl run` begins the regions' ledgers, `sovctl plan` the operator's journal")


@audit.command()
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Verify what `sovctl audit report` wrote; it needs no pilot.",
)
@pass_call
def verify(call: Call, bundle: Path | None) -> int:
    """Verify every ledger against its signed checkpoints. It needs no server; the exit code is 1 when one does not hold."""
    from sovplatform.cli.report import print_ledgers
    from sovplatform.ledger.bundle import verify_bundle

    ledgers = verify_bundle(bundle) if bundle else call.platform(infrastructure=True).audit_verify()
    call.show(ledgers, lambda: print_ledgers(ledgers))
    return 0 if ledgers and all(ledger.verified for ledger in ledgers) else EXIT_FAILED


@audit.command()
@click.option("--out", type=click.Path(path_type=Path), default="audit", show_default=True, help="Where to write it.")
@pass_call
def report(call: Call, out: Path) -> None:
    """Write what an auditor takes away: the report, and what is needed to verify it offline."""
    from sovplatform.ledger.bundle import digests as digests_of
    from sovplatform.ledger.bundle import operator, read_trust

    path = call.platform(infrastructure=True).audit_report(out)
    bundle = path.parent / "bundle"
    digests = digests_of(read_trust(bundle), operator(bundle))
    if call.json:
        call.show_json({"report": str(path), "bundle": str(bundle), "digests": digests})
        return
    click.echo(f"wrote {path}, and {bundle} to verify it by")
    click.echo("tell the auditor these digests on another way, as a bundle cannot vouch for itself:")
    for name, digest in digests.items():
        click.echo(f"  {name}  {digest}")
