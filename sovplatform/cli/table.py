"""Plain tables that fit 80 columns: numbers to the right, the last column wrapped."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import click

from sovplatform.errors import one_line

WIDTH = 80
_GAP = "  "


def table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """Print a table. `right` are the columns that are aligned to the right."""
    if not rows:
        return
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [headers, *rows]) for column in range(len(headers))]
    rest = WIDTH - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1)
    widths[-1] = max(12, min(widths[-1], rest))
    if title:
        click.secho(f"\n{title}", bold=True)
    click.secho(_line(headers, widths, right), dim=True)
    for row in rows:
        first, *more = wrapped(row[-1], widths[-1])
        click.echo(_line([*row[:-1], first], widths, right))
        for text in more:
            click.echo(" " * (sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)) + text)


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width`; names such as `eu-central-1` stay whole where they fit."""
    return textwrap.wrap(text, width, break_long_words=True, break_on_hyphens=False) or [""]


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> str:
    padded = (
        cell.rjust(width) if column in right else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return _GAP.join(padded).rstrip()


def size(count: int) -> str:
    """Bytes as people read them: 999 B, 1.2 kB, 34.5 MB."""
    number, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"


def seconds(value: float) -> str:
    return f"{value:.1f} s"


def milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"
