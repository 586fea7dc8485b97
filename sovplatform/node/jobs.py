"""Runs a region's jobs as child processes, knows their pids, and keeps their states on disk."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from pydantic import JsonValue, TypeAdapter

from sovplatform.backends.node.process import node_environment
from sovplatform.backends.vault_rights import role_of
from sovplatform.errors import Conflict, NotFound
from sovplatform.private import write_atomically
from sovplatform.records import Job, JobSpec, JobState, now

_LOG_TAIL = 256 * 1024
_RESULT: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


class _Running:
    def __init__(self, process: subprocess.Popen[bytes], lifeline: IO[bytes]) -> None:
        self.process = process
        self.lifeline = lifeline
        self.cancelled = False


class JobRunner:
    """`admit(pid, identity)` is called before a job does anything, so that it can be attested; `dismiss(pid)` afterwards."""

    def __init__(
        self,
        home: Path,
        environment: dict[str, str],
        *,
        admit: Callable[[int, str], None],
        dismiss: Callable[[int], None],
        ended: Callable[[JobSpec, Job], None],
    ) -> None:
        self._home = home
        self._environment = environment
        self._admit = admit
        self._dismiss = dismiss
        self._ended = ended
        self._running: dict[str, _Running] = {}
        self._changed = threading.Condition()
        home.mkdir(parents=True, exist_ok=True)
        self._forget_orphans()

    def _forget_orphans(self) -> None:
        """Jobs that ran when the node died: they end by themselves, as their lifeline is cut; say that they failed."""
        for path in self._home.glob("*/state.json"):
            job = Job.from_json(path.read_bytes())
            if not job.state.finished:
                failed = job.model_copy(update={"state": JobState.failed, "message": "the region stopped", "ended_at": now()})
                write_atomically(path, failed.canonical())

    def submit(self, spec: JobSpec) -> tuple[Job, bool]:
        """The job, and whether this call started it."""
        with self._changed:
            directory = self._home / spec.id
            known = self._read(spec.id)
            if known is not None:
                if (directory / "spec.json").read_bytes() != spec.canonical():
                    raise Conflict(f"job {spec.id} exists with another content", remedy="give the new job an id of its own")
                if spec.id in self._running or known.state is JobState.succeeded:
                    return known, False
            directory.mkdir(exist_ok=True)
            write_atomically(directory / "spec.json", spec.canonical())
            (directory / "result.json").unlink(missing_ok=True)
            (directory / "error.json").unlink(missing_ok=True)
            job = self._start(spec, directory)
            return job, True

    def _start(self, spec: JobSpec, directory: Path) -> Job:
        reader, writer = os.pipe()
        with (directory / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "sovplatform.node.job", str(directory)],
                stdin=reader,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self._environment, "SOV_IDENTITY": role_of(f"job/{spec.identity}")},
                cwd=directory,
                start_new_session=True,
            )
        os.close(reader)
        running = _Running(process, os.fdopen(writer, "wb", buffering=0))
        try:
            self._admit(process.pid, f"/job/{spec.identity}")
        except BaseException:  # it waits for a word that will not come
            process.kill()
            process.wait()
            running.lifeline.close()
            raise
        job = Job(id=spec.id, state=JobState.running, started_at=now())
        write_atomically(directory / "state.json", job.canonical())
        self._running[spec.id] = running
        running.lifeline.write(b"go\n")
        threading.Thread(target=self._watch, args=(spec, directory, running), daemon=True, name=f"job-{spec.id}").start()
        return job

    def _watch(self, spec: JobSpec, directory: Path, running: _Running) -> None:
        code = running.process.wait()
        self._dismiss(running.process.pid)
        running.lifeline.close()
        job = self._outcome(spec.id, directory, code, cancelled=running.cancelled)
        with contextlib.suppress(Exception):  # an unwritable ledger must not keep a job from being seen as ended
            self._ended(spec, job)
        with self._changed:
            write_atomically(directory / "state.json", job.canonical())
            self._running.pop(spec.id, None)
            self._changed.notify_all()

    def _outcome(self, job_id: str, directory: Path, code: int, *, cancelled: bool) -> Job:
        started = self._read(job_id)
        update: dict[str, Any] = {"ended_at": now()}
        result, error = directory / "result.json", directory / "error.json"
        if cancelled:
            update |= {"state": JobState.cancelled, "message": "cancelled"}
        elif code == 0 and result.exists():
            update |= {"state": JobState.succeeded, "result": _RESULT.validate_json(result.read_bytes())}
        elif error.exists():
            body = _RESULT.validate_json(error.read_bytes())
            update |= {"state": JobState.failed, "message": str(body.get("message", "")), "result": {"error": body}}
        else:
            how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
            update |= {"state": JobState.failed, "message": f"{how} without a word (out of memory or time?)"}
        assert started is not None  # noqa: S101 - written before the job began
        return started.model_copy(update=update)

    def _read(self, job_id: str) -> Job | None:
        try:
            return Job.from_json((self._home / job_id / "state.json").read_bytes())
        except FileNotFoundError:
            return None

    def status(self, job_id: str) -> Job:
        job = self._read(job_id)
        if job is None:
            raise NotFound(f"no job {job_id} in this region", remedy="submit it first")
        return job

    def wait(self, job_id: str, timeout: float) -> Job:
        with self._changed:
            self._changed.wait_for(lambda: job_id not in self._running, timeout)
            return self.status(job_id)

    def logs(self, job_id: str) -> list[str]:
        self.status(job_id)
        with (self._home / job_id / "log").open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LOG_TAIL))
            return file.read().decode(errors="replace").splitlines()

    def cancel(self, job_id: str) -> Job:
        self.status(job_id)
        with self._changed:
            running = self._running.get(job_id)
            if running is not None:
                running.cancelled = True
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(running.process.pid, signal.SIGKILL)
        return self.wait(job_id, 10)

    def stop(self) -> None:
        """End every job that runs."""
        for job_id in list(self._running):
            self.cancel(job_id)


def job_environment(workload_api: str, socket: Path) -> dict[str, str]:
    """What a job may see: nothing of the operator's, and the two sockets that it works through."""
    return {**node_environment(), "SPIFFE_ENDPOINT_SOCKET": workload_api, "SOV_BORDER": f"unix:{socket}"}
