"""`sovctl plugin`: what is installed, and whether a provider keeps the promises of the interfaces."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

from sovplatform.cli.call import Call, pass_call
from sovplatform.cli.table import table
from sovplatform.errors import EXIT_FAILED, ConfigError

if TYPE_CHECKING:
    from sovplatform.records import Finding


@click.group()
def plugin() -> None:
    """List plugins and check providers."""


@plugin.command("list")
@pass_call
def list_(call: Call) -> None:
    """List the installed plugins, and whether the pilot (if there is one) loads them."""
    from sovplatform import config
    from sovplatform.plugins import Plugins
    from sovplatform.plugins.discovery import installed

    try:
        listed = config.load(config.find_pilot(call.directory), for_infrastructure=True).plugins
    except ConfigError:
        listed = ()
    plugins = installed(Plugins.load(listed).names)
    rows = [(one.name, f"{one.distribution} {one.version}", "yes" if one.loaded else "no", one.module) for one in plugins]
    call.show(plugins, lambda: table("", ("plugin", "distribution", "loaded", "module"), rows))


@plugin.command()
@click.argument("provider")
@click.option("--jurisdiction", default="DE", show_default=True, metavar="CODE", help="Where the region of the check is.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the provider, as in pilot.yaml.")
@pass_call
def check(call: Call, provider: str, jurisdiction: str, settings: tuple[str, ...]) -> int:
    """Run the conformance suite on PROVIDER: every promise of the five interfaces, against the real thing."""
    from sovplatform.testing import check as run_suite

    given = dict(_setting(text) for text in settings)
    findings = run_suite(provider, jurisdiction=jurisdiction, settings=given)
    call.show(findings, lambda: _print_checked(findings))
    return 0 if all(finding.ok for finding in findings) else EXIT_FAILED


def _print_checked(findings: Sequence[Finding]) -> None:
    """A line for each finding; those of an interface that were not tried, for the same reason, together."""
    from sovplatform.cli.life import print_findings
    from sovplatform.records import Finding

    for (interface, why), group in groupby(findings, lambda item: (item.check.partition(":")[0], item.ok and item.detail)):
        same = list(group)
        if len(same) > 1 and why:
            same = [Finding(check=f"{interface}: {len(same)} promises", ok=True, detail=str(why))]
        print_findings(same)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ConfigError(f"'{text}' is no setting", remedy="write NAME=VALUE, such as account=123456789012")
    return name, value
