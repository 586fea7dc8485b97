"""Checkpoints (C2SP tlog-checkpoint): a signed note that binds a ledger's origin, size and Merkle root."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Self

from pydantic import Field

from sovplatform.errors import SignatureInvalid
from sovplatform.ledger import note as signed_note
from sovplatform.records import Record

_BODY = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*")


class Checkpoint(Record):
    """What a ledger said of itself once: `size` entries with the Merkle root `root` (hex). `note` is the signed text."""

    origin: str
    size: int = Field(ge=0)
    root: str = Field(pattern=r"^[0-9a-f]{64}$")
    note: str

    @property
    def root_hash(self) -> bytes:
        return bytes.fromhex(self.root)

    @classmethod
    def parse(cls, note: str) -> Self:
        """Read a checkpoint without verifying its signature.

        Raises:
            SignatureInvalid: the note is no checkpoint.
        """
        match = _BODY.fullmatch(signed_note.parse(note).text)
        if match is None:
            raise SignatureInvalid("the signed note is no checkpoint", remedy="use the note exactly as it was published")
        return cls(origin=match[1], size=int(match[2]), root=base64.b64decode(match[3]).hex(), note=note)

    @classmethod
    def open(cls, note: str, *, origin: str, keys: Sequence[str]) -> Self:
        """A checkpoint of the ledger `origin` that one of the keys (PEM) has signed.

        Raises:
            SignatureInvalid: no checkpoint, another ledger's, or signed by another key.
            ConfigError: a key is no Ed25519 key.
        """
        checkpoint = cls.parse(note)
        if checkpoint.origin != origin:
            raise SignatureInvalid(f"the checkpoint is of {checkpoint.origin}, not of {origin}", remedy="check whose it is")
        signed_note.verify(note, keys)
        return checkpoint


def body(origin: str, size: int, root: bytes) -> str:
    """The text of a checkpoint, which is what gets signed."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
