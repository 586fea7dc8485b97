"""Files in a git repository, by the git command: read at HEAD, written one commit at a time, deaf to the user's settings."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sovplatform.errors import ConfigError, Denied, Locked, NotFound, SovError

LOCK_SECONDS = 20.0
MAX_FILE = 1024 * 1024
MAX_FILES = 64 * MAX_FILE
# A repository's own settings may name programs that git runs even while it reads: hooks, a file monitor, a checker of signatures.
_QUIET = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.fsync=committed",
    "commit.gpgSign=false",
    "log.showSignature=false",
    "gc.auto=0",
)
# Nor is anything fetched to fill a gap, or one object read in the place of another.
_ALONE = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_PLAIN = (b"100644", b"100755")
_SHA1_DIGITS = 40
_REMEDY = "see `git status` and `git log` in that directory"

Commit = Callable[[Mapping[str, bytes], str, str], None]
"""Commit these files (path → content) as this actor with this message; nothing when they are there already."""


class GitStore:
    """The repository whose work tree is `path`. Nothing but `path/.git` is ever taken for it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._git_dir = path / ".git"
        if not self._git_dir.exists():
            remedy = "restore it from a copy, or make a new pilot with: sovctl init pilot DIR"
            raise NotFound(f"there is no git repository at {path}", remedy=remedy)
        if self._git_dir.is_symlink() or not self._git_dir.is_dir():
            remedy = f"put a repository of its own there: git clone {path} DIR, and move it into place"
            raise ConfigError(f"{self._git_dir} points to a repository elsewhere", remedy=remedy)

    @classmethod
    def create(cls, path: Path, *, actor: str, files: Mapping[str, bytes], message: str) -> GitStore:
        """Make the repository with a first commit, unless there is one."""
        if (path / ".git").exists():
            return cls(path)
        path.mkdir(parents=True, exist_ok=True)
        # no templates: they could bring hooks
        run_git(path, "init", "--quiet", "--initial-branch=main", "--template=", str(path), outside=True)
        store = cls(path)
        for key, value in (("user.name", actor), ("user.email", _email(actor))):
            store._git("config", "--local", key, value)
        with store.writing() as commit:
            commit(files, actor, message)
        return store

    def exists(self, path: str) -> bool:
        return bool(self._git("ls-tree", "--name-only", "HEAD", "--", path))

    def read(self, path: str) -> bytes:
        """One file at HEAD."""
        found = self._blobs([f"HEAD:{path}".encode()])
        if not found:
            raise NotFound(f"there is no {path} at HEAD of {self._path}", remedy=_REMEDY)
        return found[0]

    def read_all(self, folder: str) -> dict[str, bytes]:
        """All files below a folder (with its `/`) at HEAD, by path."""
        found = self._listed(folder)
        for path, (mode, _) in found.items():
            if mode not in _PLAIN:
                raise ConfigError(
                    f"{path!r} at HEAD of {self._path} is no plain file", remedy="revert the commit that brought it"
                )
        blobs = self._blobs([name for _, name in found.values()])
        if len(blobs) != len(found):
            raise SovError(f"objects are missing from the git repository at {self._path}", remedy="restore it from a whole copy")
        return dict(zip(found, blobs, strict=True))

    def _listed(self, *folder: str) -> dict[str, tuple[bytes, bytes]]:
        """Mode and object name of what is at HEAD, by path."""
        listed = self._git("ls-tree", "-r", "-z", "HEAD", "--", *folder).split(b"\0")
        entries = [entry.split(b"\t", 1) for entry in listed if entry]
        return {os.fsdecode(path): (meta.split()[0], meta.split()[2]) for meta, path in entries}

    def versions(self, path: str) -> list[bytes]:
        """The contents that a file has had, newest first."""
        commits = self._git("log", "--format=%H", "HEAD", "--", path).split()
        return self._blobs([commit + b":" + path.encode() for commit in commits])

    def log(self, limit: int) -> list[tuple[str, str, str, str]]:
        """Commit, author, time (ISO 8601) and subject of the last commits, newest first."""
        text = self._git("log", f"-n{limit}", "-z", "--format=%H%x1f%an%x1f%aI%x1f%s", "HEAD").decode(errors="replace")
        entries = (entry.split("\x1f") for entry in text.split("\0") if entry)
        return [(commit, author, at, subject) for commit, author, at, subject in entries]

    def edited(self) -> tuple[str, ...]:
        """Paths whose work tree or index differs from HEAD. `git status` would run the repository's filters."""
        staged = self._git("diff-index", "--cached", "--name-only", "--no-renames", "--no-ext-diff", "-z", "HEAD").split(b"\0")
        untracked = self._git("ls-files", "--others", "--exclude-standard", "-z").split(b"\0")
        changed = {path for path, (_, name) in self._listed().items() if not _is_blob(self._path / path, name.decode())}
        return tuple(sorted(changed | {os.fsdecode(path) for path in (*staged, *untracked) if path}))

    @contextmanager
    def writing(self) -> Iterator[Commit]:
        """Hold the repository against other writers, and commit.

        Raises:
            Locked: somebody else has held it for long.
        """
        with (self._git_dir / "sovplatform.lock").open("a") as lock:
            deadline = time.monotonic() + LOCK_SECONDS
            while not _try_lock(lock.fileno()):
                if time.monotonic() > deadline:
                    raise Locked(f"another program is writing to {self._path}", remedy="wait for it to end, and try again")
                time.sleep(0.02)
            yield self._commit

    def _commit(self, files: Mapping[str, bytes], actor: str, message: str) -> None:
        for path in files:
            if not (self._path / path).parent.resolve().is_relative_to(self._path.resolve()):
                remedy = f"remove the link that stands in the way of {path}"
                raise Denied(f"{path} would be written outside {self._path}", remedy=remedy)
        head = self._head()
        before = {path: self.read(path) if head and self.exists(path) else None for path in files}
        changed = {path: data for path, data in files.items() if before[path] != data}
        if head and not changed:
            return
        self._git("fast-import", "--quiet", "--done", stdin=_import_stream(self._branch(), head, changed, actor, message))
        self._git("read-tree", "HEAD")
        for path, data in changed.items():
            self._refresh(path, before[path], data)

    def _refresh(self, path: str, before: bytes | None, after: bytes) -> None:
        """Bring the work tree up to HEAD, unless somebody's uncommitted edit is there."""
        target = self._path / path
        if (target.read_bytes() if target.is_file() else None) == before:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{target.name}.{os.getpid()}")
            temporary.write_bytes(after)
            temporary.replace(target)

    def _head(self) -> str:
        try:
            return self._git("rev-parse", "--verify", "--quiet", "HEAD").decode().strip()
        except SovError:
            return ""

    def _branch(self) -> str:
        try:
            return self._git("symbolic-ref", "--quiet", "HEAD").decode().strip()
        except SovError as err:
            raise SovError(f"{self._path} is on no branch", remedy="go back to it with: git switch main") from err

    def _blobs(self, names: list[bytes]) -> list[bytes]:
        if not names:
            return []
        stdin = b"\n".join(names) + b"\n"
        sizes = [
            int(size) for size in self._git("cat-file", "--batch-check=%(objectsize)", stdin=stdin).split(b"\n") if size.isdigit()
        ]
        if max(sizes, default=0) > MAX_FILE or sum(sizes) > MAX_FILES:
            limits = f"over {MAX_FILE >> 20} MiB in a file, or {MAX_FILES >> 20} MiB together"
            raise ConfigError(f"the git repository at {self._path} holds too much: {limits}", remedy="revert what brought it")
        stream, blobs = self._git("cat-file", "--batch", stdin=stdin), []
        for _ in names:
            header, _, stream = stream.partition(b"\n")
            if header.endswith(b" missing"):
                continue  # the commit that deleted it
            size = int(header.split()[2])
            blobs.append(stream[:size])
            stream = stream[size + 1 :]
        return blobs

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        return run_git(self._path, *arguments, stdin=stdin)


