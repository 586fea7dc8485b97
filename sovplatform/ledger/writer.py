"""The writing side of a ledger: one connection, the tree's frontier, and commits of all or nothing."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sovplatform.errors import Conflict, LedgerCorrupt, LedgerUnwritable
from sovplatform.ledger import merkle, store
from sovplatform.ledger.checkpoint import Checkpoint
from sovplatform.ledger.entry import EPOCH, Draft, Entry, stored
from sovplatform.records import now


class Append:
    """An append that waits for its commit: afterwards it has an entry or an error."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.entry: Entry | None = None
        self.error: Exception | None = None

    @property
    def settled(self) -> bool:
        return self.entry is not None or self.error is not None


class Writer:
    """Holds the right to write. Its user makes sure that one thread at a time calls it.

    After a failed write the connection is given up and the tree read again from the disk, so that memory and disk
    never tell different stories.
    """

    def __init__(self, path: Path, origin: str) -> None:
        self._path = path
        self._origin = origin
        self._pid = os.getpid()
        self._connection: sqlite3.Connection | None = None
        self._frontier = merkle.Frontier()
        self._last = EPOCH
        self._lock = store.WriterLock(path)
        try:
            self._connect()
        except BaseException:
            self._lock.release()
            raise

    def close(self) -> None:
        self._disconnect()
        self._lock.release()

    def tree(self) -> tuple[int, bytes]:
        """The size and root that are on the disk."""
        self._connect()
        return self._frontier.size, self._frontier.root()

    def keep(self, checkpoint: Checkpoint) -> None:
        """Record a checkpoint. Raises LedgerUnwritable."""
        connection = self._connect()
        try:
            connection.execute("INSERT INTO checkpoints (size, note) VALUES (?, ?)", (checkpoint.size, checkpoint.note))
        except sqlite3.Error as err:
            self._disconnect()
            raise store.unwritable(self._path, err) from err

    def record(self, batch: Sequence[Append]) -> None:
        """Commit a batch in one transaction: all of it, or none and an error for each."""
        try:
            connection = self._connect()
            frontier = self._frontier.copy()
            connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._insert(connection, frontier, append.draft) for append in batch]
            connection.execute("COMMIT")
        except Exception as err:
            self._disconnect()
            for append in batch:
                append.error = store.unwritable(self._path, err) if isinstance(err, sqlite3.Error) else err
            return
        self._frontier = frontier
        for append, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Entry):
                append.entry = outcome
            else:
                append.error = outcome

    def _insert(self, connection: sqlite3.Connection, frontier: merkle.Frontier, draft: Draft) -> Entry | Conflict:
        if draft.entry.key:
            row = connection.execute("SELECT idx, body FROM entries WHERE key = ?", (draft.entry.key,)).fetchone()
            if row is not None:
                return _same(stored(*row), draft.entry)
        self._last = max(now(), self._last)
        entry, body = draft.placed(frontier.size, self._last)
        nodes = frontier.push(merkle.leaf_hash(body))
        connection.execute(
            "INSERT INTO entries (idx, event, key, body, nodes) VALUES (?, ?, ?, ?, ?)",
            (entry.index, entry.event, entry.key or None, body, nodes),
        )
        return entry

    def _connect(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            raise LedgerUnwritable(f"ledger {self._path} was opened by the parent process", remedy="let that record it")
        if self._connection is None:
            connection = store.open_writer(self._path, self._origin)
            try:
                self._load(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            self._connection.close()
            self._connection = None

    def _load(self, connection: sqlite3.Connection) -> None:
        def node(level: int, number: int) -> bytes:
            return store.read_node(connection, level, number)

        self._frontier = merkle.Frontier.read(store.read_size(connection), node)
        row = connection.execute("SELECT idx, body FROM entries ORDER BY idx DESC LIMIT 1").fetchone()
        self._last = stored(*row).at if row else EPOCH
        newest = store.newest_note(connection)
        if newest is None:
            return
        checkpoint = Checkpoint.parse(newest)
        size = checkpoint.size
        if size > self._frontier.size or merkle.Frontier.read(size, node).root() != checkpoint.root_hash:
            raise LedgerCorrupt(
                f"ledger {self._path} does not fit its newest checkpoint",
                remedy="run the audit, and restore a copy that verifies",
            )


def _same(first: Entry, draft: Entry) -> Entry | Conflict:
    if (first.event, first.subject) == (draft.event, draft.subject):
        return first
    return Conflict(
        f"key {draft.key} stands for {first.event} of {first.subject}, and now came with {draft.event} of {draft.subject}",
        remedy="derive the key from event and subject",
    )
