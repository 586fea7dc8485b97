"""A schema file as the message that Terraform asks its providers for (plugin protocol 6)."""

from __future__ import annotations

import json
from typing import Any

from tf.gen import tfplugin_pb2 as pb

from sovplatform.infrastructure.schema import Schema

# `write_only` is younger than the library's messages: field 11, true. Unknown fields are kept and sent.
_WRITE_ONLY = b"\x58\x01"
_NESTED = {
    "single": pb.Schema.Object.SINGLE,
    "list": pb.Schema.Object.LIST,
    "set": pb.Schema.Object.SET,
    "map": pb.Schema.Object.MAP,
}
_BLOCKS = {"single": pb.Schema.NestedBlock.SINGLE, "list": pb.Schema.NestedBlock.LIST, "set": pb.Schema.NestedBlock.SET}


def provider_schema(schema: Schema) -> Any:
    """The answer to GetProviderSchema. Terraform need not ask again at every start, which costs it most of a start's time."""
    return pb.GetProviderSchema.Response(
        server_capabilities=pb.ServerCapabilities(get_provider_schema_optional=True),
        provider=_schema(schema["provider"]),
        resource_schemas={name: _schema(block) for name, block in schema["resource_schemas"].items()},
        data_source_schemas={name: _schema(block) for name, block in schema["data_source_schemas"].items()},
    )


def _schema(block: Schema) -> Any:
    return pb.Schema(version=0, block=_block(block))


def _block(block: Schema) -> Any:
    return pb.Schema.Block(
        attributes=[_attribute(name, spec) for name, spec in block.get("attributes", {}).items()],
        block_types=[
            pb.Schema.NestedBlock(
                type_name=name,
                block=_block(spec["block"]),
                nesting=_BLOCKS[spec["nesting_mode"]],
                min_items=spec.get("min_items", 0),
                max_items=spec.get("max_items", 0),
            )
            for name, spec in block.get("block_types", {}).items()
        ],
    )


def _attribute(name: str, spec: Schema) -> Any:
    flags = {flag: spec.get(flag, False) for flag in ("required", "optional", "computed")}
    if "type" in spec:
        attribute = pb.Schema.Attribute(name=name, type=json.dumps(spec["type"]).encode(), **flags)
    else:
        nested = spec["nested_type"]
        members = [_attribute(key, value) for key, value in nested["attributes"].items()]
        shape = pb.Schema.Object(attributes=members, nesting=_NESTED[nested["nesting_mode"]])
        attribute = pb.Schema.Attribute(name=name, nested_type=shape, **flags)
    if spec.get("write_only"):
        attribute.MergeFromString(_WRITE_ONLY)
    return attribute
