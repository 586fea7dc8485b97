"""What every stage is given: the pilot, its regions, and where records and ledger entries go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import JsonValue, ValidationError

from sovplatform.border.client import BorderClient
from sovplatform.errors import Denied, JobFailed, SovError, Unavailable
from sovplatform.interfaces import Region
from sovplatform.pilot import Pilot
from sovplatform.private import make_directory, write_atomically
from sovplatform.records import Job, JobSpec, JobState, Record, RegionSpec, digest_of
from sovplatform.runreport import StageReport, StageState
from sovplatform.wire import decode_error

R = TypeVar("R", bound=Record)
T = TypeVar("T")
Progress = Callable[[StageReport], None]
_POLL_SECONDS = 5.0


@dataclass
class StageContext:
    """`state` is the pilot's private directory (`.sov`); `root` the pilot's own."""

    pilot: Pilot
    root: Path
    state: Path
    regions: Mapping[str, Region]
    progress: Progress = lambda report: None
    reports: list[StageReport] = field(default_factory=list)

    # -- records --

    def stage(
        self,
        name: str,
        given: Sequence[Record],
        make: Callable[[], R],
        kind: type[R],
        *,
        keep: bool = True,
        recorded: bool = True,
    ) -> R:
        """Run a stage, or return the record that it made of the same input before.

        `keep=False` is for stages that must look at the world each time; what they do is idempotent by itself, and they record
        it themselves. `recorded=False` is for a stage that comes before there is a ledger.
        """
        path = self.state / "records" / f"{name}.json"
        source = digest_of("".join(record.digest for record in given).encode())
        began = time.monotonic()
        known = _kept(path, source, kind) if keep else None
        if known is None:
            self.progress(StageReport(stage=name, state=StageState.pending, seconds=0.0))
        made = known if known is not None else make()
        if known is None and keep:
            make_directory(path.parent)
            write_atomically(path, _Kept(source=source, record=made.model_dump(mode="json")).canonical())
            if recorded:
                self.record("stage.done", name, {"record": made.digest}, key=f"stage/{name}/{made.digest}")
        state = StageState.done if known is None else StageState.reused
        state = StageState.waiting if getattr(made, "waiting", ()) else state
        self.report(StageReport(stage=name, state=state, seconds=time.monotonic() - began, detail=_detail(made)))
        return made

    def report(self, report: StageReport) -> None:
        self.reports.append(report)
        self.progress(report)

    # -- regions --

    def border(self, region: str) -> BorderClient:
        """The border of a region that is up.

        Raises:
            Unavailable: the region is not up.
        """
        status = self.regions[region].status()
        if "border" not in status.endpoints:
            raise Unavailable(f"region {region} is not up: {'; '.join(status.problems)}", remedy="run `sovctl up`")
        return BorderClient(status.endpoints["border"], region=region)

    def record(self, event: str, subject: str, details: Mapping[str, Any], *, key: str, regions: Iterable[str] = ()) -> None:
        """Write one event to the ledgers of the named regions, or of all; once per `key`."""
        names = list(regions) or list(self.regions)
        self.each(
            [self.pilot.region(name) for name in names],
            lambda spec: self.border(spec.name).record(event, subject, details, key=key),
        )

    def seal(self) -> None:
        """Have each region sign its ledger as it is now, which it else does soon after an entry."""
        self.each(self.pilot.regions, lambda spec: self.border(spec.name).checkpoint())

    @staticmethod
    def each(specs: Sequence[RegionSpec], act: Callable[[RegionSpec], T]) -> list[T]:
        """Do one thing in several regions at once; the first error is raised when all have ended."""
        if not specs:
            return []
        with ThreadPoolExecutor(max_workers=len(specs)) as pool:
            futures = [pool.submit(act, spec) for spec in specs]
        return [future.result() for future in futures]

    # -- jobs --

    def run_jobs(self, jobs: Sequence[tuple[str, JobSpec]], timeout: float) -> dict[str, Job]:
        """Run one job in each named region at once, and return them by region. When one fails the others are cancelled.

        Raises:
            Denied: a job was denied something; the reasons are its own.
            JobFailed: a job failed, or was not ready after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        for region, spec in jobs:
            self.regions[region].trainer().submit(spec)
        waiting = dict(jobs)
        done: dict[str, Job] = {}
        try:
            while waiting:
                done |= self._finished(waiting, deadline)
                for region in done:
                    waiting.pop(region, None)
        except BaseException:
            for region, spec in waiting.items():
                self._cancel(region, spec.id)
            raise
        return done

    def _finished(self, waiting: Mapping[str, JobSpec], deadline: float) -> dict[str, Job]:
        region, spec = next(iter(waiting.items()))
        pause = _POLL_SECONDS if len(waiting) == 1 else 0.25
        self.regions[region].trainer().wait(spec.id, pause)
        found = {region: self.regions[region].trainer().status(spec.id) for region, spec in waiting.items()}
        for region, job in found.items():
            if job.state.finished and job.state is not JobState.succeeded:
                raise _failure(region, job)
        finished = {region: job for region, job in found.items() if job.state.finished}
        if not finished and time.monotonic() > deadline:
            raise JobFailed(
                f"job {spec.id} in region {region} is not ready in time", remedy="see `sovctl status`, then run again"
            )
        return finished

    def _cancel(self, region: str, job: str) -> None:
        try:
            self.regions[region].trainer().cancel(job)
        except SovError:
            return  # the region is gone, and the job with it


class _Kept(Record):
    source: str
    record: Mapping[str, JsonValue]


def _kept(path: Path, source: str, kind: type[R]) -> R | None:
    try:
        kept = _Kept.from_json(path.read_bytes())
        return kind.model_validate_json(_dump(kept)) if kept.source == source else None
    except (FileNotFoundError, ValidationError):
        return None


def _dump(kept: _Kept) -> bytes:
    import json

    return json.dumps(kept.model_dump(mode="json")["record"]).encode()


def _detail(record: Record) -> str:
    return str(getattr(record, "summary", ""))


def _failure(region: str, job: Job) -> SovError:
    error = job.result.get("error")
    if isinstance(error, dict):
        cause = decode_error(error)
        if isinstance(cause, Denied):
            return Denied(f"region {region}, job {job.id}: {cause.message}", reasons=cause.reasons, remedy=cause.remedy)
        return JobFailed(f"region {region}, job {job.id}: {cause.message}", remedy=cause.remedy)
    return JobFailed(f"region {region}, job {job.id}: {job.message}", remedy="see the job's log in the region, then run again")
