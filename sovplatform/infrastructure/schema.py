"""The schema contract: what the providers' resource types accept, and whether a synthesised stack keeps to it.

The schemas are the files that `cdktf/schema/extract.py` made, in the words of `terraform providers schema -json`. A check here
needs no Terraform and takes milliseconds; it is as strict as Terraform is, and besides refuses what Terraform silently drops.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from sovplatform.errors import NotFound

META_ARGUMENTS = frozenset({"//", "connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"})
PROVIDER_META_ARGUMENTS = frozenset({"//", "alias", "version"})
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a stack. `address` is Terraform's; `construct` is the path in the tree of constructs."""

    address: str
    path: str
    message: str
    construct: str = ""

    def __str__(self) -> str:
        made_by = f" (made by {self.construct})" if self.construct else ""
        return f"{self.address}{made_by}: {f'{self.path}: ' if self.path else ''}{self.message}"


def directory() -> Traversable:
    """The schema files: in the wheel beside this package, in a checkout at its top."""
    packed = files("sovplatform") / "_cdktf"
    return (packed if packed.is_dir() else Path(__file__).parents[2] / "cdktf") / "schema"


def providers() -> tuple[str, ...]:
    """The providers that there are schemas of."""
    return tuple(sorted(item.name.removesuffix(".json") for item in directory().iterdir() if item.name.endswith(".json")))


@cache
def load(provider: str) -> Schema:
    """A provider's schemas: `source`, `version`, `provider`, `resource_schemas` and `data_source_schemas`.

    Raises:
        NotFound: there is no schema of that provider.
    """
    if provider not in providers():
        remedy = f"use one of {', '.join(providers())}, or extract its schema: docs are in cdktf/schema/extract.py"
        raise NotFound(f"there is no schema of the Terraform provider '{provider}'", remedy=remedy)
    schema: Schema = json.loads((directory() / f"{provider}.json").read_text(encoding="utf-8"))
    return schema


def construct_of(body: object) -> str:
    """The path of the construct that made a resource, which the synthesised file keeps in `//`."""
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    note = body.get("//") if isinstance(body, Mapping) else None
    metadata = note.get("metadata") if isinstance(note, Mapping) else None
    return str(metadata.get("path", "")) if isinstance(metadata, Mapping) else ""


def check(stack: Mapping[str, Any]) -> list[Problem]:
    """Everything that is unknown, missing or of a wrong type in a synthesised stack (`cdk.tf.json`)."""
    return [
        Problem(address, path, message, construct_of(body))
        for address, schema, body, meta in _declared(stack)
        for path, message in ([("", f"there is no schema of {address}")] if schema is None else _block(schema, body, "", meta))
    ]


def _declared(stack: Mapping[str, Any]) -> Iterator[tuple[str, Schema | None, Any, Collection[str]]]:
    """Everything that has a schema: its address, the schema, the body, and which names are Terraform's own in it."""
    for name, bodies in stack.get("provider", {}).items():
        schema = load(name)["provider"] if name in providers() else None
        for body in _bodies(bodies):
            alias = body.get("alias") if isinstance(body, Mapping) else None
            yield f"provider.{name}{f'.{alias}' if alias else ''}", schema, body, PROVIDER_META_ARGUMENTS
    for kind, prefix in (("resource", ""), ("data", "data.")):
        for type_name, named in stack.get(kind, {}).items():
            for name, body in named.items():
                yield f"{prefix}{type_name}.{name}", _schema_of(kind, type_name), body, META_ARGUMENTS


@cache
def _schema_of(kind: str, type_name: str) -> Schema | None:
    provider = type_name.partition("_")[0]
    if provider == "terraform":
        return _BUILT_IN.get(type_name)
    if provider not in providers():
        return None
    table: Mapping[str, Schema] = load(provider)["resource_schemas" if kind == "resource" else "data_source_schemas"]
    return table.get(type_name)


_BUILT_IN: Mapping[str, Schema] = {
    "terraform_data": {
        "attributes": {
            "id": {"type": "string", "computed": True},
            "input": {"type": "dynamic", "optional": True},
            "output": {"type": "dynamic", "computed": True},
            "triggers_replace": {"type": "dynamic", "optional": True},
        }
    }
}


def _bodies(bodies: Any) -> list[Any]:
    return bodies if isinstance(bodies, list) else [bodies]


Found = Iterator[tuple[str, str]]


