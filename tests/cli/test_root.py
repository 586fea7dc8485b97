"""The root of sovctl: light, lazy, and clear about mistakes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from sovplatform.cli.main import COMMANDS, main, root
from sovplatform.errors import Denied, SovError

HEAVY = ("pydantic", "yaml", "rich", "cryptography", "numpy", "mlflow", "kserve", "hvac", "pluggy", "sovplatform.records")


def test_help_imports_nothing_heavy() -> None:
    code = f"""
import sys
from sovplatform.cli.main import main
assert main(["--help"]) == 0
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_root_says_of_a_command_what_the_command_says_of_itself(name: str) -> None:
    command = root.get_command(click.Context(root), name)
    assert command is not None
    assert command.name == name
    assert command.help is not None
    assert command.help.splitlines()[0] == COMMANDS[name][1]


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from _commands(found, (*path, name))
    else:
        yield path, command


@pytest.mark.parametrize(
    ("path", "command"), list(_commands(root)), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_command_has_help_and_takes_a_directory_and_json(path: tuple[str, ...], command: click.Command) -> None:
    assert command.help
    options = {option for parameter in command.params for option in parameter.opts}
    if path != ("completion",):
        assert {"-C", "--json"} <= options
    for parameter in command.params:
        assert isinstance(parameter, click.Argument) or getattr(parameter, "help", None), parameter.name


def test_a_misspelt_command_is_told_with_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["statsu"]) == 2
    assert capsys.readouterr().err == "error: there is no command 'statsu'; did you mean 'status'?\nremedy: see: sovctl --help\n"


def test_no_pilot_is_told_with_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", str(tmp_path), "status"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "there is no pilot.yaml" in said.err
    assert "remedy: " in said.err
    assert "sovctl init pilot" in said.err


@pytest.mark.parametrize("arguments", [["--json", "-C", "{}", "status"], ["status", "-C", "{}", "--json"], ["--json", "statsu"]])
def test_errors_are_json_when_json_was_asked_for(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([argument.format(tmp_path) for argument in arguments]) == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["exit_code"] == 2
    assert error["message"]
    assert error["remedy"]


FAILURES = [
    (Denied("no way", reasons=["because", "and so"], remedy="ask"), 3, "error: no way\n  - because\n  - and so\nremedy: ask\n"),
    (SovError("broken", remedy="mend it"), 1, "error: broken\nremedy: mend it\n"),
    (OSError(28, "No space left on device", "x"), 1, "error: No space left on device: x\nremedy: check space"),
    (RuntimeError("oops"), 1, "error: a fault in sovctl itself: RuntimeError: oops\nremedy: run again with SOVCTL_DEBUG=1"),
    (KeyboardInterrupt(), 130, "error: interrupted\n"),
]


@pytest.mark.parametrize(("error", "code", "text"), FAILURES, ids=lambda value: type(value).__name__)
def test_each_failure_has_its_exit_code_and_no_traceback(
    error: BaseException, code: int, text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(directory: Path) -> Path:
        raise error

    monkeypatch.delenv("SOVCTL_DEBUG", raising=False)
    monkeypatch.setattr("sovplatform.config.find_pilot", fail)
    assert main(["doctor"]) == code
    said = capsys.readouterr().err
    assert said.lstrip().startswith(text)  # click ends the line that shows ^C
    assert "Traceback" not in said
    monkeypatch.setenv("SOVCTL_DEBUG", "1")
    assert main(["doctor"]) == code
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_ends_cleanly() -> None:
    waiter = (
        "import sys\nimport sovplatform.config as config\nfrom sovplatform.cli.main import main\n"
        "def wait(directory):\n    print('ready', flush=True)\n    sys.stdin.read()\n"
        "config.find_pilot = wait\nsys.exit(main(['doctor']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", waiter],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.lstrip().startswith("error: interrupted\n")
    assert "Traceback" not in err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "_SOVCTL_COMPLETE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "begun", "offered"),
    [
        (["plan", "--region"], "edge-de", ["edge-de", "edge-de-site-1", "edge-de-site-2"]),
        (["destroy", "--week", "4", "--region"], "f", ["fabric"]),
        (["cost", "--region"], "", ["de", "fabric", "edge-de", "edge-de-site-1", "edge-de-site-2"]),
        (["apply", "--week"], "", ["1", "2", "3", "4"]),
    ],
)
def test_regions_sites_and_weeks_are_completed(typed: list[str], begun: str, offered: list[str], tmp_path: Path) -> None:
    places = ["--sovereign", "onprem:DE", "--global", "onprem:US", "--sovereign", "edge:DE"]
    assert main(["init", "pilot", str(tmp_path / "eu"), *places]) == 0
    shell = ShellComplete(root, {}, "sovctl", "_SOVCTL_COMPLETE")
    assert [item.value for item in shell.get_completions(["-C", str(tmp_path / "eu"), *typed], begun)] == offered


def test_where_there_is_no_pilot_no_region_is_offered(tmp_path: Path) -> None:
    shell = ShellComplete(root, {}, "sovctl", "_SOVCTL_COMPLETE")
    assert shell.get_completions(["plan", "-C", str(tmp_path), "--region"], "") == []


def test_a_shell_that_is_not_known_is_told_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert capsys.readouterr().err.startswith("error: there is no completion for 'tcsh'; use one of: bash, fish, zsh\n")


def test_a_command_runs_no_program_that_lies_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = tmp_path / "git"
    planted.write_text(f"#!/bin/sh\ntouch {tmp_path}/obeyed\n")
    planted.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}")
    assert main(["init", "pilot", str(tmp_path / "demo"), "--example", "fintech"]) == 0
    assert not (tmp_path / "obeyed").exists()
