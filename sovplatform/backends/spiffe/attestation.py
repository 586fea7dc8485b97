"""Which process is which workload: known by pid and start time, as the kernel tells them; never by what a process says.

Only a registered process itself has an identity. Its children have none, so that what a job starts does not act as the
job; whoever starts a child that needs an identity registers it.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from sovplatform.backends.pidfile import start_ticks
from sovplatform.errors import ConfigError, NotFound

_PATH = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")

_LOOK_SECONDS = 15.0  # a machine that slept must not oversleep: its waiting time stood still, certificates did not


class Process(NamedTuple):
    """One process for ever: pids are used again, a pid with its start time (clock ticks since boot) is not."""

    pid: int
    started: int


def peer_process(connection: socket.socket) -> Process | None:
    """Who opened the other end of a unix socket (`SO_PEERCRED`); None when it has gone or lives in another pid namespace."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, _uid, _gid = struct.unpack("3i", raw)
    started = start_ticks(pid) if pid > 0 else None
    return None if started is None else Process(pid, started)


class Attestor:
    """The registered processes and their SPIFFE paths. Thread-safe; streams of the Workload API wait on its changes."""

    def __init__(self) -> None:
        self._paths: dict[Process, tuple[str, ...]] = {}
        self._changed = threading.Condition()
        self._generation = 0

    def register(self, pid: int, path: str) -> None:
        """Give the running process `pid` the identity `path`, such as `/job/train`.

        It may have several; the first is its default.
        Call it before the parent has waited for `pid`: until then the pid cannot have become another process.

        Raises:
            NotFound: there is no such process.
            ConfigError: not a path of a SPIFFE ID.
        """
        if not _PATH.fullmatch(path):
            raise ConfigError(
                f"{path!r} is not a path of a SPIFFE ID", remedy="use segments of letters, digits, '.', '_' and '-'"
            )
        started = start_ticks(pid)
        if started is None:
            raise NotFound(f"there is no process {pid}", remedy="register a process while it runs")
        process = Process(pid, started)
        with self._changed:
            had = self._paths.get(process, ())
            if path not in had:
                self._paths[process] = (*had, path)
            self._forget_dead()
            self._announce()

    def unregister(self, pid: int) -> None:
        """Take all identities from `pid`; its streams end. A process that has none is no error."""
        with self._changed:
            for process in [process for process in self._paths if process.pid == pid]:
                del self._paths[process]
            self._announce()

    def paths(self, process: Process) -> tuple[str, ...]:
        """The identities of a process that still runs; none for anybody else."""
        with self._changed:
            paths = self._paths.get(process, ())
        return paths if paths and start_ticks(process.pid) == process.started else ()

    @property
    def generation(self) -> int:
        """Grows with every change."""
        return self._generation

    def announce(self) -> None:
        """Let all who wait look again, as after a change of bundles."""
        with self._changed:
            self._announce()

    def nudge(self) -> None:
        """Let all who wait look whether their caller is still there."""
        with self._changed:
            self._changed.notify_all()

    def await_change(self, seen: int, until: float, wanted: Callable[[], bool]) -> None:
        """Block until the generation is not `seen`, the clock (`time.time()`) passes `until`, or `wanted()` is false."""
        with self._changed:
            while self._generation == seen and wanted() and (left := until - time.time()) > 0:
                self._changed.wait(min(left, _LOOK_SECONDS))

    def _announce(self) -> None:
        self._generation += 1
        self._changed.notify_all()

    def _forget_dead(self) -> None:
        for process in [process for process in self._paths if start_ticks(process.pid) != process.started]:
            del self._paths[process]
