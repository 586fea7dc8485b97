"""Jobs in subprocesses; what is known of them is in this process's memory."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sovplatform.errors import ConfigError, Conflict, NotFound
from sovplatform.interfaces.trainer import Trainer
from sovplatform.records import Job, JobSpec, JobState, now

ENTRYPOINT = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")


@dataclass
class _Run:
    spec: JobSpec
    directory: Path
    process: subprocess.Popen[bytes]
    started_at: datetime
    cancelled: bool = False
    final: Job | None = None


class MemoryTrainer(Trainer):
    """Runs each job as `python -m sovplatform.testing.job`, a process group of its own.

    Limits are set with `setrlimit`. Jobs are forgotten with this object, and so are their logs.
    """

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="sov-memory-", ignore_cleanup_errors=True)
        self._runs: dict[str, _Run] = {}
        self._lock = threading.RLock()

    def submit(self, spec: JobSpec) -> Job:
        """As `Trainer.submit`."""
        if not ENTRYPOINT.match(spec.entrypoint):
            raise ConfigError(f"job {spec.id} has the entry point {spec.entrypoint!r}", remedy="write it as module:function")
        with self._lock:
            known = self._runs.get(spec.id)
            if known is not None:
                if known.spec != spec:
                    raise Conflict(f"job {spec.id} exists with another content", remedy="give the new job another id")
                job = self._observe(known)
                if job.state not in (JobState.failed, JobState.cancelled):
                    return job
            self._runs[spec.id] = self._start(spec)
        return self.status(spec.id)

    def status(self, job: str) -> Job:
        """As `Trainer.status`."""
        return self._observe(self._run(job))

    def wait(self, job: str, timeout: float) -> Job:
        """As `Trainer.wait`."""
        run = self._run(job)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.process.wait(timeout)
        return self._observe(run)

    def logs(self, job: str) -> Iterator[str]:
        """As `Trainer.logs`."""
        text = (self._run(job).directory / "log").read_text(errors="replace")
        return iter(text.splitlines())

    def cancel(self, job: str) -> Job:
        """As `Trainer.cancel`."""
        run = self._run(job)
        with self._lock:
            if self._observe(run).state.finished:
                return self._observe(run)
            run.cancelled = True
            os.killpg(run.process.pid, signal.SIGKILL)
        run.process.wait()
        return self._observe(run)

    def close(self) -> None:
        """Cancel what still runs."""
        for job in list(self._runs):
            self.cancel(job)

    def _start(self, spec: JobSpec) -> _Run:
        directory = Path(tempfile.mkdtemp(prefix=f"{spec.id}-", dir=self._home.name))
        (directory / "spec.json").write_text(spec.model_dump_json())
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "sovplatform.testing.job", str(directory)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUNBUFFERED": "1"},
            )
        return _Run(spec, directory, process, now())

    def _observe(self, run: _Run) -> Job:
        with self._lock:
            code = run.process.poll()
            if code is None:
                return Job(id=run.spec.id, state=JobState.running, started_at=run.started_at)
            if run.final is None:
                run.final = self._ended(run, code)
            return run.final

    @staticmethod
    def _ended(run: _Run, code: int) -> Job:
        outcome = run.directory / "outcome.json"
        told = json.loads(outcome.read_bytes()) if outcome.exists() else {}
        if code == 0 and "result" in told:
            state, message = JobState.succeeded, ""
        elif run.cancelled:
            state, message = JobState.cancelled, "cancelled"
        else:
            state, message = JobState.failed, told.get("error") or f"ended with exit code {code}"
        ended, result = now(), told.get("result") or {}
        return Job(id=run.spec.id, state=state, message=message, started_at=run.started_at, ended_at=ended, result=result)

    def _run(self, job: str) -> _Run:
        try:
            return self._runs[job]
        except KeyError as err:
            raise NotFound(f"no job {job}", remedy="submit it first") from err
