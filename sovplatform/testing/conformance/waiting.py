"""Waiting for something to become true, with a bound."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Return as soon as `condition` holds; fail the test, naming `what`, when it does not within `seconds`."""
    deadline, pause = time.monotonic() + seconds, Event()
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        pause.wait(0.02)


def missing(fixture: str) -> NotImplementedError:
    """What a fixture that must be overridden raises."""
    return NotImplementedError(f"override the fixture {fixture}: see the class's docstring")
