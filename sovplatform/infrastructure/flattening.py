"""From Terraform's trees to flat facts: dotted paths without indexes, each with the scalars that stand there.

What the interpreter of the rules cannot be trusted with (quotes, backslashes, what is not printable, huge numbers) becomes
`opaque:sha256:…`, and its path is listed: a rule decides where such a thing may be, so that it never passes for harmless.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

LARGEST = 2**53
_EVERYTHING = re.compile(r"arn:[^:]*:\*:\*:\*:\*")
OPAQUE = "opaque:sha256:"
UNTOLD = "opaque:sensitive"
_TEMPLATE = re.compile(r"(?<!\$)\$\{([^}]*)\}")
_PURE = re.compile(r"\$\{\s*([A-Za-z_][\w.\[\]-]*)\s*\}")
_TRAVERSAL = re.compile(r"(?<![\w.\"'])(?:data\.)?[a-z][a-z0-9]*(?:_[a-z0-9]+)*\.[A-Za-z_][\w-]*(?:\.[A-Za-z_]\w*|\[\d+\])*")
_NO_REFERENCE = ("each", "count", "path", "self", "terraform")

_VAULT_PATH = re.compile(r'path\s+"([^"]*)"\s*\{((?:[^{}]|\{[^{}]*\})*)\}')

Paths = dict[str, list[Any]]
Held = dict[str, dict[str, int]]


@dataclass
class Facts:
    """What is known of one tree. `blocks` counts the objects at each path, so that a rule can ask something of all of them.

    `held` says of a path how many of those objects have which paths below it; `hollow` are the paths of objects that say nothing.
    """

    values: Paths = field(default_factory=dict)
    blocks: dict[str, int] = field(default_factory=dict)
    opaque: set[str] = field(default_factory=set)
    raw: list[str] = field(default_factory=list)
    held: Held = field(default_factory=dict)
    hollow: set[str] = field(default_factory=set)

    def add(self, tree: Any, path: str = "", sensitive: Any = False) -> set[str]:
        """Put a tree below `path`, and return its paths. What is null or empty is left out; what is sensitive is not told."""
        if isinstance(tree, Mapping):
            return self._mapping(tree, path, sensitive)
        if isinstance(tree, list | tuple):
            seen: set[str] = set()
            for index, item in enumerate(tree):
                if item == {}:  # an empty block means something, as in "allow all"; an empty map does not
                    seen |= self._block(path, set())
                seen |= self.add(item, path, _below(sensitive, index))
            return seen
        if tree is not None and tree != "":
            self._scalar(tree, path, sensitive is True)
            return {path}
        return set()

    def _mapping(self, tree: Mapping[Any, Any], path: str, sensitive: Any) -> set[str]:
        seen: set[str] = set()
        for key, item in tree.items():
            below = f"{path}.{self._name(str(key))}" if path else self._name(str(key))
            seen |= self.add(item, below, _below(sensitive, key))
        return self._block(path, seen) if path and tree else seen

    def _block(self, path: str, seen: set[str]) -> set[str]:
        self.blocks[path] = self.blocks.get(path, 0) + 1
        hold(self.held, path, seen)
        if not seen:
            self.hollow.add(path)
        return {*seen, path}

    def _scalar(self, value: Any, path: str, sensitive: bool) -> None:
        if OPAQUE in path or sensitive:
            self.opaque.add(path)
        if isinstance(value, str) and not sensitive:
            self.raw.append(value)
        told = UNTOLD if sensitive else trusted(value)
        if told is not value:
            self.opaque.add(path)
        self.values.setdefault(path, []).append(told)

    @staticmethod
    def _name(key: str) -> str:
        return str(trusted(key))


def hold(held: Held, path: str, seen: set[str]) -> None:
    """One more object at `path` has what was seen below it."""
    found = held.setdefault(path, {})
    for one in seen:
        found[one] = found.get(one, 0) + 1


def _below(sensitive: Any, key: Any) -> Any:
    if isinstance(sensitive, Mapping):
        return sensitive.get(key, False)
    if isinstance(sensitive, list):
        return sensitive[key] if isinstance(key, int) and key < len(sensitive) else False
    return sensitive


def trusted(value: Any) -> Any:
    """The value itself when the interpreter reads it as it is; else its digest."""
    if isinstance(value, str):
        # A template's own braces are data here; only what the interpreter would misread is taken away.
        return value if value.isprintable() and '"' not in value and "\\" not in value else digest(value)
    if isinstance(value, int) and not isinstance(value, bool) and not -LARGEST <= value <= LARGEST:
        return digest(str(value))
    return value


def digest(text: str) -> str:
    return f"{OPAQUE}{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:16]}"


@dataclass
class Expressions:
    """What a resource's configuration says. `refs` are whole values that are one reference; `mixed` what else refers to things.

    `constants` is the tree of the arguments as they are written, templates and all.
    """

    refs: dict[str, list[str]] = field(default_factory=dict)
    mixed: dict[str, list[str]] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    held: Held = field(default_factory=dict)

    def add(self, tree: Any, path: str = "") -> set[str]:
        """Terraform's `expressions`: constants as they are, templates of a JSON stack as text, references of HCL as lists.

        Returns the paths that are references; `held` counts them as `Facts.held` does.
        """
        if isinstance(tree, list):
            return _joined(self.add(item, path) for item in tree)
        if isinstance(tree, Mapping) and "constant_value" in tree:
            return self._constant(tree["constant_value"], path)
        if isinstance(tree, Mapping) and isinstance(tree.get("references"), list):
            self.mixed.setdefault(path, []).extend(longest([str(trusted(one)) for one in tree["references"]]))
            return set()
        if isinstance(tree, Mapping):
            return self._block(path, (self.add(item, f"{path}.{key}" if path else str(key)) for key, item in tree.items()))
        return set()

    def _constant(self, value: Any, path: str) -> set[str]:
        if isinstance(value, Mapping):
            below = ((f"{path}.{trusted(str(key))}" if path else str(trusted(str(key))), item) for key, item in value.items())
            return self._block(path, (self._constant(item, name) for name, item in below))
        if isinstance(value, list):
            return _joined(self._constant(item, path) for item in value)
        if isinstance(value, str):
            self.texts.setdefault(path, []).append(value)
            pure = _PURE.fullmatch(value)
            if pure:
                self.refs.setdefault(path, []).append(pure[1])
                return {path}
            if found := list(references(value)):
                self.mixed.setdefault(path, []).extend(found)
        return set()

    def _block(self, path: str, parts: Iterable[set[str]]) -> set[str]:
        seen = _joined(parts)
        if path and seen:
            hold(self.held, path, seen)
        return seen

    @property
    def templates(self) -> list[str]:
        return [text for texts in self.texts.values() for text in texts]


def _joined(parts: Iterable[set[str]]) -> set[str]:
    return {path for part in parts for path in part}


def references(text: str) -> Iterator[str]:
    """What the templates in a text refer to."""
    for template in _TEMPLATE.finditer(text):
        for traversal in _TRAVERSAL.findall(template[1]):
            if traversal.split(".")[0] not in _NO_REFERENCE:
                yield traversal


def longest(found: list[str]) -> list[str]:
    """Terraform lists `a.b.c` and `a.b`; the one says what the other does."""
    return [one for one in dict.fromkeys(found) if not any(other.startswith((f"{one}.", f"{one}[")) for other in found)]


def statements(text: str) -> list[dict[str, Any]] | None:
    """An IAM policy's statements, each with all its keys in one form; None when the text is no such policy."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return None
    if not isinstance(parsed, Mapping) or "Statement" not in parsed:
        return None
    return [_statement(one) for one in _list(parsed["Statement"])]


