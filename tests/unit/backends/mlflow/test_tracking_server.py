"""The registry on a real tracking server, by its address."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from sovplatform.backends.mlflow import MLflowRegistry

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("flask") is None, reason="full MLflow, with its server, is not installed"
)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).with_name("mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--artifacts-destination", str(tmp_path / "served")]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) as process,
    ):
        try:
            _wait_until_healthy(process, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    deadline, pause = time.monotonic() + 90, threading.Event()
    while process.poll() is None and time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pause.wait(0.1)
        finally:
            connection.close()
    pytest.fail("the tracking server does not get healthy")


def test_a_tracking_server_holds_versions_and_aliases(address, tmp_path):
    registry = MLflowRegistry(address, tmp_path / "models", "de")
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.onnx").write_bytes(b"weights")
    digest = "sha256:" + "1" * 64
    for _ in range(2):
        made = registry.register(
            "credit", model, artifact=digest, signature='{"b": 1}', provenance='{"p": 1}', tags={"run": "r1"}
        )
        assert (made.version, made.signature, made.tags) == (1, '{"b": 1}', {"run": "r1"})
    assert registry.set_alias("credit", "champion", 1).aliases == ("champion",)
    assert registry.resolve("credit", "champion") == registry.get("credit", 1) == registry.versions("credit")[0]
    assert (registry.fetch("credit", 1, tmp_path / "out") / "model.onnx").read_bytes() == b"weights"
