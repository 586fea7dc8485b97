"""Finding Terraform or OpenTofu, what it can, and ending what runs."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sovplatform.errors import ConfigError, Unavailable, Unsupported
from sovplatform.infrastructure.diagnostics import TerraformFailed
from sovplatform.infrastructure.process import Children
from sovplatform.infrastructure.terraform import Terraform, find
from tests.unit.infrastructure.conftest import WriteStack

Command = Callable[[str], str]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """A command that says what it is told to."""

    def make(says: str) -> str:
        path = tmp_path / "tf"
        path.write_text(f"#!/bin/sh\necho '{says}'\n")
        path.chmod(0o755)
        return str(path)

    return make


def test_the_first_on_the_path_is_found_with_its_version(terraform: Terraform) -> None:
    assert terraform.product in ("Terraform", "OpenTofu")
    assert terraform.version >= (1, 8)


def test_opentofu_is_told_by_what_it_says(command: Command) -> None:
    assert str(find(command("OpenTofu v1.11.2"))) == "OpenTofu 1.11.2"


def test_a_command_that_tells_its_version_as_json_alone_is_understood(command: Command) -> None:
    assert str(find(command('{"terraform_version": "1.9.0"}'))) == "Terraform 1.9.0"


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ("Terraform v1.5.7", "Terraform 1.5.7, which is too old"),
        ("OpenTofu v1.6.0", "OpenTofu 1.6.0, which is too old"),
        ('{"terraform_version": "1.5.7"}', "Terraform 1.5.7, which is too old"),
        ("Hello", "neither Terraform nor OpenTofu"),
        ("{}", "neither Terraform nor OpenTofu"),
    ],
)
def test_an_old_or_foreign_command_is_refused(command: Command, says: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        find(command(says))
    assert "install Terraform ≥ 1.9 or OpenTofu ≥ 1.8" in caught.value.remedy


def test_a_missing_command_is_refused_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="neither terraform nor tofu is on the path"):
        find()
    with pytest.raises(ConfigError, match="'/no/tofu', which SOVCTL_TERRAFORM names"):
        find("/no/tofu")


def test_what_lies_in_the_working_directory_is_not_run_for_terraform(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(command("Terraform v1.14.0")).rename(tmp_path / "terraform")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f":{os.defpath}")
    with pytest.raises(ConfigError, match="whatever lies in the directory") as caught:
        find()
    assert "SOVCTL_TERRAFORM" in caught.value.remedy


def test_a_command_that_is_named_by_a_relative_path_is_the_same_in_every_directory(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(command("Terraform v1.14.0"))
    monkeypatch.chdir(path.parent)
    assert find("./tf").path == str(path)


@pytest.mark.parametrize(
    ("product", "version", "can"),
    [
        ("Terraform", (1, 13, 9), False),
        ("Terraform", (1, 14, 0), True),
        ("OpenTofu", (1, 10, 9), False),
        ("OpenTofu", (1, 11, 0), True),
    ],
)
def test_a_version_that_is_too_old_for_what_needs_it_is_named_with_the_first_that_is_not(
    product: str, version: tuple[int, ...], can: bool
) -> None:
    found = Terraform("terraform", product, version)
    if can:
        found.require_version("1.14", "1.11", needed_by="the state of stack de-week1")
        return
    with pytest.raises(Unsupported, match=rf"Terraform ≥ 1\.14 or OpenTofu ≥ 1\.11, and this is {found}") as caught:
        found.require_version("1.14", "1.11", needed_by="the state of stack de-week1")
    assert caught.value.remedy.startswith("install Terraform ≥ 1.14 or OpenTofu ≥ 1.11, or name it with SOVCTL_TERRAFORM")


def test_a_stack_is_planned_applied_and_destroyed(terraform: Terraform, write_stack: WriteStack) -> None:
    body = {"resource": {"terraform_data": {"x": {"input": "y"}}}, "output": {"said": {"value": "${terraform_data.x.output}"}}}
    stack = write_stack(body)
    told: list[str] = []
    terraform.init(stack)
    terraform.validate(stack)
    terraform.plan(stack, stack / "plan")
    terraform.apply(stack, stack / "plan", on_event=lambda event: told.append(event["type"]))
    assert terraform.output(stack) == {"said": "y"}
    assert "apply_complete" in told
    terraform.plan(stack, stack / "plan", options=["-destroy"])
    assert terraform.show(stack, stack / "plan")["resource_changes"][0]["change"]["actions"] == ["delete"]
    terraform.apply(stack, stack / "plan")
    assert terraform.output(stack) == {}


def test_settings_of_the_operator_move_neither_the_state_nor_what_is_planned(
    terraform: Terraform, write_stack: WriteStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is judged says where the state rests; `-backend-config` in the environment would have it elsewhere."""
    body = {
        "terraform": {"backend": {"local": {"path": "own.tfstate"}}},
        "variable": {"x": {"default": "own"}},
        "resource": {"terraform_data": {"x": {"input": "${var.x}"}}},
        "output": {"said": {"value": "${terraform_data.x.output}"}},
    }
    stack = write_stack(body)
    monkeypatch.setenv("TF_CLI_ARGS_init", f"-backend-config=path={tmp_path}/theirs.tfstate")
    monkeypatch.setenv("TF_VAR_x", "theirs")
    monkeypatch.setenv("TF_DATA_DIR", str(tmp_path / "data"))
    terraform.init(stack)
    terraform.plan(stack, stack / "plan")
    terraform.apply(stack, stack / "plan")
    assert terraform.output(stack) == {"said": "own"}
    assert (stack / "own.tfstate").is_file()
    assert not (tmp_path / "theirs.tfstate").exists()


