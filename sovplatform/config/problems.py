"""What pydantic says of a wrong record, as one sentence with a remedy, in the file's own words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sovplatform.config.checks import Loc
from sovplatform.config.jurisdictions import remedy_for
from sovplatform.errors import Problem
from sovplatform.mistakes import JURISDICTION, described, path_of


def translate(error: ValidationError, data: Any, schema: Mapping[str, Any]) -> list[Problem]:
    """The problems of `data`, unknown keys first: a misspelt key is also a missing one, and the misspelling is the cause."""
    found = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden")
    return [_problem(detail, data, schema) for detail in found]


def _problem(detail: ErrorDetails, data: Any, schema: Mapping[str, Any]) -> Problem:
    loc, kind = _in_file(detail["loc"], data), detail["type"]
    parent, name = path_of(loc[:-1]) or "the file", str(loc[-1]) if loc else ""
    if kind == "extra_forbidden":
        known = _keys(schema, loc[:-1], data)
        return Problem(loc, f"unknown key '{name}' in {parent}", _known_keys(name, known))
    if kind == "missing":
        return Problem(loc, f"{parent} lacks the key '{name}'", f"add it: {name}: {_example(schema, loc, data)}")
    message, remedy = described(detail)
    if kind == "string_pattern_mismatch" and detail["ctx"]["pattern"] == JURISDICTION:
        remedy = remedy_for(str(detail["input"]))
    return Problem(loc, f"{path_of(loc) or 'the file'} {message}", remedy)


def _in_file(loc: Loc, data: Any) -> Loc:
    """`loc` without the names of union branches, which the file does not have."""
    result: list[str | int] = []
    for index, part in enumerate(loc):
        if isinstance(data, dict) and part not in data and index < len(loc) - 1:
            continue
        result.append(part)
        inside = part in data if isinstance(data, dict) else isinstance(data, list) and int(part) < len(data)
        data = data[part] if inside else None
    return tuple(result)


def _keys(schema: Mapping[str, Any], loc: Loc, data: Any) -> Mapping[str, Any]:
    """The properties that the schema knows at `loc`."""
    node = schema
    for part in loc:
        node = _resolved(schema, node, data)
        data = data[part]
        node = node.get("items", {}) if isinstance(part, int) else node.get("properties", {}).get(part, {})
    properties: Mapping[str, Any] = _resolved(schema, node, data).get("properties", {})
    return properties


def _resolved(schema: Mapping[str, Any], node: Mapping[str, Any], data: Any) -> Mapping[str, Any]:
    mapping = node.get("discriminator", {}).get("mapping", {})
    reference = node.get("$ref") or (mapping.get(data.get("type")) if isinstance(data, dict) else None)
    return schema["$defs"][reference.rsplit("/", 1)[-1]] if reference else node


def _known_keys(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"{hint}known keys: {', '.join(known)}" if known else "remove it"


def _example(schema: Mapping[str, Any], loc: Loc, data: Any) -> str:
    node = _keys(schema, loc[:-1], data).get(str(loc[-1]), {}) if _reachable(loc[:-1], data) else {}
    resolved = _resolved(schema, node, None)
    if "enum" in resolved or "const" in resolved:
        return " or ".join(str(value) for value in resolved.get("enum", [resolved.get("const")])[:4])
    examples = {"integer": "1", "number": "1.0", "boolean": "true", "array": "[…]", "object": "{…}"}
    return examples.get(resolved.get("type", ""), "…")


def _reachable(loc: Loc, data: Any) -> bool:
    for part in loc:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True
