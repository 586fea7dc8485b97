"""What every command is given: which pilot, and whether to print JSON."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from sovplatform import config

if TYPE_CHECKING:
    from sovplatform.platform import Platform
    from sovplatform.records import Record

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Call:
    """One call of a command. `-C` and `--json` may be given before or after the command's name."""

    directory: Path
    json: bool

    def platform(self, *, infrastructure: bool = False) -> Platform:
        """The platform of the pilot that was named. `infrastructure` needs neither data nor people: those may be filled in later.

        Raises:
            ConfigError: there is no pilot, or it is wrong.
        """
        from sovplatform.platform import Platform

        return Platform.open(config.find_pilot(self.directory).parent, infrastructure=infrastructure)

    def show(self, value: Record | Sequence[Record], human: Callable[[], None]) -> None:
        """Print records: as JSON when that was asked for, else the way of `human`."""
        if self.json:
            self.show_json(
                [item.model_dump(mode="json") for item in value] if isinstance(value, Sequence) else value.model_dump(mode="json")
            )
        else:
            human()

    @staticmethod
    def show_json(value: Any) -> None:
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def pass_call(command: Callable[Concatenate[Call, P], R]) -> Callable[P, R]:
    """Give the command `-C` and `--json`, and a Call as its first argument."""

    @click.option("-C", "pilot_directory", metavar="DIR", help="The pilot's directory; by default this one or one above it.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        directory, as_json = kwargs.pop("pilot_directory"), bool(kwargs.pop("as_json"))
        given = click.get_current_context().find_root().params
        where = directory or given.get("pilot_directory") or config.settings().pilot
        return command(Call(Path(str(where)), as_json or bool(given.get("as_json"))), *args, **kwargs)

    return wrapped
