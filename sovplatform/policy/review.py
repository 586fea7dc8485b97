"""A look over a pilot's own rules before anything depends on them: what is wrong is named with its file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sovplatform.errors import ConfigError
from sovplatform.policy.engine import LIBRARY, further_rules
from sovplatform.policy.program import Unevaluable, explained, is_function, package_of

if TYPE_CHECKING:
    from sovplatform.policy.program import Program

_TEXT = re.compile(r'#[^\n]*|"(?:[^"\\\n]|\\.)*"|`[^`]*`')
_CALLED = re.compile(r"(?<![\w.])([A-Za-z_][\w.]*)\(")
_DEFINED = re.compile(r"^(?:default\s+)?([A-Za-z_]\w*)\(", re.MULTILINE)
_IMPORTED = re.compile(r"^\s*import\s+([\w.]+)(?:\s+as\s+(\w+))?", re.MULTILINE)


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
    _refuse_unknown_functions(files)
    for package in sorted(program.packages):
        if package.split(".")[0] != LIBRARY:
            _ask(program, package, [path for path in files if package_of(path) == package])


def _refuse_unknown_functions(files: Sequence[Path]) -> None:
    """A misspelt function is found only when it is called, and an empty input may not lead there: each name is tried."""
    texts = {path: path.read_text("utf-8") for path in files}
    own = {name for text in texts.values() for name in _DEFINED.findall(text)}
    own |= {alias or path.rpartition(".")[2] for text in texts.values() for path, alias in _IMPORTED.findall(text)}
    for path, text in texts.items():
        code = _TEXT.sub(lambda quoted: "\n" * quoted[0].count("\n"), text)
        for number, line in enumerate(code.splitlines(), start=1):
            for name in _CALLED.findall(line):
                if name.partition(".")[0] not in {*own, "data", "input"} and not is_function(name):
                    raise ConfigError(
                        f"{path}:{number}: Function not found: {name}",
                        remedy="correct its name, or define it; check with `opa check --strict --v1-compatible`",
                    )


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
