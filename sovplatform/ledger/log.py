"""Ledger: append, read, seal and prove. One writer, any number of readers, every append durable when it returns."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from sovplatform.errors import ConfigError, LedgerUnwritable, NotFound
from sovplatform.ledger import merkle, note, store
from sovplatform.ledger.checkpoint import Checkpoint, body
from sovplatform.ledger.entry import Entry, draft, stored
from sovplatform.ledger.writer import Append, Writer

_PAGE = 512


def _nothing() -> None:
    """Nobody has asked to be told of appends."""


class Ledger:
    """A region's ledger. Make it with `Ledger.open`; it may be shared by threads, not by processes."""

    def __init__(self, path: Path, origin: str, writer: Writer | None) -> None:
        self.path = path
        self.origin = origin
        self._writer = writer
        self._waiting: deque[Append] = deque()
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._sealing = threading.Lock()
        self.appended: Callable[[], None] = _nothing
        """Called after each append, in the thread that appended: whoever signs checkpoints is to miss none."""
        self._reader: sqlite3.Connection | None = store.open_reader(path)
        store.check_origin(self._reader, path, origin)

    @classmethod
    def open(cls, path: Path, origin: str, *, read_only: bool = False) -> Self:
        """Open the ledger `origin` (for example `de.demo.sov/ledger`) at `path`; made when it is not there.

        Raises:
            Locked: another process, or another place in this one, has it open for writing.
            NotFound: it is to be read and is not there.
            Conflict: the file is the ledger of another origin.
            LedgerCorrupt: the file is no ledger, or does not fit its newest checkpoint.
            LedgerUnwritable: the disk is full or read-only.
        """
        writer = None if read_only else Writer(path, origin)
        try:
            return cls(path, origin, writer)
        except BaseException:
            if writer is not None:
                writer.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait for what is under way, then let go of the file and of the right to write. Twice is no error."""
        with self._sealing, self._writing, self._reading:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    # -- recording ------------------------------------------------------------------------------------------------

    def append(self, event: str, subject: str, *, actor: str, details: Mapping[str, Any] = {}, key: str | None = None) -> Entry:
        """Record something; it is on the disk when this returns.

        `key` makes recording idempotent: a second append with the same key, event and subject returns the first entry.
        Appends of several threads share one write to the disk. After `LedgerUnwritable` an append may be tried again;
        with a key, that records it once whatever became of the first try.

        Raises:
            ConfigError: the entry cannot be written as JSON.
            Denied: the details are larger than metadata is.
            Conflict: the key was used for another event or subject.
            LedgerUnwritable: the disk is full or read-only, or the ledger is not open for writing.
        """
        append = Append(draft(event, subject, actor, details, key))
        self._waiting.append(append)
        with self._writing:
            if not append.settled:
                writer = self._open_writer()
                writer.record([self._waiting.popleft() for _ in range(len(self._waiting))])
        if append.entry is None:
            raise append.error or LedgerUnwritable(f"{event} was not recorded", remedy="append it again")
        self.appended()
        return append.entry

    def seal(self, sign: Callable[[bytes], bytes], key_name: str, public_key: str) -> Checkpoint:
        """Sign the ledger as it is now and keep the checkpoint; with nothing new since the last one, return that.

        `sign` gives the 64-byte Ed25519 signature of the region's key over the bytes given; `public_key` is its PEM,
        `key_name` the name that signed-note tools will see, customarily the origin.

        Raises:
            SignatureInvalid: `sign` used another key.
            ConfigError: `public_key` is no Ed25519 key, or `key_name` cannot be one.
            LedgerUnwritable: as `append`.
        """
        raw = note.raw_public_key(public_key)
        with self._sealing:
            with self._writing:
                size, root = self._open_writer().tree()
            newest = self.checkpoint()
            if newest is not None and newest.size == size and note.claims(newest.note, key_name, raw):
                return newest
            text = body(self.origin, size, root)
            sealed = note.compose(text, key_name, raw, sign(text.encode()))
            checkpoint = Checkpoint.open(sealed, origin=self.origin, keys=[public_key])
            with self._writing:
                self._open_writer().keep(checkpoint)
            return checkpoint

    # -- reading --------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """How many entries are recorded."""
        with self._reading:
            return store.read_size(self._open_reader())

    def root(self, size: int | None = None) -> bytes:
        """The RFC 6962 root hash over all entries, or over the first `size`."""
        size = self._within(self.size if size is None else size)
        return merkle.Frontier.read(size, self._node).root()

    def entries(self, start: int = 0, stop: int | None = None, *, event: str | None = None) -> Iterator[Entry]:
        """Entries from `start` up to, not including, `stop`, as of now. `event` is a name, or `gate.*` for all of the gate's."""
        end = self.size if stop is None else min(stop, self.size)
        condition, arguments = _event_condition(event)
        query = f"SELECT idx, body FROM entries WHERE idx >= ? AND idx < ? {condition} ORDER BY idx LIMIT {_PAGE}"  # noqa: S608
        while start < end:
            with self._reading:
                page = self._open_reader().execute(query, (start, end, *arguments)).fetchall()
            for index, data in page:
                yield stored(index, data)
            start = page[-1][0] + 1 if len(page) == _PAGE else end

    def find(self, key: str) -> Entry | None:
        """The entry that was recorded under `key`."""
        with self._reading:
            row = self._open_reader().execute("SELECT idx, body FROM entries WHERE key = ?", (key,)).fetchone()
        return stored(*row) if row else None

    def checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint. Its signature is not checked here."""
        with self._reading:
            newest = store.newest_note(self._open_reader())
        return None if newest is None else Checkpoint.parse(newest)

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """All checkpoints, oldest first."""
        with self._reading:
            return tuple(Checkpoint.parse(text) for text in store.notes(self._open_reader()))

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """What leads from entry `index` to the root of the first `size` entries; see `merkle.verify_inclusion`.

        Raises:
            NotFound: there are not so many entries.
        """
        if not 0 <= index < self._within(size):
            raise NotFound(f"entry {index} is not among the first {size}", remedy="ask for an entry that is")
        return merkle.inclusion_path(index, size, self._node)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """What shows that the first `new` entries begin with the first `old`; see `merkle.verify_consistency`.

        Raises:
            NotFound: there are not so many entries.
        """
        if not 0 <= old <= self._within(new):
            raise NotFound(f"{old} entries are not among the first {new}", remedy="give the smaller size first")
        return merkle.consistency_path(old, new, self._node)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _open_writer(self) -> Writer:
        if self._writer is None:
            raise LedgerUnwritable(f"ledger {self.path} is not open for writing here", remedy="let the region's node record it")
        return self._writer

    def _open_reader(self) -> sqlite3.Connection:
        if self._reader is None:
            raise ConfigError(f"ledger {self.path} is closed", remedy="open it again")
        return self._reader

    def _node(self, level: int, number: int) -> bytes:
        with self._reading:
            return store.read_node(self._open_reader(), level, number)

    def _within(self, size: int) -> int:
        if not 0 <= size <= self.size:
            raise NotFound(f"ledger {self.path} has {self.size} entries, not {size}", remedy="ask for what is recorded")
        return size


def _event_condition(event: str | None) -> tuple[str, tuple[str, ...]]:
    if event is None:
        return "", ()
    if event.endswith(".*"):
        stem = event[:-2]
        return "AND +event > ? AND +event < ?", (f"{stem}.", f"{stem}/")
    return "AND event = ?", (event,)
