"""A look over a pilot's own rules names what is wrong with them, and nothing that only looks like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sovplatform.errors import ConfigError
from sovplatform.policy.review import review

HEAD = "package sovplatform.border\n\nimport rego.v1\n\n"


def rules(directory: Path, text: str) -> list[Path]:
    (directory / "mine.rego").write_text(HEAD + text)
    return [directory]


def test_a_call_within_a_text_or_a_comment_is_none(tmp_path: Path) -> None:
    review(
        rules(
            tmp_path,
            'text := `one\n# nothing(x) "\nnowhere(y)`\n\n# it\'s "never(z)\n'
            'deny contains {"rule": "own.x", "msg": "f(x) # \\" g(y)"} if input.artifact.kind == text\n',
        )
    )


def test_a_misspelt_function_is_named_with_its_line_below_a_text_of_several_lines(tmp_path: Path) -> None:
    text = 'text := `a\nb`\n\ndeny contains {"rule": "own.x", "msg": text} if lowr(input.artifact.kind) == text\n'
    with pytest.raises(ConfigError, match=r"mine\.rego:8: Function not found: lowr"):
        review(rules(tmp_path, text))
