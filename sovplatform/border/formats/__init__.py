"""Readers of the file formats that may cross: fed the very bytes that are hashed, so that nothing is read twice.

A reader is strict: whatever it does not know is a reason to refuse, for what nobody reads can hide anything.
"""

from __future__ import annotations

from sovplatform.border.formats.reader import Reader
from sovplatform.records import Kind

SUFFIXES: dict[Kind, frozenset[str]] = {
    Kind.dataset: frozenset(),
    Kind.update: frozenset({".safetensors"}),
    Kind.statistics: frozenset({".safetensors"}),
    Kind.model: frozenset({".safetensors", ".onnx", ".json"}),
    Kind.report: frozenset({".json"}),
}
"""What files an artifact of each kind may have. Nothing that can run code when it is loaded, such as a pickle."""

STRICT = frozenset({Kind.update, Kind.statistics})
"""Kinds of which nothing but the numbers may differ from one artifact to the next: one spelling, finite values."""


def reader_for(suffix: str, kind: Kind, size: int) -> Reader | None:
    """A reader for a file of `size` bytes, or None when an artifact of `kind` may have no such file."""
    if suffix not in SUFFIXES[kind]:
        return None
    if suffix == ".safetensors":
        from sovplatform.border.formats.safetensors import SafetensorsReader

        return SafetensorsReader(size, strict=kind in STRICT)
    if suffix == ".onnx":
        from sovplatform.border.formats.onnx import OnnxReader

        return OnnxReader(size)
    from sovplatform.border.formats.json import JsonReader

    return JsonReader(size)
