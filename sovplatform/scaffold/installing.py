"""Put what was made into place: whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path


@contextmanager
def staging(directory: Path) -> Iterator[Path]:
    """A private directory beside `directory`, removed in the end, with parents that were missing when it fails."""
    parent = directory.absolute().parent
    missing = [path for path in (parent, *parent.parents) if not path.exists()]
    parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{directory.absolute().name}.", dir=parent))
    try:
        yield staged
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        for path in missing:
            path.rmdir()
        raise
    shutil.rmtree(staged, ignore_errors=True)


def keep_copy(staged: Path, directory: Path, name: str) -> Path | None:
    """Stage a copy of a file that will be replaced, under a name that is free, and return that name; None without the file."""
    if not (directory / name).is_file():
        return None
    backups = (f"{name}.bak{number or ''}" for number in count())
    kept = next(Path(backup) for backup in backups if not os.path.lexists(directory / backup))
    shutil.copy2(directory / name, staged / kept)
    return kept


def install(staged: Path, directory: Path) -> None:
    """Move what was made into place. When that fails half way, what was there before is put back."""
    staged.chmod(0o755)
    if not directory.exists():
        staged.rename(directory)
        return
    before = Path(tempfile.mkdtemp(prefix=f".{directory.absolute().name}.before.", dir=directory.absolute().parent))
    done: list[Path] = []
    try:
        for path in _movable(staged, directory):
            target = directory / path
            if target.exists():
                (before / path).parent.mkdir(parents=True, exist_ok=True)
                target.rename(before / path)
            target.parent.mkdir(parents=True, exist_ok=True)
            (staged / path).rename(target)
            done.append(path)
    except BaseException:
        for path in reversed(done):
            (directory / path).rename(staged / path)
            if (before / path).exists():
                (before / path).rename(directory / path)
        raise
    finally:
        shutil.rmtree(before, ignore_errors=True)


def _movable(staged: Path, directory: Path) -> list[Path]:
    """What to move: file by file where the directory has the folder already, else the folder as a whole."""
    found: list[Path] = []
    for root, folders, names in os.walk(staged):
        here = Path(root).relative_to(staged)
        for folder in list(folders):
            if not (directory / here / folder).exists():
                found.append(here / folder)
                folders.remove(folder)
            elif folder == "releases" and (directory / here / folder / ".git").exists():
                folders.remove(folder)
        found += [here / name for name in names]
    return found
