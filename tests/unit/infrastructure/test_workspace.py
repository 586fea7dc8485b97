"""Where a stack is planned: Terraform reads the stack there, and nothing that somebody left beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sovplatform.infrastructure.request import STACK_FILE
from sovplatform.infrastructure.workspace import Workspace


@pytest.mark.parametrize("name", ["evil.tf", "override.tf.json", "x_override.tofu", "terraform.tfvars", "x.auto.tfvars.json"])
def test_what_lies_beside_a_stack_is_not_planned_with_it(tmp_path: Path, name: str) -> None:
    synthesised, place = tmp_path / "de-week1", Workspace(tmp_path / "home", "de-week1")
    synthesised.mkdir()
    (synthesised / STACK_FILE).write_text("{}")
    place.begin(synthesised, anew=True)
    (place.directory / name).write_text("{}")
    place.errored.write_text("{}")
    place.begin(synthesised, anew=True)
    assert sorted(path.name for path in place.directory.iterdir()) == [STACK_FILE, "errored.tfstate"]
