"""Run a command for a bounded time, reading its lines as they come; when we are interrupted it is, too."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sovplatform.errors import Unavailable

_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    output: str
    errors: str


class Children:
    """The processes that run now, so that all can be ended at once. Once ended, no other is started."""

    def __init__(self, grace_seconds: float = 10) -> None:
        self._grace = grace_seconds
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._ended = False

    def run(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        seconds: float,
        on_line: Callable[[str], None] | None = None,
        outlives: bool = False,
    ) -> Ended:
        """Run a command to its end. What `outlives` us goes on when we are killed, and ends as it would have.

        It writes to a file then: a pipe that nobody reads any more would end it at its next line, in the middle of its work.

        Raises:
            Unavailable: it took longer than `seconds`, or everything was ended meanwhile.
        """
        with tempfile.TemporaryFile("w+") as errors, tempfile.TemporaryFile() as output:
            out = output.fileno() if outlives else subprocess.PIPE
            process = self._start(command, directory, environment, out, errors.fileno())
            late = threading.Event()

            def end_late() -> None:
                late.set()
                self._end(process)

            timer = threading.Timer(seconds, end_late)
            timer.daemon = True
            timer.start()
            lines: list[str] = []
            try:
                for line in process.stdout or _followed(process, output.fileno()):
                    lines.append(line)
                    if on_line is not None:
                        on_line(line)
                code = process.wait()
            except BaseException:
                self._end(process)
                raise
            finally:
                timer.cancel()
                self._forget(process)
            if late.is_set():
                what = " ".join(Path(word).name for word in command[:2])
                raise Unavailable(
                    f"`{what}` in {directory} took more than {seconds:g} seconds and was ended", remedy="try it again"
                )
            errors.seek(0)
            return Ended(code, "".join(lines), errors.read())

    def end_all(self) -> None:
        """End everything that runs. What waits for one of them sees it ended."""
        with self._lock:
            self._ended = True
            running = list(self._running)
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
        for process in running:
            self._end(process)

    def _start(
        self, command: Sequence[str], directory: Path, environment: Mapping[str, str], output: int, errors: int
    ) -> subprocess.Popen[str]:
        with self._lock:
            if self._ended:
                raise Unavailable(f"{command[0]} was not started: everything is being ended")
            process = subprocess.Popen(
                command,
                cwd=directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                text=True,
                umask=0o077,  # plans and states hold values in clear
                start_new_session=True,  # an interrupt reaches it once, through us, and not twice
            )
            self._running.add(process)
            return process

    def _end(self, process: subprocess.Popen[str]) -> None:
        """Ask as Ctrl-C does, so that Terraform writes its state and drops its lock; insist when it does not listen."""
        if process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(self._grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _forget(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.discard(process)
        if process.stdout is not None:
            process.stdout.close()


def _followed(process: subprocess.Popen[str], file: int) -> Iterator[str]:
    """The lines that a process writes to a file, as they come, until it has ended."""
    read, rest = 0, b""
    while True:
        ended = process.poll() is not None  # asked before reading: then nothing comes after what is read
        while chunk := os.pread(file, 1 << 16, read):
            read += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (line.decode(errors="replace") + "\n" for line in lines)
        if ended:
            if rest:
                yield rest.decode(errors="replace")
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_SECONDS)
