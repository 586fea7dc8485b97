"""The CDK for Terraform, from one of two libraries with the same interface; everything else imports it from here.

`cdktf` is the named dependency, archived upstream since December 2025; `cdktn` is its maintained fork. See docs/adr/0012.
"""

from __future__ import annotations

import importlib
from concurrent.futures import Future, ThreadPoolExecutor
from types import ModuleType
from typing import Any

_library: Future[ModuleType]


def load(name: str) -> None:
    """Begin to load `cdktf` or `cdktn`; once in a process. Most of it is waiting for Node: others may load meanwhile."""
    global _library  # noqa: PLW0603 - one process synthesises with one library
    _library = ThreadPoolExecutor(1).submit(importlib.import_module, name)


def __getattr__(name: str) -> Any:
    """What the library has of that name.

    Raises:
        Unavailable: it is not installed.
    """
    try:
        return getattr(_library.result(), name)
    except ImportError as err:
        from sovplatform.errors import Unavailable

        raise Unavailable(
            f"the CDK for Terraform cannot be imported: {err}", remedy="pip install 'sovplatform[terraform]'"
        ) from err
