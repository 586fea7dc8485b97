"""Built wheels work in an environment of their own, outside the checkout."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheels of the SDK and of the built-in providers."""
    out = tmp_path_factory.mktemp("wheels")
    for source in (ROOT, *sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))):
        subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)], cwd=source, check=True)
    return sorted(out.glob("*.whl"))


@pytest.fixture(scope="module")
def place(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that holds the wheels, and sees our dependencies but none of our editable installs."""
    place = tmp_path_factory.mktemp("place")
    venv.create(place, with_pip=False, symlinks=True)
    (site,) = place.glob("lib/python*/site-packages")
    # a path that is named in a .pth file is searched, but its own .pth files (which make editable installs) are not read
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", str(place / "bin" / "python")]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--force-reinstall", *map(str, wheels)], check=True)
    return place


def run(place: Path, where: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    program = str(place / "bin" / command[0])
    return subprocess.run([program, *command[1:]], env=environment, cwd=where, capture_output=True, text=True, check=False)


def test_the_wheels_hold_what_is_read_at_run_time(wheels: list[Path]) -> None:
    names = {name for wheel in wheels for name in zipfile.ZipFile(wheel).namelist()}
    rules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "sovplatform" / "policy").rglob("*.rego")}
    templates = {
        f"sovplatform/_templates/{path.relative_to(ROOT / 'templates').as_posix()}"
        for path in (ROOT / "templates").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert rules
    assert templates
    assert rules | templates | {"sovplatform/py.typed", "sov_onprem/__init__.py"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)


def test_the_code_comes_from_the_wheel(place: Path, tmp_path: Path) -> None:
    code = "import sovplatform, sov_onprem; print(sovplatform.__file__); print(sov_onprem.__file__)"
    ended = run(place, tmp_path, "python", "-c", code)
    assert ended.returncode == 0, ended.stderr
    assert all(line.startswith(str(place)) for line in ended.stdout.splitlines())


def test_the_command_shows_its_help(place: Path, tmp_path: Path) -> None:
    ended = run(place, tmp_path, "sovctl", "--help")
    assert ended.returncode == 0, ended.stderr
    assert "sovctl init pilot" in ended.stdout


def test_a_pilot_is_made_from_the_packed_templates(place: Path, tmp_path: Path) -> None:
    ended = run(place, tmp_path, "sovctl", "init", "pilot", "x", "--example", "fintech")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "x" / "pilot.yaml").is_file()
    assert (tmp_path / "x" / "README.md").is_file()


def test_a_pilot_runs_to_a_served_model_from_the_wheels_alone(place: Path, tmp_path: Path) -> None:
    def sovctl(*arguments: str) -> subprocess.CompletedProcess[str]:
        ended = run(place, tmp_path, "sovctl", "-C", "x", *arguments)
        assert ended.returncode == 0, ended.stderr
        return ended

    assert run(place, tmp_path, "sovctl", "init", "pilot", "x", "--example", "fintech").returncode == 0
    task = yaml.safe_load((tmp_path / "x" / "pilot.yaml").read_text())["task"]
    row = {item["name"]: item["min"] if item["type"] == "number" else item["values"][0] for item in task["features"]}
    (tmp_path / "rows.json").write_text(json.dumps([row]))
    approver = tmp_path / "x" / ".sov" / "people" / "approver"
    try:
        report = json.loads(sovctl("run", "--json", "--approve-with", str(approver)).stdout)
        assert report["state"] == "complete"
        (answer,) = json.loads(sovctl("predict", "--json", "--file", str(tmp_path / "rows.json")).stdout)
        assert 0 < answer["probability"] < 1
        for home in (tmp_path / "x" / ".sov" / "regions").iterdir():
            pid = json.loads((home / "node.pid").read_text())["pid"]
            assert Path(f"/proc/{pid}/cmdline").read_text().startswith(str(place)), "a node runs from somewhere else"
    finally:
        sovctl("down")
    assert all(ledger["verified"] for ledger in json.loads(sovctl("audit", "verify", "--json").stdout))


def test_the_infrastructure_is_planned_and_priced_from_the_wheels_alone(place: Path, tmp_path: Path) -> None:
    places = ("--sovereign", "aws:DE", "--sovereign", "edge:DE", "--global", "gcp:US")
    assert run(place, tmp_path, "sovctl", "init", "pilot", "eu", *places).returncode == 0
    ended = run(place, tmp_path, "sovctl", "-C", "eu", "plan", "--offline", "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    stacks = json.loads(ended.stdout)["stacks"]
    assert {stack["week"] for stack in stacks} == {1, 2, 3, 4}
    assert all(stack["allow"] and stack["changes"]["create"] for stack in stacks)
    ended = run(place, tmp_path, "sovctl", "-C", "eu", "cost", "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["lines"]


def test_the_built_in_provider_is_found_by_its_entry_point(place: Path, tmp_path: Path) -> None:
    ended = run(place, tmp_path, "sovctl", "--json", "plugin", "list")
    assert ended.returncode == 0, ended.stderr
    plugins = {plugin["name"]: plugin for plugin in json.loads(ended.stdout)}
    assert (plugins["onprem"]["distribution"], plugins["onprem"]["loaded"]) == ("sovplatform-onprem", True)
    assert plugins["memory"]["loaded"] is False
