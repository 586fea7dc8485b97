"""Program: Rego modules compiled into one interpreter, and the traps of that interpreter kept in one place.

rego-cpp (PyPI `regopy`) writes strings into its answers without escaping them, cuts them at a NUL, wraps integers at 64 bits,
and must not be asked for the text of an error. So an input with such things in it is refused before it is evaluated.

It is slow where OPA is not, which rules over many things can avoid: `some x in input.things` first writes all of them as a text,
`things := input.things` with `some x in things` does not; each call of a built-in function copies all that the program holds, a
comparison or a function of one's own does not; and what is assigned or told may be computed before what would rule it out.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sovplatform.errors import ConfigError

_PACKAGE = re.compile(r"^package\s+([A-Za-z_][\w.]*)\s*$", re.MULTILINE)
_LARGEST = 2**53
_NEWLINE = b"\n"
_OFFSET = re.compile(r"\(error \d+:[^|\n]*\|(\d+)\|\d+")
_WORDS = re.compile(r"\(errormsg \d+:([^\n]*?)\)*(?=\n|$)")
_MISSING = re.compile(r"Function not found: ([\w.]+)")


class Unevaluable(Exception):
    """There is no answer; the message tells why."""


def rule_files(directory: Path) -> list[Path]:
    """The rules below a directory, without their tests."""
    return sorted(path for path in directory.rglob("*.rego") if not path.name.endswith("_test.rego"))


def package_of(path: Path) -> str:
    """The package that a module declares.

    Raises:
        ConfigError: it cannot be read, or declares none.
    """
    try:
        found = _PACKAGE.search(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"rules in {path} cannot be read ({type(err).__name__})", remedy="give a Rego file in UTF-8") from err
    if found is None:
        raise ConfigError(f"{path} declares no package", remedy="begin it with `package sovplatform.border`")
    return found[1]


def _place(path: Path, error: str) -> str:
    """The file and, where the error tells an offset, the line."""
    offsets = [int(offset) for offset in _OFFSET.findall(error)]
    if not offsets:
        return str(path)
    before = path.read_bytes()[: max(offsets)]
    return f"{path}:{before.count(_NEWLINE) + 1}"


def _said(error: str) -> str:
    """What the compiler says, or nothing: its words are in its own tree."""
    words = dict.fromkeys(_WORDS.findall(error))
    return f": {'; '.join(words)}" if words else ""


@functools.cache
def is_function(name: str) -> bool:
    """Whether the interpreter has a function of that name; a keyword before a bracket counts as one."""
    from regopy import Interpreter, LogLevel, RegoError

    interpreter = Interpreter()
    interpreter.log_level = LogLevel.NONE
    try:
        interpreter.add_module("probe", f"package probe\nimport rego.v1\nanswer := {name}(1)\n")
        interpreter.query("data.probe.answer")
    except (RegoError, ValueError) as err:
        return not _MISSING.search(str(getattr(err, "doc", err)))
    return True


def explained(files: Sequence[Path], err: Unevaluable) -> str:
    """Where in the files an evaluation failed, and of what, as far as the interpreter tells."""
    text = str(getattr(err.__cause__, "doc", ""))  # what it wrote in place of an answer
    missing = _MISSING.search(text)
    if missing:
        called = re.compile(rf"(?<![\w.])(?:[\w.]+\.)?{re.escape(missing[1].rpartition('.')[2])}\s*\(")
        for path in files:
            for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
                if called.search(line):
                    return f"{path}:{number}{_said(text)}"
    return f"{', '.join(map(str, files))}{_said(text)}"


class Program:
    """Compiled once per package. It must be made and used by one thread."""

    def __init__(self, files: Sequence[Path]) -> None:
        from regopy import Interpreter, LogLevel, RegoError

        self.packages = frozenset(package_of(path) for path in files)
        self._interpreter = Interpreter()
        self._interpreter.log_level = LogLevel.NONE
        self._interpreter.strict_built_in_errors = True  # an error must not read as "this rule has nothing against it"
        for path in files:
            try:
                self._interpreter.add_module(str(path), path.read_text("utf-8"))
            except RegoError as err:
                raise ConfigError(
                    f"{_place(path, str(err))} is no valid Rego{_said(str(err))}",
                    remedy="check it with `opa check --v1-compatible`",
                ) from err
        self._bundles = {package: self._build(package) for package in sorted(self.packages)}

    def _build(self, package: str) -> Any:
        from regopy import RegoError

        try:
            return self._interpreter.build(f"result=data.{package}")
        except (RegoError, ValueError) as err:
            raise ConfigError(
                f"the rules of package {package} do not compile", remedy="check them with `opa check --v1-compatible`"
            ) from err

    def evaluate(self, package: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """All of the package's rules, for this input.

        Raises:
            Unevaluable: a rule failed, or the answer cannot be read.
        """
        from regopy import RegoError

        try:
            self._interpreter.set_input(document)
            output = self._interpreter.query_bundle(self._bundles[package])
            result = output.results[0]["result"] if output.ok() and output.results else None
        except (RegoError, ValueError, KeyError, IndexError) as err:
            raise Unevaluable(f"policy {package} cannot be evaluated") from err
        if not isinstance(result, dict):
            raise Unevaluable(f"policy {package} gives no answer")
        return result


def plain(document: Any) -> Any:
    """The input as plain JSON, when the interpreter can be trusted with it.

    Raises:
        Unevaluable: it holds something that the interpreter would misread.
    """
    try:
        copied = json.loads(json.dumps(document, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as err:
        raise Unevaluable("the policy's input is not JSON") from err
    _check(copied)
    return copied


def _check(value: Any) -> None:
    if isinstance(value, str):
        if not value.isprintable() or '"' in value or "\\" in value:
            raise Unevaluable("the policy's input holds quotes, backslashes or characters that cannot be printed")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key)
            _check(item)
    elif isinstance(value, list):
        for item in value:
            _check(item)
    elif isinstance(value, int) and not -_LARGEST <= value <= _LARGEST:
        raise Unevaluable("the policy's input holds a number that is too large")