def test_a_plan_that_is_out_of_date_is_refused_in_terraforms_words(terraform: Terraform, write_stack: WriteStack) -> None:
    stack = write_stack({"resource": {"terraform_data": {"x": {"input": "y"}}}})
    terraform.init(stack)
    terraform.plan(stack, stack / "plan")
    terraform.apply(stack, stack / "plan")
    with pytest.raises(TerraformFailed, match=r"apply` failed for the stack 'de-week1': .*no longer be applied"):
        terraform.apply(stack, stack / "plan")


def test_what_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"took more than 0\.2 seconds"):
        Children().run(["sleep", "60"], directory=tmp_path, environment=os.environ, seconds=0.2)


def test_what_does_not_listen_is_killed(tmp_path: Path) -> None:
    deaf = "import signal,time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    children = Children(grace_seconds=0.1)
    began = time.monotonic()
    ended = children.run(
        [sys.executable, "-c", deaf],
        directory=tmp_path,
        environment=os.environ,
        seconds=60,
        on_line=lambda _: threading.Thread(target=children.end_all).start(),
    )
    assert ended.code == -signal.SIGKILL
    assert time.monotonic() - began < 30


def test_after_the_end_nothing_is_started(tmp_path: Path) -> None:
    children = Children()
    children.end_all()
    with pytest.raises(Unavailable, match="was not started"):
        children.run(["true"], directory=tmp_path, environment=os.environ, seconds=1)


def test_what_outlives_us_writes_to_no_pipe_of_ours_and_is_read_as_it_comes(tmp_path: Path) -> None:
    """It says what its output is, waits until that was read, and ends without a newline."""
    told = "import os,stat,time\nprint(stat.S_ISREG(os.fstat(1).st_mode), flush=True)\n"
    waits = "while not os.path.exists('read'): time.sleep(0.01)\nprint('é', end='')"
    lines: list[str] = []

    def take(line: str) -> None:
        lines.append(line)
        (tmp_path / "read").touch()

    command = [sys.executable, "-X", "utf8", "-c", told + waits]
    ended = Children().run(command, directory=tmp_path, environment=os.environ, seconds=30, on_line=take, outlives=True)
    assert (ended.code, lines) == (0, ["True\n", "é"])
