"""What every record is, and the words that records are made of: digests, names, jurisdictions."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, Self

import rfc8785
from pydantic import BaseModel, ConfigDict, Field

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Jurisdiction = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


def now() -> datetime:
    """The present moment, in UTC, to the microsecond."""
    return datetime.now(UTC)


def canonical(value: Any) -> bytes:
    """RFC 8785 canonical JSON of JSON-like data."""
    return rfc8785.dumps(value)


def digest_of(data: bytes) -> str:
    """`sha256:` and the SHA-256 of the bytes in hexadecimal."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Record(BaseModel):
    """Base of all records: frozen, strict, canonical."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def canonical(self) -> bytes:
        return canonical(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        return digest_of(self.canonical())

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Raises pydantic's ValidationError, a ValueError, for what is no such record."""
        return cls.model_validate_json(data)
