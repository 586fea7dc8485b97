"""ModelFiles: the files of registered models, in a directory where each set of files has its digest for a name."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sovplatform.errors import Conflict, NotFound, SignatureInvalid
from sovplatform.records import canonical, digest_of
from sovplatform.signing import hash_directory


class ModelFiles:
    """Below `root`, which all share who share the registry. What is kept is never changed, and checked when it is fetched."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One registration at a time, so that one digest has one version."""
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def keep(self, directory: Path) -> str:
        """Copy the directory's files, and return their common digest.

        Raises:
            NotFound: there is no such directory, or its files cannot be read.
            Denied: it holds a link or a special file.
        """
        if not directory.is_dir():
            raise NotFound(f"no directory {directory} to register", remedy="give the model's directory")
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix=".keep-", dir=self._root) as scratch:
            copy = Path(scratch) / "files"
            _copy(directory, copy, f"the model in {directory.name}")
            files = _digest(copy)
            kept = self._place(files)
            if kept.exists() and _digest(kept) != files:
                shutil.rmtree(kept)
            if not kept.exists():
                for path in copy.rglob("*"):
                    if path.is_file():
                        path.chmod(0o400)
                copy.rename(kept)
        return files

    def fetch(self, files: str, destination: Path, what: str) -> None:
        """Copy the files of that digest to `destination`, a directory that is empty or not there yet.

        Raises:
            Conflict: there is something already.
            NotFound: the files are not there.
            SignatureInvalid: a stored file is not what was kept.
        """
        if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
            raise Conflict(f"{destination} exists and is not empty", remedy="give a new directory")
        destination.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=destination.parent) as scratch:
            copy = Path(scratch) / "files"
            _copy(self._place(files), copy, what)
            if _digest(copy) != files:
                raise SignatureInvalid(f"the stored files of {what} were changed", remedy="restore the registry from a backup")
            if destination.exists():
                destination.rmdir()
            copy.rename(destination)

    def _place(self, files: str) -> Path:
        return self._root / files.removeprefix("sha256:")


def _copy(source: Path, target: Path, what: str) -> None:
    try:
        shutil.copytree(source, target, symlinks=True, copy_function=shutil.copyfile)
    except (OSError, shutil.Error) as err:
        raise NotFound(f"the files of {what} cannot be read", remedy="check the directory, or restore it from a backup") from err


def _digest(directory: Path) -> str:
    return digest_of(canonical([entry.model_dump(mode="json") for entry in hash_directory(directory)]))
