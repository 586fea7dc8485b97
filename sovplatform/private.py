"""Files and directories that are their owner's alone, whatever the umask of the process is."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

from sovplatform.errors import ConfigError

FILE = 0o600
DIRECTORY = 0o700


def opener(path: str, flags: int) -> int:
    """For `open(…, opener=opener)`: a new file is private, and a link is not followed."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, FILE)


def make_directory(path: Path) -> None:
    """Make a directory and the parents that it lacks, all of them private. `Path.mkdir` gives its mode to the last one only."""
    for missing in reversed([place for place in (path, *path.parents) if not place.exists()]):
        missing.mkdir(mode=DIRECTORY, exist_ok=True)


def write_atomically(path: Path, data: bytes, *, mode: int = FILE) -> None:
    """Replace a file so that a reader or a crash sees the old or the new bytes, never a part.

    `mode`, less the umask, is for what is meant for others. What lies at the temporary name, a link perhaps, is not written to.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def open_to_writers(root: Path) -> list[Path]:
    """What anybody may write to, of a directory and what is in it; private directories and links are not looked into."""
    found = [root]
    for place, folders, files in os.walk(root):
        here = Path(place)
        found += [here / name for name in (*folders, *files)]
        folders[:] = [name for name in folders if name != ".git" and (here / name).lstat().st_mode & 0o077]
    return [path for path in found if path.lstat().st_mode & stat.S_IWOTH and not path.is_symlink()]


def require_private(path: Path) -> None:
    """See that a directory that may have been there before is this user's alone.

    Raises:
        ConfigError: it is a link, somebody else's, or open to others: who could write to it may have put keys there.
    """
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise ConfigError(f"{path} is no directory, but a link or a file", remedy="move it away; put the pilot itself elsewhere")
    if found.st_uid != os.geteuid() != 0:
        raise ConfigError(f"{path} belongs to another user", remedy="work as the user who made the pilot")
    if found.st_mode & 0o077:
        remedy = f"see that nobody else put anything there, then: chmod 700 {path}"
        raise ConfigError(f"others may enter {path}, where the pilot's keys are", remedy=remedy)
