"""What a provider would plan for a new resource: what is configured stays, what only the cloud can tell is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tf.types import Unknown

from sovplatform.infrastructure.schema import Schema


def planned(block: Schema, proposed: Mapping[str, Any]) -> dict[str, Any]:
    """The planned state of a block that is to be made."""
    result = {}
    for name, value in proposed.items():
        if name in block.get("attributes", {}):
            result[name] = _attribute(block["attributes"][name], value)
        else:
            result[name] = _nested_block(block["block_types"][name], value)
    return result


def placeholder(block: Schema, config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a data source answers when nobody is asked. Terraform allows nothing unknown there, so text says where it is from."""
    result = dict(config)
    for key, spec in block.get("attributes", {}).items():
        if result.get(key) is None and spec.get("computed"):
            result[key] = _stand_in(spec["type"], f"offline:{name}.{key}") if "type" in spec else None
    return result


def _attribute(spec: Schema, value: Any) -> Any:
    if spec.get("write_only"):
        return None
    if value is None:
        return Unknown if spec.get("computed") else None
    return _each(spec["nested_type"], value) if "nested_type" in spec else value


def _nested_block(spec: Schema, value: Any) -> Any:
    """A block that is not configured is unknown when it holds what only the cloud can tell, as a cluster's certificates."""
    if not value and value is not Unknown and spec["nesting_mode"] != "single" and _told_by_the_cloud(spec["block"]):
        return Unknown
    return _each({**spec["block"], "nesting_mode": spec["nesting_mode"]}, value)


def _each(block: Schema, value: Any) -> Any:
    if value is None or value is Unknown:
        return value
    if block["nesting_mode"] == "single":
        return planned(block, value)
    if block["nesting_mode"] == "map":
        return {key: planned(block, item) for key, item in value.items()}
    return [item if item is None or item is Unknown else planned(block, item) for item in value]


def _told_by_the_cloud(block: Schema) -> bool:
    return any(spec.get("computed") and not spec.get("optional") for spec in block.get("attributes", {}).values())


def _stand_in(type_: Any, text: str) -> Any:
    if isinstance(type_, str):
        return {"string": text, "number": 0, "bool": False, "dynamic": None}[type_]
    outer, inner = type_
    if outer == "object":
        return {name: _stand_in(member, f"{text}.{name}") for name, member in inner.items()}
    return {} if outer == "map" else [_stand_in(inner, text)]
