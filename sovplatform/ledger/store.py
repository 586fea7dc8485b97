"""The ledger's file: SQLite in WAL mode, opened by one writer and any number of readers.

One row for each entry holds its canonical JSON and the tree nodes that it completed (its leaf hash and, joined to it,
the roots of the subtrees that end there). So an append writes one row whatever the length, and node (l, k) is found
in the row of its last leaf.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sovplatform.errors import Conflict, LedgerCorrupt, LedgerUnwritable, Locked, NotFound
from sovplatform.ledger.merkle import HASH_SIZE

FORMAT = 1
APPLICATION_ID = 0x534F564C  # "SOVL"
_BUSY_SECONDS = 10.0

Row = tuple[int, str | None, str | None, bytes, bytes | None]
"""One entry as it is stored: index, event, key, canonical JSON, completed nodes. A copy that is no database lacks some."""


@dataclass(frozen=True)
class Snapshot:
    """A whole ledger at one moment: its entries in order, and its checkpoints, oldest first."""

    origin: str
    rows: Iterator[Row]
    notes: Sequence[str]


_SCHEMA = """
CREATE TABLE ledger (origin TEXT NOT NULL);
CREATE TABLE entries (
    idx INTEGER PRIMARY KEY,
    event TEXT NOT NULL,
    key TEXT,
    body BLOB NOT NULL,
    nodes BLOB NOT NULL
);
CREATE INDEX entries_by_event ON entries (event, idx);
CREATE UNIQUE INDEX entries_by_key ON entries (key) WHERE key IS NOT NULL;
CREATE TABLE checkpoints (number INTEGER PRIMARY KEY, size INTEGER NOT NULL, note TEXT NOT NULL);
CREATE TRIGGER entries_follow BEFORE INSERT ON entries
    WHEN NEW.idx <> (SELECT coalesce(max(idx) + 1, 0) FROM entries)
    BEGIN SELECT raise(ABORT, 'entries are appended one after the other'); END;
CREATE TRIGGER checkpoints_follow BEFORE INSERT ON checkpoints
    WHEN NEW.size < (SELECT coalesce(max(size), 0) FROM checkpoints)
    BEGIN SELECT raise(ABORT, 'checkpoints do not go back'); END;
"""
_APPEND_ONLY = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
"""


class WriterLock:
    """The right to write, held by one open ledger of one process; it ends with the process, however that ends."""

    def __init__(self, path: Path) -> None:
        lock = path.with_name(f"{path.name}.lock")
        try:
            self._file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as err:
            raise unwritable(path, err) from err
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            os.close(self._file)
            raise Locked(f"ledger {path} is open for writing elsewhere", remedy="let the region's node write it") from err

    def release(self) -> None:
        os.close(self._file)


def open_writer(path: Path, origin: str) -> sqlite3.Connection:
    """A connection that may append, to a ledger that is made when it is not there.

    Raises:
        LedgerUnwritable: the disk is full or read-only.
        Conflict: the ledger has another origin.
        LedgerCorrupt: the file is no ledger.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = _connect(f"{path.resolve().as_uri()}?mode=rw")
    except (OSError, sqlite3.OperationalError) as err:
        raise unwritable(path, err) from err
    try:
        if connection.execute("PRAGMA application_id").fetchone() == (0,):
            _create(connection, path, origin)
        connection.execute("PRAGMA synchronous = FULL")
        check_origin(connection, path, origin)
    except sqlite3.OperationalError as err:
        connection.close()
        raise unwritable(path, err) from err
    except sqlite3.DatabaseError as err:
        connection.close()
        raise corrupt(path, err) from err
    except Exception:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, also to a file on a read-only medium.

    Raises:
        NotFound: no such file.
        LedgerCorrupt: the file is no ledger.
    """
    if not path.is_file():
        raise NotFound(f"no ledger at {path}", remedy="give the region's ledger.db")
    uri = path.resolve().as_uri()
    log = path.with_name(f"{path.name}-wal")
    try:
        connection = _connect(f"{uri}?mode=ro")
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            if log.exists() and log.stat().st_size:
                raise
            connection = _connect(f"{uri}?immutable=1")
        _check_format(connection, path)
    except sqlite3.DatabaseError as err:
        raise corrupt(path, err) from err
    return connection


