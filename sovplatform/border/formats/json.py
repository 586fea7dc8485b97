"""Strict JSON: one object, no key twice, no constant that JSON has not, not too long."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from sovplatform.border.formats.reader import Malformed, Reader

MAX_JSON = 1024 * 1024


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a JSON key comes twice")
    return found


def _constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is no JSON")


def parse_object(data: bytes) -> dict[str, Any]:
    """The object that `data` is.

    Raises:
        Malformed: it is none, or not strictly.
    """
    try:
        found = json.loads(data.decode(), object_pairs_hook=_pairs, parse_constant=_constant)
    except (ValueError, RecursionError) as err:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise Malformed("it is not JSON in UTF-8") from err
    if not isinstance(found, dict):
        raise Malformed("it is not a JSON object")
    return found


class JsonReader(Reader):
    """Metadata of a model, or a report."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._data = bytearray()

    def take(self, chunk: memoryview) -> None:
        if len(self._data) + len(chunk) > MAX_JSON:
            raise Malformed(f"metadata of more than {MAX_JSON} bytes")
        self._data += chunk

    def end(self) -> None:
        parse_object(bytes(self._data))
