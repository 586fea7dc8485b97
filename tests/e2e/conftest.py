"""The one pilot that most end-to-end tests share."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fixtures.pilots import Pilot, make_pilot


@contextmanager
def careless() -> Iterator[None]:
    """Programs that are started meanwhile make files that anybody may write, unless they say otherwise."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture(scope="session")
def short_path() -> Iterator[Path]:
    """A short path, as sockets have no room for a long one."""
    directory = Path(tempfile.mkdtemp(prefix="e2e-"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def first_run(short_path: Path) -> Iterator[tuple[Pilot, str]]:
    """The fintech example, run without an approver, and what that printed; by somebody whose umask hides nothing."""
    try:
        with careless():
            made = make_pilot(short_path / "pilot")
            ended = made.sovctl("run")
        assert ended.returncode == 0, ended.stderr
        yield made, ended.stdout
    finally:
        made.sovctl("down")


@pytest.fixture(scope="session")
def pilot(first_run: tuple[Pilot, str]) -> Pilot:
    """The fintech example, run to its end. Tests leave it as they found it; a stopped one comes back with `up`."""
    made, _ = first_run
    with careless():
        ended = made.sovctl("run", "--approve-with", str(made.approver))
    assert ended.returncode == 0, ended.stderr
    return made
