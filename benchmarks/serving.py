"""One-row latency over HTTP next to a bare KServe server, interleaved in one run; and during the shifts of a canary."""

from __future__ import annotations

import http.client
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sovplatform.approvals import generate_key, sign_release
from sovplatform.artifacts import seal
from sovplatform.backends.kserve import KServeServer
from sovplatform.labels import PUBLIC
from sovplatform.pilot import Approver, NumberFeature, TaskSpec
from sovplatform.records import KeyPurpose, Kind, Release, ServedModel, ServingState, now
from sovplatform.signing import sign_model
from sovplatform.tasks.examples import fintech_task
from sovplatform.testing.memory import MemoryKeyStore

REQUESTS = 2000
WARM = 300
BLOCK = 20
SHIFT_SECONDS = 1.0


def main() -> list[dict[str, Any]]:
    """Measure, print one line for each bar, and return the results."""
    task = fintech_task()
    row = {f.name: f.min if isinstance(f, NumberFeature) else f.values[0] for f in task.features}
    with tempfile.TemporaryDirectory(prefix="sov-bench-") as scratch:
        workshop = _Workshop(Path(scratch), task)
        one, two = workshop.release(1), workshop.release(2)
        server = KServeServer(Path(scratch) / "serving")
        try:
            began = time.perf_counter()
            workshop.settle(server, one)
            ready = time.perf_counter() - began
            with _bare(Path(one.directory) / "model.onnx") as port:
                ours, bare = _interleaved([_client(int((server.home / "credit/port").read_text()), row), _client(port, row)])
            slowest = _slowest_during_shifts(server, workshop, one, two, row)
        finally:
            server.stop_all()
    return _report(ours, bare, slowest, ready)


def _report(ours: list[float], bare: list[float], slowest: float, ready: float) -> list[dict[str, Any]]:
    (p50, p99), (bare50, bare99) = (
        (statistics.median(times) * 1000, statistics.quantiles(times, n=100)[98] * 1000) for times in (ours, bare)
    )
    results: list[dict[str, Any]] = [
        {"name": "serving.p50", "value": p50, "unit": " ms", "bar": "", "ok": None},
        {"name": "serving.p99", "value": p99, "unit": " ms", "bar": 10, "ok": p99 <= 10},
        {"name": "serving.p50 / bare KServe", "value": p50 / bare50, "unit": "", "bar": 1.2, "ok": p50 <= 1.2 * bare50},
        {"name": "serving.p99 / bare KServe", "value": p99 / bare99, "unit": "", "bar": 1.2, "ok": p99 <= 1.2 * bare99},
        {"name": "serving.slowest during shifts", "value": slowest * 1000, "unit": " ms", "bar": 60, "ok": slowest <= 0.06},
        {"name": "serving.apply to ready", "value": ready, "unit": " s", "bar": "", "ok": None},
    ]
    for result in results:
        bar = f"bar ≤ {result['bar']}{result['unit']}  {'ok' if result['ok'] else 'MISSED'}" if result["bar"] else ""
        print(f"{result['name']}  {result['value']:.3g}{result['unit']}  {bar}".rstrip())
    return results


class _Workshop:
    """Releases of the fintech task's model, with weights of no meaning, signed and approved."""

    def __init__(self, root: Path, task: TaskSpec) -> None:
        self.root = root
        self.task = task
        self.keystore = MemoryKeyStore("de", "DE")
        self.key = self.keystore.create("models", KeyPurpose.sign).public_keys["1"]
        self.anna = Approver(name="anna", key=generate_key(root / "anna", "anna"))

    def release(self, version: int) -> ServedModel:
        import numpy

        from sovplatform.tasks import graph

        directory = self.root / f"model-{version}"
        directory.mkdir()
        weight = numpy.full((graph.width(self.task), 1), 0.01 * version, dtype=numpy.float32)
        model = graph.model(self.task, weight, numpy.zeros(1, dtype=numpy.float32))
        (directory / "model.onnx").write_bytes(model.SerializeToString())
        (directory / "task.json").write_bytes(self.task.canonical())
        artifact = seal(directory, kind=Kind.model, name="credit", label=PUBLIC, producer="spiffe://de.demo.sov/job/release")
        bundle = self.root / f"bundle-{version}.json"
        bundle.write_text(sign_model(directory, self.keystore, "models"))
        release = Release(
            id=f"credit-{version}",
            region="de",
            model="credit",
            version=version,
            artifact=artifact.digest,
            proposer="paul",
            proposed_at=now(),
            canary_percent=20,
        )
        approval = sign_release(release, self.anna, self.root / "anna", 1)
        return ServedModel(release=release, directory=str(directory), signature=str(bundle), key=self.key, approvals=(approval,))

    def settle(self, server: KServeServer, stable: ServedModel, canary: ServedModel | None = None, percent: int = 0) -> None:
        """Apply, and wait until it is served."""
        approvers = {self.anna.name: self.anna.key}
        server.apply(ServingState(name="credit", stable=stable, canary=canary, percent=percent, approvers=approvers))
        wanted = (stable.release.id, canary.release.id if canary else "", percent)
        deadline = time.monotonic() + 60
        while (status := server.status("credit")) and not (
            status.ready and (status.stable, status.canary, status.percent) == wanted
        ):
            if status.refused or time.monotonic() > deadline:
                raise RuntimeError(status.refused or "the endpoint does not get ready")
            time.sleep(0.01)


@contextmanager
def _bare(model: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = Path(__file__).with_name("_bare_kserve.py")
    quiet = subprocess.DEVNULL
    with subprocess.Popen([sys.executable, script, model, str(port)], stdout=quiet, stderr=quiet) as process:
        try:
            deadline = time.monotonic() + 60
            while socket.socket().connect_ex(("127.0.0.1", port)):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the bare server does not get ready")
                time.sleep(0.05)
            yield port
        finally:
            process.kill()


def _client(port: int, row: dict[str, Any]) -> Callable[[], float]:
    """A function that sends one request on a connection of its own, and returns the seconds it took."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = json.dumps({"instances": [row]})

    def once() -> float:
        began = time.perf_counter()
        connection.request("POST", "/v1/models/credit:predict", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        took = time.perf_counter() - began
        if answer.status != http.client.OK:
            raise RuntimeError(content.decode())
        return took

    return once


def _interleaved(clients: list[Callable[[], float]]) -> list[list[float]]:
    for client in clients:
        for _ in range(WARM):
            client()
    times: list[list[float]] = [[] for _ in clients]
    for _ in range(REQUESTS // BLOCK):
        for taken, client in zip(times, clients, strict=True):
            taken.extend(client() for _ in range(BLOCK))
    return times


def _slowest_during_shifts(
    server: KServeServer, workshop: _Workshop, one: ServedModel, two: ServedModel, row: dict[str, Any]
) -> float:
    """The slowest request of a client that never pauses: canary 20, canary 50, promoted, rolled back."""
    times: list[float] = []
    failures: list[Exception] = []
    ended = threading.Event()
    client = _client(int((server.home / "credit/port").read_text()), row)

    def load() -> None:
        while not ended.is_set():
            try:
                times.append(client())
            except Exception as err:
                failures.append(err)
                return

    thread = threading.Thread(target=load)
    thread.start()
    try:
        for stable, canary, percent in ((one, two, 20), (one, two, 50), (two, None, 0), (one, None, 0)):
            workshop.settle(server, stable, canary, percent)
            ended.wait(SHIFT_SECONDS / 4)
    finally:
        ended.set()
        thread.join()
    if failures:
        raise failures[0]
    return max(times)


if __name__ == "__main__":
    main()
