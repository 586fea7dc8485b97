"""The root of `sovctl`. It knows its commands by name and help only; a command's file is imported when it runs."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sovplatform import config
from sovplatform.cli.failures import report_failure
from sovplatform.errors import ConfigError

COMMANDS = {
    "init": ("init:init", "Make a new pilot."),
    "doctor": ("life:doctor", "Check everything a pilot needs, and say what to do about what is wrong."),
    "up": ("life:up", "Start the regions and have them trust each other. Doing so twice is no error."),
    "down": ("life:down", "Stop the regions. What they hold stays; `sovctl up` goes on from there."),
    "status": ("life:status", "Show what is running, what crossed a border, what was refused, and what is served."),
    "run": ("run:run", "Run the pilot, from its data to a served, audited model."),
    "predict": ("predict:predict", "Ask the served model about the rows of a file."),
    "release": ("release:release", "List, approve, promote and roll back releases."),
    "audit": ("audit:audit", "Read, verify and report the ledgers."),
    "synth": ("infrastructure:synth", "Write the pilot's infrastructure as Terraform, a stack for each region and week."),
    "plan": ("infrastructure:plan", "Plan the infrastructure and judge the plan by policy; --offline asks no cloud."),
    "cost": ("cost:cost", "Tell what a month of the infrastructure costs, before anything is launched."),
    "apply": ("infrastructure:apply", "Apply plans that were judged, and are unchanged since."),
    "destroy": ("infrastructure:destroy", "Plan and carry out the end of what was applied."),
    "plugin": ("plugin:plugin", "List plugins and check providers."),
    "completion": ("completion:completion", "Print a shell's completion script."),
}
"""Name → where it is in this package, and the line that `sovctl --help` shows."""


class LazyGroup(click.Group):
    """A group whose built-in commands are imported on use; any other name is looked for in the pilot's plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return _from_plugins(ctx, cmd_name)
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(f"sovplatform.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as err:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            raise click.UsageError(
                f"there is no command '{args[0]}'" + (f"; did you mean '{near[0]}'?" if near else ""), ctx
            ) from err


def _from_plugins(ctx: click.Context, name: str) -> click.Command | None:
    try:
        path = config.find_pilot(Path(ctx.params.get("pilot_directory") or config.settings().pilot))
    except ConfigError:
        return None
    from sovplatform.plugins import Plugins

    commands = Plugins.load(config.load(path, for_infrastructure=True).plugins).commands()
    return next((command for command in commands if command.name == name), None)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("-C", "pilot_directory", metavar="DIR", help="The pilot's directory; by default this one or one above it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.version_option(package_name="sovplatform", prog_name="sovctl")
@click.pass_context
def root(ctx: click.Context, pilot_directory: str | None, as_json: bool) -> None:
    """Train across borders and serve at home, while raw data never leaves its jurisdiction.

    \b
    Begin with:  sovctl init pilot demo --example fintech
                 sovctl -C demo run

    Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 denied by policy.
    """


def _be_careful() -> None:
    """Whoever can write to a pilot, or to the directory that a command is given in, must not decide what is run."""
    os.umask(os.umask(0o077) | 0o022)
    os.environ["PATH"] = os.pathsep.join(filter(os.path.isabs, os.get_exec_path()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `sovctl` and return its exit code. A user's mistake never shows a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _be_careful()
    try:
        outcome: Any = root.main(given, prog_name="sovctl", standalone_mode=False)
        return outcome if isinstance(outcome, int) else 0
    except (Exception, KeyboardInterrupt) as err:
        return report_failure(err, as_json="--json" in given)