@contextlib.contextmanager
def snapshot(path: Path) -> Iterator[Snapshot]:
    """Everything in the ledger at `path`, as of now, while its writer may go on.

    Raises:
        NotFound, LedgerCorrupt: as `open_reader`, or while the rows are read.
    """
    connection = open_reader(path)
    try:
        connection.execute("BEGIN")
        origin = read_origin(connection)
        found = notes(connection)
        yield Snapshot(origin=origin, rows=rows(connection), notes=found)
    except sqlite3.DatabaseError as err:
        raise corrupt(path, err) from err
    finally:
        connection.close()


def read_origin(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT origin FROM ledger").fetchone()
    return str(row[0]) if row else ""


def check_origin(connection: sqlite3.Connection, path: Path, origin: str) -> None:
    """Raises LedgerCorrupt when the file is no ledger, Conflict when it is that of another origin."""
    _check_format(connection, path)
    found = read_origin(connection)
    if found != origin:
        raise Conflict(f"{path} is the ledger of {found}, not of {origin}", remedy="open it under its own origin")


def read_size(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(idx) + 1, 0) FROM entries").fetchone()[0])


def read_node(connection: sqlite3.Connection, level: int, number: int) -> bytes:
    """Node (level, number) of the tree, from the row of its last leaf."""
    last = ((number + 1) << level) - 1
    row = connection.execute("SELECT nodes FROM entries WHERE idx = ?", (last,)).fetchone()
    node = bytes(row[0])[level * HASH_SIZE : (level + 1) * HASH_SIZE] if row else b""
    if len(node) != HASH_SIZE:
        raise LedgerCorrupt(f"the tree of the ledger lacks node {level}/{number}", remedy="restore the ledger and verify it")
    return node


def rows(connection: sqlite3.Connection) -> Iterator[Row]:
    """All entries as stored, in order."""
    yield from connection.execute("SELECT idx, event, key, CAST(body AS BLOB), nodes FROM entries ORDER BY idx")


def notes(connection: sqlite3.Connection) -> list[str]:
    """All checkpoints, oldest first."""
    return [str(note) for (note,) in connection.execute("SELECT note FROM checkpoints ORDER BY number")]


def newest_note(connection: sqlite3.Connection) -> str | None:
    row = connection.execute("SELECT note FROM checkpoints ORDER BY number DESC LIMIT 1").fetchone()
    return str(row[0]) if row else None


def unwritable(path: Path, err: Exception) -> LedgerUnwritable:
    remedy = "free space on its disk, or make it writable, and run again"
    return LedgerUnwritable(f"ledger {path} cannot record: {err}", remedy=remedy)


def corrupt(path: Path, err: Exception) -> LedgerCorrupt:
    return LedgerCorrupt(f"{path} cannot be read as a ledger: {err}", remedy="restore it from a copy and verify that")


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS)


def _create(connection: sqlite3.Connection, path: Path, origin: str) -> None:
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
        raise LedgerCorrupt(f"{path} is a database, but no ledger", remedy="give another path")
    append_only = "".join(
        _APPEND_ONLY.format(table=table, verb=verb)
        for table in ("ledger", "entries", "checkpoints")
        for verb in ("UPDATE", "DELETE")
    )
    stamp = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT};"
    quoted = origin.replace("'", "''")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE; {_SCHEMA} {append_only} INSERT INTO ledger VALUES ('{quoted}'); {stamp} COMMIT;"  # noqa: S608
        )
    except sqlite3.Error:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise LedgerCorrupt(f"{path} is no ledger", remedy="give the region's ledger.db")
    if version != FORMAT:
        raise LedgerCorrupt(f"{path} has ledger format {version}, not {FORMAT}", remedy="use the release that wrote it")
