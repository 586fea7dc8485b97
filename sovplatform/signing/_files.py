"""The files below a directory, all of them, and their SHA-256."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from sovplatform.artifacts import hash_file
from sovplatform.errors import Denied, NotFound
from sovplatform.records import FileEntry


def hash_directory(directory: Path) -> tuple[FileEntry, ...]:
    """Every file below the directory, hidden ones too, hashed in parallel and sorted by path.

    Raises:
        NotFound: no such directory.
        Denied: a link, a special file, or a name that is not UTF-8: none of them can be signed.
    """
    if not directory.is_dir():
        raise NotFound(f"no model directory at {directory}", remedy="give the directory that holds model.onnx")
    paths = sorted(_walk(directory, PurePosixPath()))
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        hashed = pool.map(lambda path: hash_file(directory / path), paths)
        return tuple(entry.model_copy(update={"path": str(path)}) for path, entry in zip(paths, hashed, strict=True))


def _walk(root: Path, below: PurePosixPath) -> Iterator[PurePosixPath]:
    with os.scandir(root / below) as found:
        for entry in found:
            path = below / entry.name
            if entry.is_symlink() or not (entry.is_file() or entry.is_dir()) or not entry.name.isprintable():
                raise Denied(
                    f"{str(path)!r} in {root.name} is not a plain file", remedy="put the file itself there, plainly named"
                )
            if entry.is_dir():
                yield from _walk(root, path)
            else:
                yield path
