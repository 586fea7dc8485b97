"""safetensors, strictly: a header that accounts for every byte, and, where asked, one spelling and finite numbers only.

The format: eight bytes of length, a JSON header, then the tensors' bytes (https://github.com/huggingface/safetensors).
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any, NamedTuple

from sovplatform.border.formats.json import parse_object
from sovplatform.border.formats.reader import Malformed, Reader
from sovplatform.records import TensorSpec

MAX_HEADER = 8 * 1024 * 1024
MAX_STRICT_HEADER = 256 * 1024
MAX_PADDING = 7  # the writers align the data to eight bytes with spaces
FORMATS = frozenset({"np", "pt", "tf", "flax", "jax", "mlx", "paddle"})

_WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1}
WIDTHS = {**_WIDTHS, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1}
EXACT = frozenset(WIDTHS) - {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"}
CHECKABLE = frozenset({"F64", "F32", "F16", "BF16"})


class _Tensor(NamedTuple):
    name: str
    spec: TensorSpec
    begin: int
    end: int


class SafetensorsReader(Reader):
    """`strict` is for updates and statistics: canonical header, no metadata but the format, no NaN and no infinity."""

    def __init__(self, size: int, *, strict: bool) -> None:
        super().__init__(size)
        self._strict = strict
        self._start = bytearray()
        self._layout: list[_Tensor] | None = None
        self._number = 0
        self._position = 0
        self._rest = b""

    def take(self, chunk: memoryview) -> None:
        while self._layout is None and len(chunk):
            wanted = self._wanted() - len(self._start)
            self._start += chunk[:wanted]
            chunk = chunk[wanted:]
            if len(self._start) == self._wanted():
                self._layout = self._read_layout(bytes(self._start[8:]))
                self.tensors = {tensor.name: tensor.spec for tensor in self._layout}
        if self._strict and len(chunk):
            self._check_numbers(chunk)

    def end(self) -> None:
        if self._layout is None:
            raise Malformed("it ends before its header does")

    def _wanted(self) -> int:
        """How many bytes the length and the header have: eight until the length is known."""
        if len(self._start) < 8:
            return 8
        (length,) = struct.unpack("<Q", self._start[:8])
        limit = MAX_STRICT_HEADER if self._strict else MAX_HEADER
        if not 2 <= length <= min(limit, self.size - 8):
            raise Malformed(f"its header would have {length} bytes; it is no safetensors file, or hides something in the header")
        return 8 + int(length)

    def _read_layout(self, header: bytes) -> list[_Tensor]:
        text = header.rstrip(b" ")
        found = parse_object(text)
        if not text.startswith(b"{") or len(header) - len(text) > MAX_PADDING:
            raise Malformed("its header is padded with more than alignment needs")
        if self._strict and json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode() != text:
            raise Malformed("its header is not in the one compact spelling")
        metadata = found.pop("__metadata__", {})
        if metadata and not (isinstance(metadata, dict) and set(metadata) == {"format"} and metadata["format"] in FORMATS):
            raise Malformed("its metadata holds more than the format's name")
        tensors = sorted((_tensor(name, value) for name, value in found.items()), key=lambda item: (item.begin, item.end))
        position = 0
        for tensor in tensors:
            if tensor.begin != position:
                raise Malformed("its tensors overlap or leave a gap")
            position = tensor.end
        if position != self.size - 8 - len(header):
            raise Malformed("its tensors do not account for every byte")
        return tensors

    def _check_numbers(self, chunk: memoryview) -> None:
        layout = self._layout or []
        while len(chunk):
            while layout[self._number].end <= self._position:
                self._number += 1
            tensor = layout[self._number]
            part = chunk[: tensor.end - self._position]
            self._rest = _check_finite(tensor, self._rest + bytes(part) if self._rest else part)
            self._position += len(part)
            chunk = chunk[len(part) :]


def _tensor(name: str, value: Any) -> _Tensor:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise Malformed("a tensor's entry has other keys than dtype, shape and data_offsets")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if dtype not in WIDTHS or not _naturals(shape) or not _naturals(offsets) or len(offsets) != 2:
        raise Malformed("a tensor's dtype, shape or offsets are malformed")
    if offsets[1] - offsets[0] != math.prod(shape) * WIDTHS[dtype]:
        raise Malformed("a tensor's bytes are not those of its shape")
    return _Tensor(name, TensorSpec(dtype=dtype, shape=tuple(shape)), offsets[0], offsets[1])


def _naturals(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 16 and all(type(item) is int and 0 <= item < 2**63 for item in value)


def _check_finite(tensor: _Tensor, data: memoryview | bytes) -> bytes:
    """Check the whole numbers in `data`, and return the bytes of the one that goes on in the next chunk."""
    if tensor.spec.dtype in EXACT:
        return b""
    if tensor.spec.dtype not in CHECKABLE:
        raise Malformed(f"numbers of type {tensor.spec.dtype} cannot be checked for being finite")
    import numpy as np

    width = WIDTHS[tensor.spec.dtype]
    whole = len(data) - len(data) % width
    if tensor.spec.dtype == "BF16":
        finite = bool(((np.frombuffer(data[:whole], "<u2") & 0x7F80) != 0x7F80).all())
    else:
        finite = bool(np.isfinite(np.frombuffer(data[:whole], f"<f{width}")).all())
    if not finite:
        raise Malformed("it holds numbers that are not finite")
    return bytes(data[whole:])
