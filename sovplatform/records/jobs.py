"""Work inside a region."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import AwareDatetime, JsonValue

from sovplatform.records.record import Name, Record


class JobState(StrEnum):
    pending = "pending"
    running = "running"
    succeeded = "succeeded"
    failed = "failed"
    cancelled = "cancelled"

    @property
    def finished(self) -> bool:
        return self in (JobState.succeeded, JobState.failed, JobState.cancelled)


class JobSpec(Record):
    """Work to be done inside a region.

    `entrypoint` is `module:function`, called with the job's context: in a node a `sovplatform.jobs.context.JobContext`, with
    every trainer an object that has `config` and `directory`. What it returns, a mapping or None, is the job's result.
    `identity` is the last part of the job's SPIFFE ID (`spiffe://<trust domain>/job/<identity>`); `memory_mb` and
    `cpu_seconds` are hard limits, 0 for none. Two submissions with one `id` are one job.
    """

    id: Name
    entrypoint: str
    identity: str
    config: Mapping[str, JsonValue] = {}
    memory_mb: int = 0
    cpu_seconds: int = 0


class Job(Record):
    """How a job is. `message` says why it failed; `result` is what its entrypoint returned, or its `error`."""

    id: Name
    state: JobState
    message: str = ""
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    result: Mapping[str, JsonValue] = {}
