"""Reader: takes a file's bytes as they come, and says in the end what is wrong with them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from sovplatform.records import TensorSpec


class Malformed(Exception):
    """The bytes are not of the format; the message tells why, never what they are."""


class Reader(ABC):
    """One file's reader. The first flaw ends the reading; the rest is hashed all the same."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.tensors: Mapping[str, TensorSpec] = {}
        self.flaw = ""

    def feed(self, chunk: memoryview) -> None:
        """Take the next bytes."""
        if not self.flaw:
            try:
                self.take(chunk)
            except Malformed as err:
                self.flaw = str(err)

    def finish(self) -> str:
        """The flaw, or nothing."""
        if not self.flaw:
            try:
                self.end()
            except Malformed as err:
                self.flaw = str(err)
        return self.flaw

    @abstractmethod
    def take(self, chunk: memoryview) -> None:
        """Raises Malformed."""

    @abstractmethod
    def end(self) -> None:
        """Raises Malformed when something is missing."""
