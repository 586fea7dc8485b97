"""Task: what is learnt, as code. `tabular` is built in; `module:Class` is the pilot's own."""

from __future__ import annotations

import importlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sovplatform.errors import ConfigError, SovError
from sovplatform.pilot import TaskSpec
from sovplatform.records import ShapeContract

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Parameters = dict[str, NDArray[np.float32]]

MODEL = "model.onnx"
TASK = "task.json"
_LONGEST = 300


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


def load_task(spec: TaskSpec, code_dir: Path | None = None) -> Task:
    """The task that `spec.entrypoint` names; a class of the pilot's own is imported from `code_dir`.

    Raises:
        ConfigError: there is no such module or class in `code_dir`, or it is no Task.
    """
    if spec.entrypoint == "tabular":
        from sovplatform.tasks.tabular import TabularTask

        return TabularTask(spec)
    module_name, _, class_name = spec.entrypoint.partition(":")
    if not module_name or not class_name:
        raise ConfigError(f"task entrypoint {spec.entrypoint!r} is unknown", remedy="write 'tabular' or 'module:Class'")
    try:
        found = getattr(_module(module_name, code_dir), class_name)
        if not (isinstance(found, type) and issubclass(found, Task)):
            raise ConfigError(
                f"task {spec.name}: {spec.entrypoint} is no Task", remedy="derive it from sovplatform.tasks.task.Task"
            )
        return found(spec)
    except SovError:
        raise
    except (Exception, SystemExit) as err:  # the pilot's own code may fail in any way; no data has been read yet
        told = " ".join(f"{type(err).__name__}: {err}".split())[:_LONGEST]
        remedy = f"check {spec.entrypoint} in the pilot's code directory"
        raise ConfigError(f"task {spec.name} does not load: {told}", remedy=remedy) from err


def _module(name: str, code_dir: Path | None) -> object:
    if code_dir is None:
        return importlib.import_module(name)
    directory = code_dir.resolve()
    remedy = f"put {name.replace('.', '/')}.py itself into {code_dir.name}/"
    # looked for before anything is imported: what another module does on import cannot be undone
    place = directory.joinpath(*name.split("."))
    sources = [file.resolve() for file in (place / "__init__.py", place.with_name(f"{place.name}.py")) if file.is_file()]
    inside = directory.is_relative_to(code_dir.parent.resolve()) and all(file.is_relative_to(directory) for file in sources)
    if not (sources and inside and all(part.isidentifier() for part in name.split("."))):
        raise ConfigError(f"there is no module {name} in the pilot's code", remedy=remedy)
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
        importlib.invalidate_caches()
    module = importlib.import_module(name)
    if not Path(module.__file__ or "/").resolve().is_relative_to(directory):
        raise ConfigError(f"module {name} was found outside the pilot's code", remedy="give it a name of its own")
    return module
