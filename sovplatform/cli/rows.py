"""Rows to predict, from CSV or JSON."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sys
from pathlib import Path

from sovplatform.errors import ConfigError
from sovplatform.pilot import TaskSpec

Row = dict[str, object]
MAX_BYTES = 64 * 1024 * 1024
_REMEDY = 'give CSV with a header, or JSON: a list of rows, {"instances": [...]}, or one row a line'


def read_rows(path: Path, task: TaskSpec) -> list[Row]:
    """The rows of a file, numbers as numbers, of the task's features alone; `-` is standard input.

    What else a row has (the target, identifiers) stays here, in whichever format it came.

    Raises:
        ConfigError: the file is no such table, has no rows, or lacks a column that the task needs.
    """
    try:
        text = _read(path)
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"{path} cannot be read as text", remedy=_REMEDY) from err
    try:
        rows = _json(text, path) if text.lstrip()[:1] in ("[", "{") else _csv(text, path, task)
    except RecursionError as err:
        raise ConfigError(f"{path} is nested too deeply", remedy=_REMEDY) from err
    except csv.Error as err:
        raise ConfigError(f"{path} is not readable as CSV: {err}", remedy=_REMEDY) from err
    features = [feature.name for feature in task.features]
    if not rows:
        raise ConfigError(f"{path} has no rows", remedy=_REMEDY)
    for number, row in enumerate(rows, start=1):
        missing = [name for name in features if name not in row]
        if missing:
            what = f"{path}: row {number} lacks {', '.join(missing[:3])}{' and more' if len(missing) > 3 else ''}"
            raise ConfigError(what, remedy=f"the task '{task.name}' reads: {', '.join(features)}")
    return [{name: row[name] for name in features} for row in rows]


def _read(path: Path) -> str:
    with contextlib.nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_BYTES >> 20} MiB", remedy="ask about fewer rows at once")
    return raw.decode("utf-8-sig")


def _json(text: str, path: Path) -> list[Row]:
    try:
        data = json.loads(text)
    except ValueError:
        data = _json_lines(text, path)
    if isinstance(data, dict):
        data = data.get("instances", [data])
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise ConfigError(f"{path} is JSON, but no list of rows", remedy=_REMEDY)
    return data


def _json_lines(text: str, path: Path) -> list[object]:
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            found += [json.loads(line)] if line.strip() else []
        except ValueError as err:
            raise ConfigError(f"{path}:{number}: not readable as JSON", remedy=_REMEDY) from err
    return found


def _csv(text: str, path: Path, task: TaskSpec) -> list[Row]:
    numbers = {feature.name for feature in task.features if feature.type == "number"}
    rows: list[Row] = []
    reader = csv.DictReader(io.StringIO(text))
    header = list(reader.fieldnames or ())
    double = sorted({name for name in header if header.count(name) > 1})
    if double:
        raise ConfigError(f"{path}: the header has {', '.join(double[:3])} more than once", remedy="keep one of them")
    for record in reader:
        if None in record or None in record.values():
            raise ConfigError(f"{path}:{reader.line_num}: another number of cells than the header", remedy=_REMEDY)
        where = f"{path}:{reader.line_num}"
        rows.append({name: _number(cell, name, where) if name in numbers else cell for name, cell in record.items()})
    return rows


def _number(cell: str, column: str, where: str) -> float | None:
    if cell.strip() in ("", "NA", "NaN", "nan"):
        return None
    try:
        return float(cell)
    except ValueError as err:
        raise ConfigError(
            f"{where}: '{column}' is not a number", remedy="write a number, or nothing when it is not known"
        ) from err
