"""A new SQLite registry from a prepared one: MLflow's migrations take seconds, copying their result takes none.

The empty database is migrated once per user and MLflow version, and kept in the user's cache. It is checked each time:
its own digest, that it is the user's, and by MLflow, which compares tables whenever it opens a database.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "mlflow-skinny"  # the part of MLflow that is always there: the full distribution installs it too


def prepare(database: Path, migrate: Callable[[Path], None]) -> None:
    """Make `database` an empty, migrated registry unless it exists. `migrate` makes one by MLflow's own migrations."""
    if database.exists():
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    temporary = database.with_name(f".{database.name}.{os.getpid()}")
    try:
        shutil.copyfile(_prepared(migrate), temporary)
    except OSError:  # no cache here: MLflow migrates in place when it opens the database
        temporary.unlink(missing_ok=True)
        return
    temporary.chmod(0o600)
    try:
        os.link(temporary, database)  # fails when somebody else was first, and never replaces a database
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def _prepared(migrate: Callable[[Path], None]) -> Path:
    """The prepared database in the cache, made when it is missing or not what it was."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sovplatform"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    prepared = base / f"mlflow-{_version()}.sqlite"
    digest = prepared.with_suffix(".sha256")
    with prepared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # three regions that start at once migrate once
        if not _is_ours(prepared, digest):
            making = prepared.with_suffix(".making")
            making.unlink(missing_ok=True)
            migrate(making)
            making.chmod(0o600)
            digest.write_text(_sha256(making))
            making.replace(prepared)
    return prepared


def _is_ours(prepared: Path, digest: Path) -> bool:
    try:
        return prepared.stat().st_uid == os.getuid() and digest.read_text() == _sha256(prepared)
    except OSError:
        return False


def _version() -> str:
    return metadata.version(DISTRIBUTION)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