def _statement(one: Any) -> dict[str, Any]:
    if not isinstance(one, Mapping):
        return {"effect": "unreadable"}
    conditions = [
        f"{operator} {key} {value}"
        for operator, keys in _items(one.get("Condition"))
        for key, values in _items(keys)
        for value in _list(values)
    ]
    return {
        "effect": str(trusted(str(one.get("Effect", "")))),
        "principals": _told(_principals(one.get("Principal"))),
        "actions": _told(_list(one.get("Action"))),
        "resources": ["*" if _EVERYTHING.fullmatch(it) else it for it in _told(_list(one.get("Resource")))],
        "not": sorted(str(trusted(key)) for key in one if str(key).startswith("Not")),
        "not_actions": _told(_list(one.get("NotAction"))),
        "conditions": _told(conditions),
    }


def _principals(principal: Any) -> list[str]:
    if isinstance(principal, Mapping):
        return [f"{kind}:{name}" for kind, names in principal.items() for name in _list(names)]
    return [str(one) for one in _list(principal)]


def _told(values: list[Any]) -> list[str]:
    return [str(trusted(str(value))) for value in values]


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, Mapping) else []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def rights(text: str) -> list[dict[str, Any]]:
    """The rights of a policy of Vault, in the same form; empty when something in it was not understood."""
    rest = re.sub(r"#[^\n]*", "", text)
    found = []
    for match in _VAULT_PATH.finditer(rest):
        named = re.search(r"capabilities\s*=\s*\[([^\]]*)\]", match[2])
        actions = re.findall(r'"([a-z]+)"', named[1]) if named else ["unreadable"]
        found.append({"effect": "Allow", "actions": _told(actions), "resources": _told([match[1]])})
    return [] if _VAULT_PATH.sub("", rest).strip() else found
