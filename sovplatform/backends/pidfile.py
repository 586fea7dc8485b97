"""A file that names a running process so that a later program can find it, and never mistakes another one for it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path

from sovplatform.errors import Unavailable
from sovplatform.private import write_atomically

_POLL_SECONDS = 0.01


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when it is gone or a zombie.

    A pid together with its start time names one process for ever; a pid alone is used again.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()  # the command may hold spaces and brackets
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


class PidFile:
    """Holds pid and start time of one process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, pid: int) -> None:
        """Record a running process."""
        write_atomically(self.path, json.dumps({"pid": pid, "started": start_ticks(pid)}).encode())

    def pid(self) -> int | None:
        """The recorded process, when it is that very process and runs."""
        try:
            recorded = json.loads(self.path.read_bytes())
            pid, started = int(recorded["pid"]), int(recorded["started"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return pid if start_ticks(pid) == started else None

    def end(self, timeout: float) -> None:
        """Ask the process to end, make it when it has not within `timeout` seconds, and remove the file.

        Raises:
            Unavailable: it does not end, or belongs to somebody else.
        """
        for sign, patience in ((signal.SIGTERM, timeout), (signal.SIGKILL, 5.0)):
            pid = self.pid()
            if pid is None:
                break
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                break
            except PermissionError as err:
                raise Unavailable(f"process {pid} belongs to another user", remedy="stop it as that user") from err
            if self._gone_within(patience):
                break
        else:
            raise Unavailable(f"process {self.pid()} does not end", remedy="end it by hand")
        self.path.unlink(missing_ok=True)

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while (pid := self.pid()) is not None and time.monotonic() < deadline:
            _reap(pid)
            time.sleep(_POLL_SECONDS)
        return pid is None


def _reap(pid: int) -> None:
    """Collect the process when it is a child of ours; otherwise it is somebody else's to collect."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