def run_git(path: Path, *arguments: str, stdin: bytes = b"", outside: bool = False) -> bytes:
    """Run git on the repository at `path` without the user's and the machine's settings, hooks and signing.

    Raises:
        ConfigError: git is not installed.
        SovError: git failed; the message is its own.
    """
    where = [] if outside else [f"--git-dir={path / '.git'}", f"--work-tree={path}"]
    settings = [part for setting in _QUIET for part in ("-c", setting)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    command = ["git", *where, *settings, *arguments]
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, env=environment | _ALONE, check=False)
    except FileNotFoundError as err:
        raise ConfigError("the command git is not installed", remedy="install git 2.36 or later") from err
    if done.returncode:
        said = (done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
        raise SovError(f"git {arguments[0]} failed in {path}: {said}", remedy=_REMEDY)
    return done.stdout


def _is_blob(path: Path, name: str) -> bool:
    """Whether a plain file, or a link, is the object of that name, byte for byte. Whether it can be executed is not looked at."""
    try:
        if not path.is_symlink() and (not path.is_file() or path.stat().st_size > MAX_FILE):
            return False  # a pipe would never end
        data = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
    except OSError:
        return False
    algorithm = hashlib.sha1 if len(name) == _SHA1_DIGITS else hashlib.sha256  # git's names, not our trust
    return algorithm(b"blob %d\0" % len(data) + data).hexdigest() == name


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _email(actor: str) -> str:
    return f"{actor}@sovplatform.invalid"


def _import_stream(branch: str, head: str, files: Mapping[str, bytes], actor: str, message: str) -> bytes:
    """A commit in git-fast-import(1)'s language. It is refused when the branch has moved away from `head`."""
    if any(character in actor for character in "<>\n"):
        raise ConfigError(f"'{actor}' cannot be the author of a commit", remedy="use a plain name")
    stamp = f"{actor} <{_email(actor)}> {int(time.time())} +0000"
    lines = [f"commit {branch}", f"author {stamp}", f"committer {stamp}", f"data {len(message.encode())}"]
    stream = "\n".join([*lines, message, *([f"from {head}"] if head else []), ""]).encode()
    for path, data in files.items():
        stream += f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n"
    return stream + b"\ndone\n"
