"""Raw rows → the tensors that a model's raw-column inputs take. Training and serving read rows the same way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sovplatform.errors import ConfigError
from sovplatform.pilot import NumberFeature, TaskSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISSING = frozenset({"", "na", "nan", "null", "none"})


def feed(spec: TaskSpec, rows: Iterable[Mapping[str, object]]) -> dict[str, NDArray[Any]]:
    """One array per feature: float32 [N, 1] with NaN for missing, or strings [N, 1] with "" for missing.

    Cells are text, or numbers, or None, as CSV and JSON give them. Columns that are no features are not looked at.

    Raises:
        ConfigError: a column is missing, or a number can't be read. The value itself is not told: it may name somebody.
    """
    import numpy as np

    table = list(rows)
    tensors: dict[str, NDArray[Any]] = {}
    for feature in spec.features:
        cells = column(table, feature.name)
        if isinstance(feature, NumberFeature):
            values: Any = np.array([_number(cell, feature.name, index) for index, cell in enumerate(cells)], np.float32)
        else:
            values = np.array(cells, object)
        tensors[feature.name] = values.reshape(-1, 1)
    return tensors


def column(table: list[Mapping[str, object]], name: str) -> list[str]:
    """The cells of one column as stripped text, "" for missing.

    Raises:
        ConfigError: a row does not have it.
    """
    cells = []
    for index, row in enumerate(table):
        if name not in row:
            raise ConfigError(
                f"row {index + 1} has no column {name}", remedy="give every column of the task; leave a cell empty if unknown"
            )
        value = row[name]
        cells.append("" if value is None else str(value).strip())
    return cells


def _number(cell: str, name: str, index: int) -> float:
    if cell.lower() in MISSING:
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        raise ConfigError(
            f"row {index + 1}: column {name} is not a number",
            remedy="write numbers with a decimal point, or leave the cell empty",
        ) from None
