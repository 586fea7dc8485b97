"""ONNX, without loading it: the protobuf wire format is walked as the bytes come, and tensors' contents are stepped over.

Refused: data kept in other files (`external_data` makes a loader open any path), fields that ONNX does not have, and more free
text than a model needs. Field numbers are those of onnx.proto (https://onnx.ai/onnx/api/classes.html), IR version 13.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sovplatform.border.formats.reader import Malformed, Reader

MAX_TEXT = 64 * 1024
MAX_FIELDS = 1_000_000
MAX_DEPTH = 64
_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5


@dataclass(frozen=True)
class _Message:
    """Which fields a message may have, which of them are messages to descend into, and which are free text."""

    fields: frozenset[int]
    inside: dict[int, str]
    text: frozenset[int] = frozenset()


_MESSAGES = {
    "model": _Message(
        frozenset({*range(1, 9), 14, 20, 25, 26}), {7: "graph", 20: "training", 25: "function"}, frozenset({6, 14})
    ),
    "training": _Message(frozenset({1, 2, 3, 4}), {1: "graph", 2: "graph"}),
    "graph": _Message(frozenset({1, 2, 5, *range(10, 17)}), {1: "node", 5: "tensor", 15: "sparse"}, frozenset({10, 16})),
    "node": _Message(frozenset(range(1, 11)), {5: "attribute"}, frozenset({6, 9})),
    "attribute": _Message(
        frozenset({*range(1, 12), 13, 14, 15, 20, 21, 22, 23}),
        {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
        frozenset({13}),
    ),
    "function": _Message(frozenset({1, *range(4, 15)}), {7: "node", 11: "attribute"}, frozenset({8, 14})),
    "sparse": _Message(frozenset({1, 2, 3}), {1: "tensor", 2: "tensor"}),
    "tensor": _Message(frozenset({*range(1, 15), 16}), {}, frozenset({12, 16})),
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14


class _Open(NamedTuple):
    """A message that is being read, and the offset where it ends."""

    name: str
    end: int


class OnnxReader(Reader):
    """Walks one ModelProto."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._stack = [_Open("model", size)]
        self._offset = 0
        self._skip = 0
        self._number = 0
        self._shift = 0
        self._field: tuple[int, int] | None = None  # its number and wire type, once the tag is read
        self._count = 0
        self._text = 0
        self._graph = False

    def take(self, chunk: memoryview) -> None:
        position = 0
        while position < len(chunk):
            if self._skip:
                step = min(self._skip, len(chunk) - position)
                self._skip -= step
                self._offset += step
                position += step
            else:
                self._byte(chunk[position])
                position += 1
            if not self._skip and not self._shift and self._field is None:
                self._close()

    def end(self) -> None:
        if self._skip or self._shift or self._field is not None or len(self._stack) > 1:
            raise Malformed("it ends within a field")
        if not self._graph:
            raise Malformed("it holds no graph")

    def _byte(self, value: int) -> None:
        """One byte of a varint: a tag, a length or a value."""
        self._offset += 1
        self._number |= (value & 0x7F) << self._shift
        self._shift += 7
        if value & 0x80:
            if self._shift >= 70:
                raise Malformed("it is not protobuf")
            return
        number, self._number, self._shift = self._number, 0, 0
        if self._field is None:
            self._tag(number)
        else:
            field, wire = self._field
            self._field = None
            self._value(field, number) if wire == _VARINT else self._length(field, number)

    def _tag(self, tag: int) -> None:
        field, wire = tag >> 3, tag & 7
        self._count += 1
        message = self._stack[-1]
        if self._count > MAX_FIELDS:
            raise Malformed(f"it has more than {MAX_FIELDS} fields")
        if field not in _MESSAGES[message.name].fields:
            raise Malformed(f"its {message.name} has a field {field}, which ONNX has not")
        if wire in (_EIGHT, _FOUR):
            self._step_over(8 if wire == _EIGHT else 4)
        elif wire in (_VARINT, _LENGTH):
            self._field = (field, wire)
        else:
            raise Malformed("it is not protobuf")

    def _value(self, field: int, value: int) -> None:
        if self._stack[-1].name == "tensor" and field == _DATA_LOCATION and value != 0:
            raise Malformed("a tensor's data is kept outside the file")

    def _length(self, field: int, length: int) -> None:
        name = self._stack[-1].name
        message = _MESSAGES[name]
        if name == "tensor" and field == _EXTERNAL_DATA:
            raise Malformed("a tensor's data is kept outside the file")
        if field in message.text:
            self._text += length
            if self._text > MAX_TEXT:
                raise Malformed(f"it has more than {MAX_TEXT} bytes of free text")
        self._graph = self._graph or (name == "model" and field == 7)
        inside = message.inside.get(field)
        if inside is None:
            self._step_over(length)
            return
        if self._offset + length > self._stack[-1].end or len(self._stack) >= MAX_DEPTH:
            raise Malformed("its messages do not nest")
        self._stack.append(_Open(inside, self._offset + length))

    def _step_over(self, length: int) -> None:
        if self._offset + length > self._stack[-1].end:
            raise Malformed("its fields are longer than what they are in")
        self._skip = length

    def _close(self) -> None:
        """Leave the messages that end here."""
        while len(self._stack) > 1 and self._offset == self._stack[-1].end:
            self._stack.pop()
        if self._offset > self._stack[-1].end:
            raise Malformed("its fields are longer than what they are in")
