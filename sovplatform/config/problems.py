"""What pydantic says of a wrong record, as one sentence with a remedy, in the file's own words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sovplatform.config.checks import Loc, Problem
from sovplatform.config.jurisdictions import remedy_for

_WANTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple": "a list",
    "dict": "a mapping of keys to values",
    "mapping": "a mapping of keys to values",
    "model": "a mapping of keys to values",
}
_LIMITS = {"greater_than": ("gt", "over"), "greater_than_equal": ("ge", "at least"), "less_than": ("lt", "under")}
_LIMITS |= {"less_than_equal": ("le", "at most")}


def translate(error: ValidationError, data: Any, schema: Mapping[str, Any]) -> list[Problem]:
    """The problems of `data`, unknown keys first: a misspelt key is also a missing one, and the misspelling is the cause."""
    found = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden")
    return [_problem(detail, data, schema) for detail in found]


def path_of(loc: Loc) -> str:
    """`("regions", 0, "name")` as `regions[0].name`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _problem(detail: ErrorDetails, data: Any, schema: Mapping[str, Any]) -> Problem:
    loc, kind = _in_file(detail["loc"], data), detail["type"]
    parent, name = path_of(loc[:-1]) or "the file", str(loc[-1]) if loc else ""
    if kind == "extra_forbidden":
        known = _keys(schema, loc[:-1], data)
        return Problem(loc, f"unknown key '{name}' in {parent}", _known_keys(name, known))
    if kind == "missing":
        return Problem(loc, f"{parent} lacks the key '{name}'", f"add it: {name}: {_example(schema, loc, data)}")
    message, remedy = _value(detail)
    return Problem(loc, f"{path_of(loc) or 'the file'} {message}", remedy)


def _value(detail: ErrorDetails) -> tuple[str, str]:
    kind, value, context = detail["type"], detail.get("input"), detail.get("ctx", {})
    message = f"is {_show(value)}"
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        remedy = f"give a number {words} {context[key]:g}"
    elif kind in ("literal_error", "enum"):
        remedy = f"write {context['expected']}"
    elif kind == "string_pattern_mismatch" and context["pattern"] == "^[A-Z]{2}$":
        message, remedy = f"{message}, which is no jurisdiction", remedy_for(str(value))
    elif kind == "string_pattern_mismatch":
        remedy = "use lower-case letters, digits and '-', at most 63, beginning and ending with a letter or digit"
    elif kind == "too_short":
        message, remedy = "is empty", "list at least one"
    elif kind in ("union_tag_invalid", "union_tag_not_found"):
        message, remedy = "has no `type` that is known", "write `type: number` or `type: category`"
    elif kind == "value_error":
        remedy = str(context.get("error", detail["msg"]))
    elif kind.split("_")[0] in _WANTED:
        quotes = "; put it in quotes" if kind.startswith("string") and isinstance(value, bool | int | float) else ""
        remedy = f"give {_WANTED[kind.split('_')[0]]}{quotes}"
    else:
        remedy = detail["msg"][:1].lower() + detail["msg"][1:]
    return message, remedy


def _show(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…'"


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
