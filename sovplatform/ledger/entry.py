"""One entry: who did what to which thing, and when. Metadata only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import rfc8785
from pydantic import AwareDatetime, Field, JsonValue, ValidationError

from sovplatform.errors import ConfigError, Denied, LedgerCorrupt
from sovplatform.records import Record, canonical

MAX_DETAILS = 64 * 1024
_UNSAFE = 1 << 53
EPOCH = datetime.fromtimestamp(0, UTC)


class Entry(Record):
    """What is hashed into the tree is this record's canonical JSON.

    `event` is dotted (`gate.allowed`), `subject` the thing it happened to (a digest, a name), `actor` the SPIFFE ID or
    person that did it. `key` is unique in a ledger and makes recording idempotent; empty for none.
    """

    index: int = Field(ge=0)
    at: AwareDatetime
    event: str = Field(pattern=r"^[a-z][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)+$", max_length=64)
    subject: str = Field(max_length=1024)
    actor: str = Field(min_length=1, max_length=1024)
    details: Mapping[str, JsonValue] = {}
    key: str = Field(default="", max_length=1024)


@dataclass(frozen=True)
class Draft:
    """A checked entry that lacks its place and time, and the canonical JSON around those two."""

    entry: Entry
    head: bytes
    middle: bytes
    tail: bytes

    def placed(self, index: int, at: datetime) -> tuple[Entry, bytes]:
        """The entry, and its canonical JSON without serialising the rest again."""
        moment = at.isoformat().replace("+00:00", "Z")
        body = b'%b"%b"%b%d%b' % (self.head, moment.encode(), self.middle, index, self.tail)
        return self.entry.model_copy(update={"index": index, "at": at}), body


def draft(event: str, subject: str, actor: str, details: Mapping[str, Any], key: str | None) -> Draft:
    """Check what is to be recorded.

    Raises:
        ConfigError: it cannot be written as JSON, or a field is malformed.
        Denied: the details are so large that they look like data.
    """
    remedy = "record names, digests, sizes and reasons as plain JSON"
    try:
        text = canonical(details)
        if len(text) > MAX_DETAILS:
            raise Denied(
                f"{event} of {subject[:80]} has details of {len(text)} bytes; a ledger holds metadata only",
                reasons=[f"details are over {MAX_DETAILS} bytes"],
                remedy="record the digest of the thing instead of the thing",
            )
        entry = Entry(index=0, at=EPOCH, event=event, subject=subject, actor=actor, details=_read_back(text), key=key or "")
        return Draft(
            entry=entry,
            head=b'{"actor":%b,"at":' % canonical(actor),
            middle=b',"details":%b,"event":%b,"index":' % (text, canonical(event)),
            tail=b',"key":%b,"subject":%b}' % (canonical(entry.key), canonical(subject)),
        )
    except ValidationError as err:
        first = err.errors()[0]
        raise ConfigError(f"{event!r} cannot be recorded: {first['loc'][0]}: {first['msg']}", remedy=remedy) from err
    except (rfc8785.CanonicalizationError, ValueError, RecursionError) as err:
        raise ConfigError(f"{event!r} cannot be recorded: {err}", remedy=remedy) from err


def _read_back(text: bytes) -> dict[str, JsonValue]:
    """The details as every reader will see them: a float like 1e16 is written as a whole number, and some are too large."""

    def whole(digits: str) -> int:
        number = int(digits)
        if abs(number) >= _UNSAFE:
            raise ValueError(f"{digits} is beyond the whole numbers that JSON carries safely")
        return number

    result: dict[str, JsonValue] = json.loads(text, parse_int=whole)
    return result


def stored(index: int, body: bytes) -> Entry:
    """The entry that the ledger holds at `index`.

    Raises:
        LedgerCorrupt: the bytes are no entry.
    """
    try:
        return Entry.from_json(body)
    except ValidationError as err:
        raise LedgerCorrupt(f"entry {index} cannot be read", remedy="run the audit, and restore a copy that verifies") from err
