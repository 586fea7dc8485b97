"""The front of the Workload API when it stops: whatever comes at that moment is ended, and not left behind."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
import warnings
from pathlib import Path

import pytest

from sovplatform.backends.spiffe.front import Front


@pytest.mark.parametrize("turns", range(8))
def test_a_connection_that_comes_as_it_stops_is_ended(turns: int, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """`turns` of the event loop lie between the two, so that one of the cases stops it at each step of taking a connection."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RuntimeWarning)
        connect_and_stop(tmp_path, turns)
        gc.collect()  # what was left behind is complained of when it is thrown away
    assert [str(warning.message) for warning in caught] == []
    assert [record.message for record in caplog.records] == []


def connect_and_stop(home: Path, turns: int) -> None:
    front = Front(home / "front.sock", home / "inner.sock")
    connected = threading.Event()

    def stop(left: int) -> None:
        front._loop.call_soon(stop, left - 1) if left else front._stopping.set()

    def wait_and_stop() -> None:
        connected.wait()
        stop(turns)

    with socket.socket(socket.AF_UNIX) as client, socket.socket(socket.AF_UNIX) as inner:
        inner.bind(str(home / "inner.sock"))
        inner.listen()
        front.start()
        front._loop.call_soon_threadsafe(wait_and_stop)
        client.connect(str(front.path))
        connected.set()
        front._thread.join()
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
