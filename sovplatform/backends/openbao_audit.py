"""The audit log of an embedded OpenBao server, which itself lets it grow without end: turned over when the server is started."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from sovplatform.errors import Unavailable

NAME = "audit.log"
LARGEST_BYTES = 50_000_000  # some 34,000 requests; a run of the example makes about 500
KEPT = 5
_REOPEN_SECONDS = 10.0
_POLL_SECONDS = 0.01


def turn(home: Path) -> bool:
    """Put a log that is over its size aside as `audit.log.1`, older ones one further; the oldest of them goes.

    The answer is whether the server is to `reopen`, which may be left over from a call that was killed.
    A server that runs goes on writing into the file that was put aside until `reopen`, so that no request is lost.
    """
    log = home / NAME
    if not log.exists():
        return log.with_name(f"{NAME}.1").exists()
    if log.stat().st_size <= LARGEST_BYTES:
        return False
    for number in range(KEPT - 1, 0, -1):
        older = log.with_name(f"{NAME}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{NAME}.{number + 1}"))
    log.chmod(0o600)
    log.replace(log.with_name(f"{NAME}.1"))
    return True


def reopen(home: Path, pid: int) -> None:
    """Have the server go on in a new file, and wait until it does.

    Raises:
        Unavailable: it does not open one.
    """
    log = home / NAME
    if log.exists():
        return  # it was started after the old one was put aside
    os.kill(pid, signal.SIGHUP)
    deadline = time.monotonic() + _REOPEN_SECONDS
    while not log.exists():
        if time.monotonic() > deadline:
            raise Unavailable(f"OpenBao (pid {pid}) opens no new audit log", remedy="run `sovctl down`, then again")
        time.sleep(_POLL_SECONDS)
