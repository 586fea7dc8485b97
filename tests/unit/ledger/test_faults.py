"""Crashes, full disks, two writers: nothing half-recorded, nothing lost, and it goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sovplatform.errors import LedgerUnwritable, Locked
from sovplatform.ledger import Ledger, merkle
from sovplatform.ledger.verify import verify

ACTOR = "spiffe://de.demo.sov/border"
WRITER = """
import sys
from pathlib import Path
from sovplatform.ledger import Ledger
with Ledger.open(Path(sys.argv[1]), sys.argv[2]) as ledger:
    print("open", flush=True)
    while True:
        entry = ledger.append("job.step", "s", actor="a", details={"text": "x" * 300})
        print(entry.index, flush=True)
"""
SMALL_FILES = """
import resource, sys
from pathlib import Path
from sovplatform.errors import LedgerUnwritable
from sovplatform.ledger import Ledger
path, origin = Path(sys.argv[1]), sys.argv[2]
with Ledger.open(path, origin) as ledger:
    ledger.append("job.step", "before", actor="a", key="before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    refused = 0
    for number in range(400):
        try:
            ledger.append("job.step", "s", actor="a", details={"text": "x" * 2000}, key=f"k{number}")
        except LedgerUnwritable as err:
            assert err.remedy
            refused = number
            break
    assert refused, "the limit was never reached"
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    ledger.append("job.step", "s", actor="a", key=f"k{refused}")
    ledger.append("job.step", "after", actor="a", key="after")
    assert [entry.index for entry in ledger.entries()] == list(range(refused + 3)), ledger.size
"""


def start_writer(place: Any) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(place.path), place.origin], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def sound(place: Any) -> int:
    """The size of a ledger whose whole tree fits its entries."""
    with place.open() as ledger:
        assert ledger.root() == merkle.root(merkle.leaf_hash(entry.canonical()) for entry in ledger.entries())
        place.seal(ledger)
        size: int = ledger.size
    report = verify(place.path, origin=place.origin, public_key=place.key.pem)
    assert report.verified, report.problem
    return size


def test_a_killed_writer_loses_nothing_that_it_had_confirmed(place: Any) -> None:
    confirmed = -1
    for lines in (1, 7, 40, 3):
        process = start_writer(place)
        assert process.stdout is not None
        for _ in range(lines):
            confirmed = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        process.wait()
        process.stdout.close()
        confirmed = max([confirmed, *(int(line) for line in rest if line.isdigit())])
        assert sound(place) > confirmed


def test_a_second_writer_is_told_and_the_lock_dies_with_its_holder(place: Any) -> None:
    process = start_writer(place)
    try:
        with pytest.raises(Locked, match="open for writing elsewhere"):
            place.open()
        with Ledger.open(place.path, place.origin, read_only=True) as reader:
            assert reader.size >= 0
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    with place.open() as ledger:
        ledger.append("job.step", "mine", actor=ACTOR)
        with pytest.raises(Locked):
            place.open()
    assert sound(place)


def test_a_write_that_the_system_refuses_records_nothing_and_the_next_one_works(place: Any) -> None:
    subprocess.run([sys.executable, "-c", SMALL_FILES, str(place.path), place.origin], check=True)
    assert sound(place) > 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    home = tmp_path / "small"
    home.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(home)]
    if mount is None or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield home
    subprocess.run(["umount", home], check=True)


def test_a_full_disk_is_told_and_the_ledger_goes_on_when_there_is_space(place: Any, small_disk: Path) -> None:
    path = small_disk / "ledger.db"
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 400_000)
    with Ledger.open(path, place.origin) as ledger:
        number = 0
        with pytest.raises(LedgerUnwritable, match="disk is full") as caught:
            for number in range(2000):
                ledger.append("job.step", "s", actor=ACTOR, details={"text": "x" * 1000}, key=f"k{number}")
        assert "free space" in caught.value.remedy
        assert ledger.size == number
        with pytest.raises(LedgerUnwritable):
            ledger.append("job.step", "s", actor=ACTOR, details={"text": "x" * 1000}, key=f"k{number}")
        with pytest.raises(LedgerUnwritable):
            ledger.append("job.step", "s", actor=ACTOR, details={"text": "x" * 60_000})
        filler.unlink()
        assert ledger.append("job.step", "s", actor=ACTOR, key=f"k{number}").index == number
        ledger.seal(place.key.sign, place.origin, place.key.pem)
    report = verify(path, origin=place.origin, public_key=place.key.pem)
    assert (report.verified, report.size) == (True, number + 1)


def test_a_ledger_cannot_be_made_on_a_full_disk_and_can_when_there_is_space(place: Any, small_disk: Path) -> None:
    filler = small_disk / "filler"
    with filler.open("wb") as file, pytest.raises(OSError, match="No space"):
        while True:
            os.write(file.fileno(), b"x" * 4096)
    path = small_disk / "ledger.db"
    with pytest.raises(LedgerUnwritable):
        Ledger.open(path, place.origin)
    filler.unlink()
    with Ledger.open(path, place.origin) as ledger:
        assert ledger.append("job.step", "s", actor=ACTOR).index == 0


def test_a_ledger_in_a_directory_that_is_not_there_cannot_be_written(place: Any, tmp_path: Path) -> None:
    with pytest.raises(LedgerUnwritable, match="cannot record"):
        Ledger.open(tmp_path / "none" / "ledger.db", place.origin)


def test_a_forked_child_cannot_record_in_its_parent_s_ledger(place: Any) -> None:
    with place.open() as ledger:
        ledger.append("job.step", "s", actor=ACTOR)
        child = os.fork()
        if child == 0:
            try:
                ledger.append("job.step", "s", actor=ACTOR)
            except LedgerUnwritable:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert ledger.append("job.step", "s", actor=ACTOR).index == 1
    assert sound(place) == 2


def test_a_ledger_on_a_read_only_medium_can_be_read_and_verified_but_not_written(place: Any, small_disk: Path) -> None:
    place.fill(3)
    path = Path(shutil.copy(place.path, small_disk))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert verify(path, origin=place.origin, public_key=place.key.pem).verified
    with Ledger.open(path, place.origin, read_only=True) as reader:
        assert reader.size == 3
    with pytest.raises(LedgerUnwritable):
        Ledger.open(path, place.origin)
