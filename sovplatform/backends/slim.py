"""Import one part of a large package without what that part does not use.

Some libraries import everything they have in the `__init__` of their packages: MLflow its evaluation suite and pandas,
KServe its Kubernetes client. Here the `__init__` of named packages is not run, and modules that are only named in
annotations are imported when somebody uses them. Should a new version of the library not bear that, it is imported plainly.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from types import ModuleType
from typing import Any

from sovplatform.errors import ConfigError

_log = logging.getLogger(__name__)


class Deferred(ModuleType):
    """Stands in for a module while others import it, then hands on to the real one."""

    importing = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return object if self.importing else getattr(importlib.import_module(self.__name__), name)


def slim_import(
    modules: Sequence[str],
    *,
    bare: Sequence[str],
    deferred: Sequence[str] = (),
    absent: Sequence[str] = (),
    extra: str,
    distribution: str = "",
) -> None:
    """Import `modules` in that order.

    Args:
        bare: packages whose `__init__` is not run, outermost first; nothing is done when the first is imported already.
        deferred: modules that stand-ins replace meanwhile.
        absent: modules that appear not to be installed meanwhile.
        extra: the extra of sovplatform that installs the library.
        distribution: the library's name on the package index, when it is another than the package's.

    Raises:
        ConfigError: the library is not installed.
    """
    if bare[0] in sys.modules:
        for name in modules:
            importlib.import_module(name)
        return
    if importlib.util.find_spec(bare[0]) is None:
        raise ConfigError(f"{bare[0]} is not installed", remedy=f"pip install 'sovplatform[{extra}]'")
    stand_ins: dict[str, ModuleType | None] = {name: Deferred(name) for name in deferred if name not in sys.modules}
    stand_ins |= {name: None for name in absent if name not in sys.modules}
    sys.modules.update(stand_ins)  # type: ignore[arg-type] # None makes an import fail, as for what is not installed
    try:
        _import(modules, bare, distribution or bare[0])
    except Exception:
        _log.warning("%s cannot be imported in part; importing all of it", bare[0], exc_info=True)
        _forget(stand_ins)
        _complete(bare)
        for name in modules:
            importlib.import_module(name)
    finally:
        _forget(stand_ins)


def _import(modules: Sequence[str], bare: Sequence[str], distribution: str) -> None:
    for name in bare:
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise ImportError(name)
        package = sys.modules[name] = importlib.util.module_from_spec(spec)
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, package)
        else:
            package.__dict__["__version__"] = metadata.version(distribution)
    for name in modules:
        importlib.import_module(name)


def _complete(bare: Sequence[str]) -> None:
    """Run the outermost package's `__init__` after all. What it registered elsewhere meanwhile must not be made twice."""
    inner = tuple(bare[1:])
    for name in [name for name in sys.modules if name in inner or name.startswith(tuple(f"{package}." for package in inner))]:
        del sys.modules[name]
    package = sys.modules[bare[0]]
    if package.__spec__ is not None and package.__spec__.loader is not None:
        package.__spec__.loader.exec_module(package)


def _forget(stand_ins: Mapping[str, ModuleType | None]) -> None:
    for name, stand_in in stand_ins.items():
        if isinstance(stand_in, Deferred):
            stand_in.importing = False
        if name in sys.modules and sys.modules[name] is stand_in:
            del sys.modules[name]
