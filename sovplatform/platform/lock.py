"""The pilot's lock: what changes something is done by one command at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sovplatform.errors import Locked
from sovplatform.private import opener, require_private


@contextmanager
def held(state: Path, what: str) -> Iterator[None]:
    """Hold the lock of the pilot whose private directory is `state` while `what` is done.

    Raises:
        Locked: another command holds it; the message names that.
        ConfigError: the directory is not this user's alone.
    """
    state.mkdir(mode=0o700, exist_ok=True)
    require_private(state)
    with open(state / "lock", "a+", opener=opener) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            file.seek(0)
            holder = file.read().strip() or "another command"
            raise Locked(f"{holder} is under way in {state.parent.name}", remedy="wait until it has ended") from err
        file.truncate(0)
        file.write(f"`{what}` (process {os.getpid()})")
        file.flush()
        yield
