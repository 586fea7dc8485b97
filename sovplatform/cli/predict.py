"""`sovctl predict`: ask the served model about rows of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from sovplatform.cli.call import Call, pass_call
from sovplatform.cli.table import table


@click.command()
@click.option(
    "--file",
    "-f",
    "path",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    metavar="F",
    help='CSV with a header, or JSON: a list of rows, {"instances": [...]}, or a row a line. `-` is standard input.',
)
@click.option("--region", metavar="R", help="Ask the endpoint of this region; by default the first sovereign one.")
@pass_call
def predict(call: Call, path: Path, region: str | None) -> None:
    """Ask the served model about the rows of a file.

    They go to the endpoint of one region. Only the columns that the task reads are sent: identifiers stay here.
    """
    from sovplatform.cli.rows import read_rows

    platform = call.platform()
    if region is not None:
        platform.require_region(region)
    rows = read_rows(path, platform.pilot.task)
    answers = platform.predict(rows, region)
    if call.json:
        call.show_json(list(answers))
    else:
        _print_answers(answers)


def _print_answers(answers: Sequence[Mapping[str, object]]) -> None:
    columns = list(dict.fromkeys(key for answer in answers for key in answer))
    rows = [(str(number), *(_cell(answer.get(key)) for key in columns)) for number, answer in enumerate(answers, start=1)]
    table("", ("row", *columns), rows, right=range(len(columns) + 1))


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "" if value is None else str(value)
