"""Entry points that the suite submits. They need nothing but Python, so they run wherever the SDK is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Mapping
from threading import Event
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pydantic import JsonValue


class Context(Protocol):
    """What every trainer gives an entry point, whatever else it may have."""

    @property
    def config(self) -> Mapping[str, JsonValue]: ...


def echo(context: Context) -> dict[str, JsonValue]:
    """Print a few lines; return the configuration, and something that no second call returns."""
    print("first line")
    print("second line", file=sys.stderr)
    print("third line")
    return {"config": dict(context.config), "call": uuid.uuid4().hex}


def fail(context: Context) -> None:
    raise ArithmeticError


def last(context: Context) -> None:
    """Start a process, say which, and do not end."""
    child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait(600)"])
    print(f"child {child.pid}", flush=True)
    Event().wait(600)


def spin(context: Context) -> None:
    """Use processor time until stopped."""
    while True:
        pass


def hoard(context: Context) -> dict[str, JsonValue]:
    """Take two gigabytes of memory, and touch every page of it."""
    held = bytearray(os.urandom(4096)) * (2 * 2**30 // 4096)
    return {"held": len(held)}
