"""Import KServe's model server without what serving does not use.

`import kserve` brings its Kubernetes client and models, and the inference types bring pandas and httpx's command line:
1.9 s of 2.9 s on two cores. The package's own `__init__` is not run, pandas is imported when something uses it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

from sovplatform.errors import ConfigError

_UNUSED = "httpx._main"


class _Deferred(ModuleType):
    """Stands in for a module in annotations while others import it, and turns into it on later use."""

    importing = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return object if self.importing else getattr(importlib.import_module(self.__name__), name)


def import_kserve() -> None:
    """Make `kserve.model`, `kserve.model_server` and their like importable, cheaply. Doing so twice is no error.

    Raises:
        ConfigError: KServe is not installed.
    """
    if "kserve" in sys.modules:
        return
    spec = importlib.util.find_spec("kserve")
    if spec is None:
        raise ConfigError("serving needs KServe's model server", remedy="install sovplatform[onprem]")
    pandas = None if "pandas" in sys.modules else _Deferred("pandas")
    if pandas is not None:
        sys.modules["pandas"] = pandas
    sys.modules.setdefault(_UNUSED, None)  # type: ignore[arg-type] # None makes its import an ImportError, which httpx expects
    sys.modules["kserve"] = importlib.util.module_from_spec(spec)
    try:
        importlib.import_module("kserve.model_server")
    finally:
        if pandas is not None:
            pandas.importing = False
            del sys.modules["pandas"]
        if sys.modules.get(_UNUSED) is None:
            sys.modules.pop(_UNUSED, None)
