"""The CDK for Terraform, from one of two libraries with the same interface; everything else imports it from here.

`cdktf` is the named dependency, archived upstream since December 2025; `cdktn` is its maintained fork. See docs/adr/0012.
"""

from __future__ import annotations

import importlib
from typing import Any

_library: Any = None


def choose(name: str) -> None:
    """Load `cdktf` or `cdktn`; once in a process.

    Raises:
        Unavailable: it is not installed.
    """
    global _library  # noqa: PLW0603 - one process synthesises with one library
    try:
        _library = importlib.import_module(name)
    except ImportError as err:
        from sovplatform.errors import Unavailable

        raise Unavailable(f"{name} cannot be imported: {err}", remedy=f"pip install 'sovplatform[terraform]' {name}") from err


def __getattr__(name: str) -> Any:
    return getattr(_library, name)
