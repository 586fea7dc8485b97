"""Where raw rows come from: `file:PATH.csv`, relative to the pilot, and `example:NAME?…`, data that comes with a package.

Every row has a `row_id`: the file's own column of that name, or the row's number.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

from sovplatform.errors import ConfigError, NotFound
from sovplatform.tasks import fintech
from sovplatform.tasks.split import ROW_ID


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
            return fintech.rows(dict(parse_qsl(query, keep_blank_values=True)), identities=identities)
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
