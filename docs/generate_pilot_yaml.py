"""Writes docs/pilot-yaml.md from the schema: `python docs/generate_pilot_yaml.py`, or `make docs`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sovplatform import config

HEAD = """# `pilot.yaml`

One file says everything about a pilot. `sovctl init pilot` writes it with comments, and beside it `pilot.schema.json`, from
which an editor with a YAML language server completes and explains each key. `sovctl doctor` checks it; every mistake is told
with its line and a remedy, and nothing is done before it is mended.

The file is YAML 1.2: `NO` is Norway and `1e-5` is a number. Tags, merge keys (`<<`) and duplicate keys are errors.
"""
_LIMITS = {"exclusiveMinimum": "over", "minimum": "at least", "exclusiveMaximum": "under", "maximum": "at most"}


def page() -> str:
    """The whole page."""
    schema = config.schema()
    return "\n".join([HEAD, _section("pilot.yaml", schema), *_reached(schema, schema, set())])


def _reached(schema: Mapping[str, Any], record: Mapping[str, Any], seen: set[str]) -> Iterator[str]:
    """Each record of the schema once, in the order in which the settings name it."""
    for setting in record.get("properties", {}).values():
        for name in _names(setting):
            definition = schema["$defs"][name]
            if name not in seen and "properties" in definition:
                seen.add(name)
                yield _section(name, definition)
                yield from _reached(schema, definition, seen)


def _section(name: str, record: Mapping[str, Any]) -> str:
    rows = [_row(key, setting, record) for key, setting in record["properties"].items()]
    table = "\n".join(["| key | type | default | what it says |", "|---|---|---|---|", *rows])
    return f"## {name}\n\n{record.get('description', '')}\n\n{table}\n"


def _row(key: str, setting: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    default = "**required**" if key in record.get("required", []) else f"`{json.dumps(setting.get('default'))}`"
    if "$ref" in setting and key not in record.get("required", []):
        default = "its own defaults"
    limits = [f"{words} {setting[limit]:g}" for limit, words in _LIMITS.items() if limit in setting]
    kind = ", ".join([_type(setting), *limits])
    return f"| `{key}` | {kind} | {default} | {setting.get('description', '')} |".replace("`{}`", "none").replace("`[]`", "none")


def _type(setting: Mapping[str, Any]) -> str:
    names = _names(setting)
    if setting.get("type") == "array":
        return f"list of {_type(setting['items'])}"
    if names:
        return " or ".join(
            f"[{name}](#{name.lower()})" if name not in ("Role",) else "`sovereign`, `global`, `edge`" for name in names
        )
    if "enum" in setting:
        values = setting["enum"]
        return "country code" if len(values) > 20 else " or ".join(f"`{value}`" for value in values)
    if "const" in setting:
        return f"`{setting['const']}`"
    plain = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false", "object": "mapping"}
    return plain.get(str(setting.get("type")), "any")


def _names(setting: Mapping[str, Any]) -> list[str]:
    if "items" in setting:
        return _names(setting["items"])
    references = [setting.get("$ref"), *(one.get("$ref") for one in (*setting.get("oneOf", ()), *setting.get("anyOf", ())))]
    return [reference.rsplit("/", 1)[-1] for reference in references if reference]


if __name__ == "__main__":
    Path(__file__).with_name("pilot-yaml.md").write_text(page())
