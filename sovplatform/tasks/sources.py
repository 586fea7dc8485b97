"""Where raw rows come from: `file:PATH.csv`, relative to the pilot, and `example:NAME?…`, data that comes with a package.

Every row has a `row_id`, which decides on which side of the split it falls: the file's own column of that name, or the
row's number.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl

from sovplatform.errors import ConfigError, NotFound

ROW_ID = "row_id"


def rows(source: str, pilot_dir: Path, *, identities: bool = True) -> Iterator[dict[str, str]]:
    """The rows of `source`, cells as text. An example's `identities` can be left out where nobody needs them.

    Raises:
        ConfigError: the source can't be understood, or a line of the file doesn't fit its header.
        NotFound: there is no such file.
    """
    scheme, _, rest = source.partition(":")
    if scheme == "file" and rest:
        return _csv(pilot_dir / rest)
    if scheme == "example":
        name, _, query = rest.partition("?")
        if name == "fintech":
            from sovplatform.tasks.fintech import rows as example

            return example(dict(parse_qsl(query, keep_blank_values=True)), identities=identities)
    raise ConfigError(f"there is no data source {source!r}", remedy="write file:PATH.csv or example:fintech?part=0/3")


def _csv(path: Path) -> Iterator[dict[str, str]]:
    try:
        file = path.open(newline="", encoding="utf-8-sig")
    except OSError as err:
        raise NotFound(
            f"the data file {path.name} cannot be opened", remedy="check the dataset's `source` in pilot.yaml"
        ) from err
    with file:
        reader = csv.DictReader(file, strict=True)
        try:
            for number, row in enumerate(reader):
                if None in row or None in row.values():
                    raise ConfigError(
                        f"{path.name}, line {reader.line_num}: not as many cells as the header has",
                        remedy="quote cells that hold commas",
                    )
                yield {ROW_ID: str(number), **row}
        except (csv.Error, UnicodeDecodeError) as err:
            raise ConfigError(
                f"{path.name} is no CSV after line {reader.line_num}", remedy="save it as CSV, comma-separated, in UTF-8"
            ) from err


def split(
    table: Iterable[Mapping[str, str]], holdout: float, seed: int
) -> tuple[list[Mapping[str, str]], list[Mapping[str, str]]]:
    """Training and holdout rows. Which side a row is on follows from its id and the seed alone, wherever it is asked."""
    sides: tuple[list[Mapping[str, str]], list[Mapping[str, str]]] = ([], [])
    for row in table:
        sides[unit(f"split/{seed}/{row[ROW_ID]}") < holdout].append(row)
    return sides


def unit(text: str) -> float:
    """A number in [0, 1) that follows from the text, evenly spread over texts."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
