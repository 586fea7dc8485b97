"""Task: what is learnt, as code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sovplatform.errors import ConfigError
from sovplatform.pilot import TaskSpec
from sovplatform.records import ShapeContract

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Parameters = dict[str, NDArray[np.float32]]

MODEL = "model.onnx"
TASK = "task.json"


class Prepared(NamedTuple):
    """Numbers made of rows: features `x` [n, d] and targets `y` [n], float32, in the rows' order."""

    x: Floats
    y: Floats


class Task(ABC):
    """One learning task, made from its spec. Methods are pure: they keep nothing of the data they are shown."""

    def __init__(self, spec: TaskSpec) -> None:
        """Raises ConfigError when a feature is an identifier or the target, or is named twice."""
        _check(spec)
        self.spec = spec

    def columns(self) -> tuple[str, ...]:
        """The columns that `prepare` reads: features and target. Identifiers are never among them."""
        return (*(feature.name for feature in self.spec.features), self.spec.target.column)

    @abstractmethod
    def prepare(self, rows: Iterable[Mapping[str, str]]) -> Prepared:
        """Turn raw rows (column → text) into numbers. Nothing may be learnt from the rows: it would escape the budget.

        Raises:
            ConfigError: a column is missing, or a value can't be read; the message tells the row and column, not the value.
        """

    @abstractmethod
    def contract(self) -> ShapeContract:
        """Names, dtypes and shapes of the parameters; updates have the same."""

    @abstractmethod
    def initial(self) -> Parameters:
        """The parameters before the first round; the same every time."""

    @abstractmethod
    def gradients(self, params: Parameters, x: Floats, y: Floats) -> Parameters:
        """The loss's gradient for each example by itself: per parameter an array [n, *shape]."""

    @abstractmethod
    def scores(self, params: Parameters, x: Floats) -> Floats:
        """The predicted probability of the positive class, [n], between 0 and 1."""

    @abstractmethod
    def export(self, params: Parameters, directory: Path) -> None:
        """Write `model.onnx`, which takes raw columns and holds all preprocessing, and `task.json`, the TaskSpec.

        Equal parameters give equal bytes.

        Raises:
            ConfigError: the parameters are not of the contract.
        """


def _check(spec: TaskSpec) -> None:
    names = [feature.name for feature in spec.features]
    wrong = {
        "identifiers name people and can't be features": set(names) & set(spec.identifiers),
        "the target can't be an identifier": {spec.target.column} & set(spec.identifiers),
        "the target can't be a feature": {spec.target.column} & set(names),
        "each feature is named once": {name for name in names if names.count(name) > 1},
    }
    for rule, columns in wrong.items():
        if columns:
            raise ConfigError(f"task {spec.name}: {rule}: {', '.join(sorted(columns))}", remedy="correct `task` in pilot.yaml")
