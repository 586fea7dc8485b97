"""A task is the built-in one or a class of the pilot's own code, and of nobody else's."""

import sys
from pathlib import Path

import pytest

from sovplatform.errors import ConfigError
from sovplatform.pilot import TaskSpec
from sovplatform.tasks.loading import load_task
from sovplatform.tasks.tabular import TabularTask


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


FAILING = {"syntax": "def (", "raises": "raise RuntimeError('one\\ntwo')", "ends": "raise SystemExit(0)", "null": "x = 1\0"}


@pytest.mark.parametrize("case", FAILING)
def test_code_that_fails_is_one_clear_line(spec: TaskSpec, tmp_path: Path, case: str) -> None:
    (tmp_path / f"pilot_failing_{case}.py").write_text(FAILING[case])
    with pytest.raises(ConfigError, match=r"does not load: [^\n]+$"):
        load_task(spec.model_copy(update={"entrypoint": f"pilot_failing_{case}:Task"}), tmp_path)


def test_a_module_that_is_not_the_pilots_own_is_not_even_imported(spec: TaskSpec, tmp_path: Path) -> None:
    sys.modules.pop("this", None)
    with pytest.raises(ConfigError, match="no module this in the pilot's code"):
        load_task(spec.model_copy(update={"entrypoint": "this:Task"}), tmp_path)
    assert "this" not in sys.modules


@pytest.mark.parametrize("linked", ["file", "directory"])
def test_a_link_out_of_the_pilot_is_not_followed(spec: TaskSpec, tmp_path: Path, linked: str) -> None:
    mark, outside, code = tmp_path / "ran", tmp_path / "outside", tmp_path / "pilot" / "model"
    outside.mkdir()
    code.parent.mkdir()
    (outside / f"pilot_linked_{linked}.py").write_text(f"open({str(mark)!r}, 'w')")
    if linked == "directory":
        code.symlink_to(outside)
    else:
        code.mkdir()
        (code / f"pilot_linked_{linked}.py").symlink_to(outside / f"pilot_linked_{linked}.py")
    with pytest.raises(ConfigError, match="in the pilot's code"):
        load_task(spec.model_copy(update={"entrypoint": f"pilot_linked_{linked}:Task"}), code)
    assert not mark.exists()
