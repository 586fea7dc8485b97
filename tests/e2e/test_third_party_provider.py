"""Somebody else's provider: installed by pip, found by its entry point, and held to the interfaces."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOVCTL = str(Path(sys.executable).with_name("sovctl"))
SOURCE = Path(__file__).parents[2] / "examples" / "third_party_provider"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a Python that has acme installed."""
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*command, "--disable-pip-version-check", "--target", str(site), str(SOURCE)], check=True)
    return {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "200"}


def run(environment: dict[str, str], where: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], env=environment, cwd=where, capture_output=True, text=True, check=False)


def test_its_own_tests_pass(environment: dict[str, str], tmp_path: Path) -> None:
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", f"--rootdir={tmp_path}", "-c", os.devnull]
    ended = run(environment, tmp_path, "-m", "pytest", *options, str(SOURCE / "tests"))
    assert ended.returncode == 0, ended.stdout
    assert " passed" in ended.stdout


def test_the_command_lists_it_and_does_not_load_it(environment: dict[str, str], tmp_path: Path) -> None:
    ended = run(environment, tmp_path, SOVCTL, "--json", "plugin", "list")
    assert ended.returncode == 0, ended.stderr
    (acme,) = [plugin for plugin in json.loads(ended.stdout) if plugin["name"] == "acme"]
    assert (acme["distribution"], acme["loaded"]) == ("acme-sov", False)


def test_the_command_checks_it(environment: dict[str, str], tmp_path: Path) -> None:
    ended = run(environment, tmp_path, SOVCTL, "--json", "plugin", "check", "acme")
    findings = json.loads(ended.stdout)
    assert [finding for finding in findings if not finding["ok"]] == []
    assert ended.returncode == 0, ended.stderr
    assert len(findings) > 70


def test_its_infrastructure_is_planned_and_allowed(environment: dict[str, str], tmp_path: Path) -> None:
    if shutil.which("terraform") is None:
        pytest.skip("Terraform is not installed")
    made = run(environment, tmp_path, SOVCTL, "init", "pilot", "demo", "--sovereign", "acme:DE")
    assert made.returncode == 0, made.stderr
    ended = run(environment, tmp_path, SOVCTL, "-C", "demo", "plan", "--offline", "--region", "de", "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "planning 4 stacks" in ended.stderr
    assert "planned, 4 of 4" in ended.stderr
    stacks = {stack["stack"]: stack for stack in json.loads(ended.stdout)["stacks"]}
    assert [stack["allow"] for stack in stacks.values()] == [True] * 4
    assert {item["title"] for item in stacks["de-week2"]["left_out"]} == {"region-keys", "audit-sink", "raw-data-store"}
