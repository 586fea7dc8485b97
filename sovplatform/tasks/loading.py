"""A pilot's task by the entrypoint that its spec names: `tabular` is built in; `module:Class` is the pilot's own."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from sovplatform.errors import ConfigError, SovError
from sovplatform.pilot import TaskSpec
from sovplatform.tasks.tabular import TabularTask
from sovplatform.tasks.task import Task

_LONGEST = 300


def load_task(spec: TaskSpec, code_dir: Path | None = None) -> Task:
    """The task that `spec.entrypoint` names; a class of the pilot's own is imported from `code_dir`.

    Raises:
        ConfigError: there is no such module or class in `code_dir`, or it is no Task.
    """
    if spec.entrypoint == "tabular":
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
