"""What every Trainer must do."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest
from pydantic import JsonValue

from sovplatform.errors import ConfigError, Conflict, NotFound, Unsupported
from sovplatform.interfaces import Trainer
from sovplatform.records import JobSpec, JobState
from sovplatform.testing.conformance.waiting import missing, until

ENTRYPOINTS = "sovplatform.testing.entrypoints"


class TrainerConformance:
    """Must override: the fixture `trainer` (any scope; jobs of random ids are run in it).

    May override: `identity`, the workload that jobs run as; `seconds`, how long a job that does nothing may take from
    submission to its end; `local = True` when jobs run on this machine, so that what they leave behind can be seen.
    """

    identity = "conformance"
    seconds = 60.0
    local = False

    @pytest.fixture
    def trainer(self) -> Trainer:
        raise missing("trainer")

    def spec(self, function: str, config: dict[str, JsonValue] | None = None) -> JobSpec:
        """A new job of one of the suite's own entry points."""
        return JobSpec(
            id=f"conformance-{uuid.uuid4().hex[:12]}",
            entrypoint=f"{ENTRYPOINTS}:{function}",
            identity=self.identity,
            config=config or {},
        )

    def test_a_job_is_given_its_configuration_and_its_result_comes_back(self, trainer: Trainer) -> None:
        config: dict[str, JsonValue] = {"round": 3, "names": ["a", "ü"], "rate": 0.5, "nothing": None}
        spec = self.spec("echo", config)
        submitted = trainer.submit(spec)
        job = trainer.wait(spec.id, self.seconds)
        assert submitted.id == spec.id
        assert job.state is JobState.succeeded, job.message
        assert job.result["config"] == config
        assert job.started_at is not None
        assert job.ended_at is not None
        assert job.started_at <= job.ended_at
        assert trainer.status(spec.id) == job

    def test_the_log_has_both_streams_oldest_first(self, trainer: Trainer) -> None:
        spec = self.spec("echo")
        trainer.submit(spec)
        trainer.wait(spec.id, self.seconds)
        lines = [line for line in trainer.logs(spec.id) if line.endswith(" line")]
        assert sorted(lines) == ["first line", "second line", "third line"]
        assert lines.index("first line") < lines.index("third line")

    def test_submitting_a_job_twice_runs_it_once(self, trainer: Trainer) -> None:
        spec = self.spec("echo")
        trainer.submit(spec)
        trainer.submit(spec)
        first = trainer.wait(spec.id, self.seconds)
        assert trainer.submit(spec) == first
        assert trainer.wait(spec.id, self.seconds).result["call"] == first.result["call"]

    def test_another_job_of_the_same_id_is_a_conflict(self, trainer: Trainer) -> None:
        spec = self.spec("echo", {"round": 1})
        trainer.submit(spec)
        with pytest.raises(Conflict):
            trainer.submit(spec.model_copy(update={"config": {"round": 2}}))
        assert trainer.wait(spec.id, self.seconds).result["config"] == {"round": 1}

    def test_a_job_that_raises_has_failed_and_its_log_says_how(self, trainer: Trainer) -> None:
        spec = self.spec("fail")
        trainer.submit(spec)
        job = trainer.wait(spec.id, self.seconds)
        assert job.state is JobState.failed
        assert job.message
        assert any("ArithmeticError" in line for line in trainer.logs(spec.id))

    def test_a_failed_job_can_be_submitted_again(self, trainer: Trainer) -> None:
        spec = self.spec("fail")
        trainer.submit(spec)
        first = trainer.wait(spec.id, self.seconds)
        trainer.submit(spec)
        again = trainer.wait(spec.id, self.seconds)
        assert first.started_at is not None
        assert again.started_at is not None
        assert first.started_at < again.started_at

    def test_an_entry_point_that_does_not_exist_fails_the_job(self, trainer: Trainer) -> None:
        spec = self.spec("no_such_function")
        trainer.submit(spec)
        job = trainer.wait(spec.id, self.seconds)
        assert job.state is JobState.failed
        assert job.message

    @pytest.mark.parametrize("entrypoint", ["", "module", "module:", ":function"])
    def test_an_entry_point_of_another_form_is_refused_at_once(self, trainer: Trainer, entrypoint: str) -> None:
        spec = self.spec("echo").model_copy(update={"entrypoint": entrypoint})
        with pytest.raises(ConfigError):
            trainer.submit(spec)
        with pytest.raises(NotFound):
            trainer.status(spec.id)

    def test_waiting_ends_at_its_timeout_and_cancelling_ends_the_job_and_its_children(self, trainer: Trainer) -> None:
        spec = self.spec("last")
        trainer.submit(spec)
        until(lambda: bool(self._child(trainer, spec.id)), self.seconds, "the job's first line")
        assert trainer.wait(spec.id, 0.1).state is JobState.running
        child = self._child(trainer, spec.id)
        trainer.cancel(spec.id)
        job = trainer.wait(spec.id, self.seconds)
        assert job.state is JobState.cancelled
        assert trainer.cancel(spec.id) == job
        if self.local:
            until(lambda: not _alive(child), 10, "the end of what the job had started")

    def test_a_finished_job_cannot_be_cancelled(self, trainer: Trainer) -> None:
        spec = self.spec("echo")
        trainer.submit(spec)
        job = trainer.wait(spec.id, self.seconds)
        assert trainer.cancel(spec.id) == job

    @pytest.mark.parametrize(("function", "limits"), [("spin", {"cpu_seconds": 1}), ("hoard", {"memory_mb": 512})])
    def test_a_limit_ends_the_job_or_is_unsupported(self, trainer: Trainer, function: str, limits: dict[str, int]) -> None:
        spec = self.spec(function).model_copy(update=limits)
        try:
            trainer.submit(spec)
        except Unsupported as err:
            assert err.reason
            return
        try:
            assert trainer.wait(spec.id, self.seconds).state is JobState.failed
        finally:
            trainer.cancel(spec.id)

    def test_a_job_that_is_not_there_is_not_found(self, trainer: Trainer) -> None:
        with pytest.raises(NotFound):
            trainer.status("conformance-none")
        with pytest.raises(NotFound):
            trainer.wait("conformance-none", 0.1)
        with pytest.raises(NotFound):
            list(trainer.logs("conformance-none"))
        with pytest.raises(NotFound):
            trainer.cancel("conformance-none")

    @staticmethod
    def _child(trainer: Trainer, job: str) -> int:
        return next((int(line.split()[1]) for line in trainer.logs(job) if line.startswith("child ")), 0)


def _alive(pid: int) -> bool:
    """True when the process runs; one that has ended and was not yet waited for does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
