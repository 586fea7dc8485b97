"""Killed, crowded out, and short of space: a clear word, nothing lost, and the next run goes on."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sovplatform.artifacts import RESERVED
from tests.fixtures.pilots import Pilot, make_pilot

WAIT_SECONDS = 90.0
ROUNDS = 14  # of the fintech example


@pytest.fixture(scope="module")
def own_pilot(short_path: Path) -> Iterator[Pilot]:
    """A finished pilot that only these tests disturb."""
    made = make_pilot(Path(tempfile.mkdtemp(dir=short_path)) / "p")
    made.run("--approve-with", str(made.approver))
    yield made
    made.sovctl("down")


@pytest.fixture
def fresh_pilot(short_path: Path) -> Iterator[Pilot]:
    """A pilot of the test's own, stopped at the end."""
    made = make_pilot(Path(tempfile.mkdtemp(dir=short_path)) / "p")
    yield made
    made.sovctl("down")


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come within {WAIT_SECONDS:.0f} s"
        signal.sigtimedwait([], 0.02)


def _rounds(pilot: Pilot) -> int:
    return len(list(pilot.home("de").glob("outbox/*/*-applications-de/manifest.json")))


def _pid(file: Path) -> int:
    return int(json.loads(file.read_text())["pid"])


def _assert_clear(ended: subprocess.CompletedProcess[str]) -> None:
    assert ended.returncode in (1, 3), ended
    assert "Traceback" not in ended.stderr
    assert "remedy" in ended.stderr or "remedy" in ended.stdout, ended


def _assert_whole(pilot: Pilot) -> None:
    """The next run completes, and nothing was delivered or released twice."""
    report = pilot.run("--approve-with", str(pilot.approver))
    assert report["state"] == "complete"
    assert all(ledger["verified"] for ledger in report["ledger"]), report["ledger"]
    assert all(spent["epsilon"] <= 2.0 + 1e-6 for spent in report["epsilon"])
    delivered = Counter(
        (region, entry.details["artifact"], entry.details["destination"]) for region, entry in pilot.events("gate.delivered")
    )
    assert set(delivered.values()) == {1}
    released = Counter((entry.details["reservation"], entry.details["step"]) for _, entry in pilot.events("privacy.released"))
    assert len(released) == 3 * (ROUNDS + 1)
    assert set(released.values()) == {1}


def test_after_kill_9_in_the_middle_of_training_the_next_run_goes_on(fresh_pilot: Pilot) -> None:
    pilot = fresh_pilot
    process = pilot.start("run", "--approve-with", str(pilot.approver))
    wait_until(lambda: _rounds(pilot) >= 2, "the second round")
    process.kill()
    process.communicate(timeout=30)
    os.kill(_pid(pilot.home("fr") / "node.pid"), signal.SIGKILL)
    os.kill(_pid(pilot.state / "openbao" / "openbao.pid"), signal.SIGKILL)
    _assert_whole(pilot)


@pytest.mark.parametrize("victim", ["openbao/openbao.pid", "regions/de/node.pid"])
def test_a_server_that_dies_in_training_is_told_clearly_and_run_goes_on(fresh_pilot: Pilot, victim: str) -> None:
    pilot = fresh_pilot
    process = pilot.start("run", "--approve-with", str(pilot.approver))
    wait_until(lambda: _rounds(pilot) >= 2, "the second round")
    os.kill(_pid(pilot.state / victim), signal.SIGKILL)
    out, err = process.communicate(timeout=240)
    _assert_clear(subprocess.CompletedProcess([], process.returncode, out, err))
    _assert_whole(pilot)


def test_two_runs_at_once_are_one_run_and_one_clear_no(own_pilot: Pilot) -> None:
    pilot = own_pilot
    first = pilot.start("run", "--approve-with", str(pilot.approver))
    lock = pilot.state / "lock"
    wait_until(lambda: str(first.pid) in lock.read_text() or first.poll() is not None, "the first run")
    second = pilot.sovctl("run")
    first.communicate(timeout=240)
    assert first.returncode == 0
    assert second.returncode == 1
    assert "under way" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_channel_port_is_replaced_by_another(own_pilot: Pilot) -> None:
    pilot = own_pilot
    assert pilot.sovctl("down").returncode == 0
    port = int((pilot.home("fr") / "channel.port").read_text())
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        pilot.run("--approve-with", str(pilot.approver))
    assert int((pilot.home("fr") / "channel.port").read_text()) != port


def test_what_a_finished_run_exchanged_may_be_deleted_while_the_regions_are_down(own_pilot: Pilot) -> None:
    pilot = own_pilot
    assert pilot.sovctl("down").returncode == 0
    for home in (pilot.home(name) for name in ("de", "fr", "ch", "fabric")):
        for path in [*home.glob("inbox/*/*"), *home.glob("outbox/*/*/*")]:
            if path.is_file() and path.name not in RESERVED:
                path.unlink()
    report = pilot.run("--approve-with", str(pilot.approver))
    assert report["state"] == "complete"
    assert all(ledger["verified"] for ledger in report["ledger"])
    assert {item["endpoint"]["stable"] for item in report["serving"]} == {
        f"credit-default-{name}-v1" for name in ("de", "fr", "ch")
    }


def test_a_full_disk_is_told_at_once_and_stops_only_what_cannot_be_recorded(own_pilot: Pilot) -> None:
    pilot = own_pilot
    assert pilot.sovctl("up").returncode == 0
    wanted = pilot.platform.repository.desired("ch")
    node = _pid(pilot.home("ch") / "node.pid")
    before = resource.prlimit(node, resource.RLIMIT_FSIZE)
    resource.prlimit(node, resource.RLIMIT_FSIZE, (0, before[1]))
    refused = pilot.sovctl("release", "rollback", "ch")
    resource.prlimit(node, resource.RLIMIT_FSIZE, before)
    _assert_clear(refused)
    assert "cannot record" in refused.stderr
    assert pilot.platform.repository.desired("ch") == wanted  # what could not be recorded was not asked for in git either
    assert pilot.platform.regions["ch"].server().status("credit-default").stable == wanted.stable
    assert pilot.sovctl("release", "rollback", "ch").returncode == 0
    assert pilot.platform.repository.desired("ch").stable == "credit-default-local-ch-v1"
    assert pilot.sovctl("release", "promote", "credit-default-ch-v1").returncode == 0
    assert all(ledger["verified"] for ledger in json.loads(pilot.sovctl("audit", "verify", "--json").stdout))