def _block(schema: Schema, body: Any, path: str, meta: Collection[str] = ("//",)) -> Found:
    """What is wrong with a block: pairs of an attribute's path and a message."""
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, Mapping):
        yield path, f"wants a block, not {_said(body)}"
        return
    attributes, blocks = schema.get("attributes", {}), schema.get("block_types", {})
    dynamic = body.get("dynamic", {}) if "dynamic" not in attributes else {}
    for name, value in body.items():
        inner = f"{path}.{name}" if path else name
        if name in attributes:
            yield from _attribute(attributes[name], value, inner)
        elif name in blocks:
            yield from _nested(blocks[name], value, inner)
        elif name not in meta and not (name == "dynamic" and dynamic):
            yield inner, "there is no such attribute or block"
    for name, spec in dynamic.items():
        yield from _dynamic(blocks, name, spec, path)
    for name, spec in attributes.items():
        if spec.get("required") and body.get(name) is None:
            yield path, f"'{name}' is missing, and it is required"
    for name, spec in blocks.items():
        if spec.get("min_items") and body.get(name) in (None, []) and name not in dynamic:
            yield path, f"the block '{name}' is missing, and it is required"


def _dynamic(blocks: Mapping[str, Schema], name: str, spec: Any, path: str) -> Found:
    inner = f"{path}.{name}" if path else name
    if name not in blocks:
        yield inner, "there is no such block"
        return
    for one in _bodies(spec):
        yield from _block(blocks[name]["block"], one.get("content") if isinstance(one, Mapping) else one, inner)


def _nested(spec: Schema, value: Any, path: str) -> Found:
    if value is None:
        return
    bodies = _bodies(value)
    most = 1 if spec["nesting_mode"] == "single" else spec.get("max_items")
    if most is not None and len(bodies) > most:
        yield path, f"at most {most} such block is allowed, and there are {len(bodies)}"
    for index, body in enumerate(bodies):
        yield from _block(spec["block"], body, path if most == 1 else f"{path}[{index}]")


def _attribute(spec: Schema, value: Any, path: str) -> Found:
    if value is None:
        return
    if not spec.get("optional") and not spec.get("required"):
        yield path, "only the provider sets it"
    elif "type" in spec:
        yield from _typed(spec["type"], value, path)
    elif not _is_expression(value):
        yield from _nested_attribute(spec["nested_type"], value, path)


def _nested_attribute(spec: Schema, value: Any, path: str) -> Found:
    mode = spec["nesting_mode"]
    if not isinstance(value, Mapping if mode in ("single", "map") else list):
        yield path, f"wants {_wanted([mode] if mode != 'single' else ['object'])}, not {_said(value)}"
    elif mode == "single":
        yield from _block(spec, value, path, ())
    else:
        for key, item in _items(value):
            if not _is_expression(item):
                yield from _block(spec, item, f"{path}[{key}]", ())


def _typed(type_: Any, value: Any, path: str) -> Found:
    """What is wrong with a value of a Terraform type. Text with `${…}` may become anything."""
    if type_ == "dynamic" or value is None or _is_expression(value):
        return
    if isinstance(type_, str):
        if not _is_scalar(type_, value):
            yield path, f"wants {_wanted(type_)}, not {_said(value)}"
        return
    outer, inner = type_
    if isinstance(value, Mapping) != (outer in ("map", "object")) or not isinstance(value, Mapping | list):
        yield path, f"wants {_wanted(type_)}, not {_said(value)}"
    elif outer == "object" and isinstance(value, Mapping):
        for name in sorted(value.keys() - inner.keys()):
            yield f"{path}.{name}", "there is no such attribute"
        for name, member in inner.items():
            if name in value:
                yield from _typed(member, value[name], f"{path}.{name}")
            else:
                yield path, f"'{name}' is missing: write null when there is none"
    else:
        for key, item in _items(value):
            yield from _typed(inner, item, f"{path}[{key}]")


def _items(value: Mapping[str, Any] | list[Any]) -> Iterable[tuple[Any, Any]]:
    return value.items() if isinstance(value, Mapping) else enumerate(value)


def _is_scalar(type_: str, value: Any) -> bool:
    """Whether Terraform would convert the value to that type."""
    if isinstance(value, bool):
        return type_ in ("bool", "string")
    if isinstance(value, int | float):
        return type_ in ("number", "string")
    if isinstance(value, str):
        return type_ == "string" or (value in ("true", "false") if type_ == "bool" else _NUMBER.fullmatch(value) is not None)
    return False


def _is_expression(value: object) -> bool:
    return isinstance(value, str) and ("${" in value.replace("$${", "") or "%{" in value.replace("%%{", ""))


def _wanted(type_: Any) -> str:
    if isinstance(type_, str):
        return {"string": "text", "number": "a number", "bool": "true or false"}[type_]
    return {"list": "a list", "set": "a list", "map": "a mapping", "object": "a mapping"}[type_[0]]


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
