"""What is made from code is what the code says now, and what the pages point at is there."""

import importlib.util
import re
from pathlib import Path

import pytest

from sovplatform import hookspecs

ROOT = Path(__file__).parents[2]
SKIPPED = {".venv", ".git", ".sov", "node_modules", "demo", "build", "dist"}
PAGES = [page for page in sorted(ROOT.rglob("*.md")) if not SKIPPED & set(page.relative_to(ROOT).parts)]
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


def test_the_page_of_hooks_is_what_the_hookspecs_say() -> None:
    found = importlib.util.spec_from_file_location("generate_hooks", ROOT / "docs" / "generate_hooks.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    assert (ROOT / "docs" / "hooks.md").read_text() == module.page(), "run: make docs"


def test_every_hook_is_documented() -> None:
    hooks = [value for value in vars(hookspecs).values() if hasattr(value, f"{hookspecs.PROJECT}_spec")]
    assert len(hooks) >= 5
    page = (ROOT / "docs" / "hooks.md").read_text()
    for hook in hooks:
        assert hook.__doc__
        assert f"## `{hook.__name__}`" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_links_to_is_there(page: Path) -> None:
    targets = LINK.findall(re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_decision_is_in_the_index_and_says_what_why_and_what_was_rejected() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    decisions = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert decisions
    for decision in decisions:
        assert f"({decision.name})" in index
        for heading in ("## Decision", "## Why", "## Rejected"):
            assert heading in decision.read_text()
