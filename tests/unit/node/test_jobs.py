"""Jobs as processes: one that gets no identity does not stay behind."""

from pathlib import Path

import pytest

from sovplatform.errors import ConfigError, NotFound
from sovplatform.node.jobs import JobRunner
from sovplatform.records import JobSpec


def test_a_job_that_gets_no_identity_is_ended_and_forgotten(tmp_path: Path) -> None:
    started: list[int] = []

    def refuse(pid: int, path: str) -> None:
        started.append(pid)
        raise ConfigError(f"{path} is no path", remedy="use another")

    runner = JobRunner(tmp_path / "jobs", {}, admit=refuse, dismiss=lambda pid: None, ended=lambda spec, job: None)
    with pytest.raises(ConfigError, match="is no path"):
        runner.submit(JobSpec(id="odd", entrypoint="os:getcwd", identity="../border"))
    assert len(started) == 1
    assert not Path(f"/proc/{started[0]}").exists()
    with pytest.raises(NotFound):
        runner.status("odd")
