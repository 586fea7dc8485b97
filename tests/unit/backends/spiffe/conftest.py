"""Workload API servers of two regions inside the test's process, and ways to be a workload."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sovplatform.backends.spiffe.attestation import Attestor
from sovplatform.backends.spiffe.identity import WorkloadIdentity
from sovplatform.backends.spiffe.workload_api import WorkloadAPIServer
from sovplatform.records import RegionTrust
from tests.fixtures.openbao import MakeRegion, ProvisionedRegion


class Node:
    """A region with its Workload API; `trusted` is what it pins of others."""

    def __init__(self, region: ProvisionedRegion, **lifetimes: float) -> None:
        self.region = region
        self.attestor = Attestor()
        self.trusted: list[RegionTrust] = []
        self._directory = tempfile.TemporaryDirectory(prefix="sov-test-")
        socket = Path(self._directory.name) / "workload.sock"
        self.issuer = region.issuer(**lifetimes)
        self.server = WorkloadAPIServer(socket, self.issuer, self.attestor, lambda: tuple(self.trusted))
        self.server.start()

    def identity(self, path: str, **options: Any) -> WorkloadIdentity:
        """This process, as the workload `path`."""
        self.attestor.register(os.getpid(), path)
        return WorkloadIdentity(self.server.socket_path, path=path, **options)

    def id(self, path: str) -> str:
        return f"spiffe://{self.region.trust_domain}{path}"

    def close(self) -> None:
        self.server.stop()
        self._directory.cleanup()


MakeNode = Callable[..., Node]


@pytest.fixture
def make_node(make_region: MakeRegion) -> Iterator[MakeNode]:
    """A new Workload API of a region, with lifetimes of its own."""
    with ExitStack() as stack:

        def make(name: str, **lifetimes: float) -> Node:
            node = Node(make_region(name), **lifetimes)
            stack.callback(node.close)
            return node

        yield make


@pytest.fixture
def de(make_node: MakeNode) -> Node:
    return make_node("de")


@pytest.fixture
def fr(make_node: MakeNode) -> Node:
    return make_node("fr")


def until(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for a condition, at most so long."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        pause.wait(0.01)


ASK = """
import sys
from sovplatform.backends.spiffe.identity import WorkloadIdentity
from sovplatform.errors import IdentityRefused
sys.stdin.readline()
try:
    with WorkloadIdentity(sys.argv[1], timeout=float(sys.argv[2])) as identity:
        print(identity.spiffe_id)
except IdentityRefused as err:
    print("refused", err)
"""


@pytest.fixture
def ask() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process that, once it reads a line, asks a Workload API who it is and prints the answer."""
    with ExitStack() as stack:

        def start(node: Node, *, timeout: float = 0.3, command: tuple[str, ...] = ()) -> subprocess.Popen[str]:
            arguments = [*command, sys.executable, "-c", ASK, str(node.server.socket_path), str(timeout)]
            process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start
