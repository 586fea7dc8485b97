"""A task is the built-in one or a class of the pilot's own code, and of nobody else's."""

from pathlib import Path

import pytest

from sovplatform.errors import ConfigError
from sovplatform.pilot import TaskSpec
from sovplatform.tasks.tabular import TabularTask
from sovplatform.tasks.task import load_task


def test_the_built_in_task_needs_no_code(spec: TaskSpec) -> None:
    assert type(load_task(spec)) is TabularTask


def test_a_class_of_the_pilots_own_is_loaded(spec: TaskSpec, tmp_path: Path) -> None:
    code = "from sovplatform.tasks.tabular import TabularTask\n\nclass Mine(TabularTask):\n    pass\n"
    (tmp_path / "pilot_model_one.py").write_text(code)
    task = load_task(spec.model_copy(update={"entrypoint": "pilot_model_one:Mine"}), tmp_path)
    assert type(task).__name__ == "Mine" and task.spec.name == "small"


@pytest.mark.parametrize(
    "entrypoint", ["nowhere_to_be_found:Task", "json:JSONDecoder", "pilot_model_two:Other", "pilot_model_two:NoTask", "x"]
)
def test_what_is_no_task_of_the_pilot_is_refused(spec: TaskSpec, tmp_path: Path, entrypoint: str) -> None:
    (tmp_path / "pilot_model_two.py").write_text("class NoTask:\n    pass\n")
    with pytest.raises(ConfigError):
        load_task(spec.model_copy(update={"entrypoint": entrypoint}), tmp_path)
