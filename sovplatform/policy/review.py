"""A look over a pilot's own rules before anything depends on them: what is wrong is named with its file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sovplatform.errors import ConfigError
from sovplatform.policy.engine import LIBRARY, further_rules
from sovplatform.policy.program import Unevaluable, explained, package_of

if TYPE_CHECKING:
    from sovplatform.policy.program import Program


def review(rule_dirs: Sequence[Path]) -> None:
    """Compile the further rules as every gate will, apart from the built-in ones, and ask them once.

    Raises:
        ConfigError: they do not compile, fail when they are asked, or say nothing that anybody asks for.
    """
    from sovplatform.policy.program import Program

    files = further_rules(rule_dirs)
    if not files:
        return
    program = Program(files)
    for package in sorted(program.packages):
        if package.split(".")[0] != LIBRARY:
            _ask(program, package, [path for path in files if package_of(path) == package])


def _ask(program: Program, package: str, files: Sequence[Path]) -> None:
    where = ", ".join(map(str, files))
    try:
        answer = program.evaluate(package, {})
    except Unevaluable as err:
        raise ConfigError(
            f"{explained(files, err)}: rules that cannot be evaluated, which denies everything",
            remedy="check them with `opa check --strict --v1-compatible`",
        ) from err
    if not isinstance(answer.get("deny"), list):
        raise ConfigError(
            f"{where}: no set of rules `deny`, and nothing else is asked of further rules",
            remedy='write `deny contains {"rule": …, "msg": …} if { … }`',
        )
