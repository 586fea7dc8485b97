"""YAML as plain data that remembers its lines: YAML 1.2 scalars, no tags, no duplicate keys, bounded in every direction.

YAML 1.1 reads Norway's code `NO` as false and `1e-5` as text; the core schema of YAML 1.2 (section 10.3) does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sovplatform.errors import ConfigError

MAX_BYTES = 256 * 1024
MAX_NODES = 50_000
MAX_DEPTH = 40
_MAX_DIGITS = 30

_NULL, _BOOL, _INT, _FLOAT, _STR = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str"))
_SPECIAL_FLOATS = {".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")}


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own protocol


for _tag, _pattern, _first in (
    (_BOOL, r"true|True|TRUE|false|False|FALSE", "tTfF"),
    (_NULL, r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    (_INT, r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (_FLOAT, r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), list(_first))


@dataclass(frozen=True)
class Source:
    """A parsed file: its plain data, and the line of each part of it."""

    path: Path
    data: Any
    root: yaml.Node

    def line(self, loc: Sequence[str | int]) -> int:
        """The line, from 1, of the deepest part of `loc` that the file has: of a key for a key, of an item for an item."""
        node, line = self.root, self.root.start_mark.line + 1
        for part in loc:
            if isinstance(node, yaml.MappingNode):
                pair = next(((key, value) for key, value in node.value if key.value == part), None)
                if pair is None:
                    continue  # the name of a union's branch, or a key that is missing
                line, node = pair[0].start_mark.line + 1, pair[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
        return line


def read(path: Path) -> Source:
    """Read one file.

    Raises:
        ConfigError: it is missing, too large, not UTF-8, or not the YAML described above.
    """
    return parse(read_text(path), path)


def read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError as err:
        raise ConfigError(f"{path} does not exist", remedy="check the path, or make a pilot with: sovctl init pilot DIR") from err
    except OSError as err:
        raise ConfigError(f"{path} cannot be read ({err.strerror})", remedy="give the path of a readable file") from err
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_BYTES // 1024} KiB", remedy="keep data out of configuration files")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = raw[: err.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text", remedy="save the file as UTF-8") from err


def parse(text: str, path: Path) -> Source:
    """Parse YAML text that came from `path`. Raises as `read`."""
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = err.problem or err.context or "cannot be parsed"
        raise ConfigError(f"{where}: not readable as YAML: {problem}", remedy=_syntax_remedy(text, mark)) from err
    except yaml.YAMLError as err:
        raise ConfigError(f"{path}: not readable as YAML: {err}", remedy="remove characters that are no text") from err
    except RecursionError as err:
        raise ConfigError(f"{path}: nested too deeply", remedy=f"nest at most {MAX_DEPTH} levels") from err
    if root is None:
        raise ConfigError(f"{path} is empty", remedy="make a pilot with: sovctl init pilot DIR")
    return Source(path, _Reader(path).value(root, 0), root)


def _syntax_remedy(text: str, mark: yaml.Mark | None) -> str:
    lines = text.splitlines()
    around = lines[max(0, mark.line - 1) : mark.line + 1] if mark else []
    if any("\t" in line for line in around):
        return "indent with spaces: YAML does not allow tabs"
    return "check indentation, quotes and brackets on this line and the one before"


class _Reader:
    """Nodes to data, counting what aliases expand to, so that a small file cannot become a large one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0

    def value(self, node: yaml.Node, depth: int) -> Any:
        self._count += 1
        if self._count > MAX_NODES or depth > MAX_DEPTH:
            raise self._error(node, "aliases or nesting expand too far", "write the values out without aliases")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            self._plain_tag(node, "tag:yaml.org,2002:seq")
            return [self.value(item, depth + 1) for item in node.value]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        self._plain_tag(node, "tag:yaml.org,2002:map")
        result: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                raise self._error(key, "a key must be plain text, and `<<` is not supported", "write the keys out")
            if key.value in result:
                first = lines[key.value]
                raise self._error(key, f"key '{key.value}' is given twice (first on line {first})", "keep one of the two")
            lines[key.value] = key.start_mark.line + 1
            result[key.value] = self.value(item, depth + 1)
        return result

    def _scalar(self, node: yaml.Node) -> Any:
        text = str(node.value)
        match node.tag:
            case t if t == _STR:
                return text
            case t if t == _NULL:
                return None
            case t if t == _BOOL:
                return text.lower() == "true"
            case t if t == _INT:
                return self._number(node, text, lambda: int(text, 0) if text.startswith(("0o", "0x")) else int(text))
            case t if t == _FLOAT:
                return self._number(node, text, lambda: _SPECIAL_FLOATS.get(text.lower()) or float(text))
        raise self._error(node, f"the tag {node.tag} is not allowed", "remove the tag")

    def _number(self, node: yaml.Node, text: str, convert: Callable[[], float]) -> float:
        try:
            if len(text) <= _MAX_DIGITS:
                return convert()
        except ValueError:
            pass
        raise self._error(node, f"{text[:_MAX_DIGITS]} is not a number", "write a shorter number, or quote it as text")

    def _plain_tag(self, node: yaml.Node, tag: str) -> None:
        if node.tag != tag:
            raise self._error(node, f"the tag {node.tag} is not allowed", "remove the tag")

    def _error(self, node: yaml.Node, problem: str, remedy: str) -> ConfigError:
        return ConfigError(f"{self._path}:{node.start_mark.line + 1}: {problem}", remedy=remedy)
