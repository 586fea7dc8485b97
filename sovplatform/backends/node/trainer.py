"""NodeTrainer: jobs as child processes of the region's node."""

from __future__ import annotations

from collections.abc import Iterator

from sovplatform.errors import ConfigError
from sovplatform.interfaces import Trainer
from sovplatform.records import Job, JobSpec
from sovplatform.wire import OperationClient

_LONG_POLL_SECONDS = 20.0


class NodeTrainer(Trainer):
    def __init__(self, client: OperationClient) -> None:
        self._client = client

    def submit(self, spec: JobSpec) -> Job:
        module, colon, function = spec.entrypoint.partition(":")
        if not (colon and module and function):
            raise ConfigError(f"job {spec.id}: {spec.entrypoint!r} is no entry point", remedy="write it as module:function")
        return Job.model_validate(self._client.call("submit", spec.model_dump(mode="json")))

    def status(self, job: str) -> Job:
        return Job.model_validate(self._client.call("job", {"id": job}))

    def wait(self, job: str, timeout: float) -> Job:
        while True:
            step = max(0.0, min(timeout, _LONG_POLL_SECONDS))
            state = Job.model_validate(self._client.call("wait", {"id": job, "timeout": step}, timeout=step + 30))
            timeout -= step
            if state.state.finished or timeout <= 0:
                return state

    def logs(self, job: str) -> Iterator[str]:
        yield from self._client.call("logs", {"id": job})["lines"]

    def cancel(self, job: str) -> Job:
        return Job.model_validate(self._client.call("cancel", {"id": job}))
