"""Checkov over all that is synthesised: no failed check outside the list where each exception has its reason."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.pilots import SOVCTL

ROOT = Path(__file__).parents[2]
EXCEPTIONS = ROOT / "cdktf" / "checkov.yaml"
CHECKOV = "checkov==3.3.30"
PLACES = ("--sovereign", "aws:DE", "--sovereign", "onprem:FR", "--sovereign", "edge:CH", "--global", "gcp:US")


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All stacks of a pilot with every provider, without the line about versions, which Checkov's reader cannot take."""
    home = tmp_path_factory.mktemp("checkov")
    subprocess.run([SOVCTL, "init", "pilot", home / "all", *PLACES], check=True, capture_output=True)
    subprocess.run([SOVCTL, "-C", home / "all", "synth"], check=True, capture_output=True)
    for path in (home / "all" / "infra").glob("*/cdk.tf.json"):
        body = json.loads(path.read_text())
        del body["terraform"]["required_version"]
        target = home / "scanned" / path.parent.name / path.name
        target.parent.mkdir(parents=True)
        target.write_text(json.dumps(body, indent=1))
    return home / "scanned"


def scan(directory: Path, *options: str) -> Mapping[str, Any]:
    """Checkov has its own pins, so it runs in an environment of its own."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed")
    command = [uv, "tool", "run", "--quiet", "--from", CHECKOV, "checkov", "--skip-download", "--framework", "terraform_json"]
    ended = subprocess.run(
        [*command, "--directory", directory, "--output", "json", "--quiet", "--compact", *options],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.stdout.strip(), ended.stderr
    found: Mapping[str, Any] = json.loads(ended.stdout)
    return found


def test_no_check_fails_that_is_not_excepted_with_a_reason(stacks: Path) -> None:
    found = scan(stacks, "--config-file", str(EXCEPTIONS))
    failed = [f"{item['check_id']} {item['check_name']}: {item['file_path']}" for item in found["results"]["failed_checks"]]
    assert failed == []
    assert found["summary"]["parsing_errors"] == 0
    assert found["summary"]["passed"] > 200


def test_every_exception_has_a_reason_and_is_needed(stacks: Path) -> None:
    lines = [line.strip() for line in EXCEPTIONS.read_text().splitlines() if line.strip().startswith("- CKV")]
    assert all(re.fullmatch(r"- CKV\w+ +# \S.{15,}", line) for line in lines), lines
    failing = {item["check_id"] for item in scan(stacks)["results"]["failed_checks"]}
    assert {line.split()[1] for line in lines} <= failing | NOT_IN_THIS_PILOT


NOT_IN_THIS_PILOT = frozenset[str]()
"""Exceptions for what only other settings of a region bring."""
