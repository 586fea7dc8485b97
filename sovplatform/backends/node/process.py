"""The node's process: how a provider starts, finds and stops it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from sovplatform.backends.pidfile import PidFile
from sovplatform.errors import Unavailable
from sovplatform.private import make_directory, opener, write_atomically
from sovplatform.records import Record, RegionSpec
from sovplatform.wire import OperationClient, socket_path

SETTINGS = "node.json"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
_POLL_SECONDS = 0.02


class NodeSettings(Record):
    """What a node is started with; no secret is in it. `login` is the file of the Workload API's login (0600).

    With `workload_api` set, a SPIFFE agent that somebody else runs answers there, and the node starts none.
    """

    region: RegionSpec
    pilot: str
    vault: str
    vault_ca: str
    namespace: str
    login: str
    workload_api: str = ""


class NodeProcess:
    """The node of the region whose directory is `home`."""

    def __init__(self, home: Path, region: str) -> None:
        self.home = home
        self.region = region
        self._pidfile = PidFile(home / "node.pid")

    @property
    def socket(self) -> Path:
        return socket_path(self.home, "node.sock")

    def client(self) -> OperationClient:
        return OperationClient(self.socket, who=f"region {self.region}")

    def pid(self) -> int | None:
        return self._pidfile.pid()

    def start(self, settings: NodeSettings, environment: Mapping[str, str]) -> None:
        """Run the node with these settings; one that runs with others is started anew.

        Raises:
            Unavailable: it does not come up; the message has its last words.
        """
        path = self.home / SETTINGS
        data = settings.canonical()
        if self.pid() is not None:
            if path.exists() and path.read_bytes() == data and self._answers():
                return
            self.stop()
        make_directory(self.home)
        write_atomically(path, data)
        with open(self.home / "node.log", "ab", opener=opener) as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "sovplatform.node", str(self.home)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=self.home,
                start_new_session=True,
            )
        self._pidfile.write(process.pid)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(
                    f"the node of region {self.region} does not start: {self._last_words()}", remedy="see its node.log"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End the node and its jobs. Doing so twice is no error."""
        self._pidfile.end(STOP_SECONDS)

    def _answers(self) -> bool:
        try:
            self.client().call("status", timeout=5)
        except Unavailable:
            return False
        return True

    def _last_words(self) -> str:
        try:
            lines = (self.home / "node.log").read_text(errors="replace").strip().splitlines()
        except OSError:
            return "no log"
        return lines[-1] if lines else "not a word"


def node_environment() -> dict[str, str]:
    """What a node and its jobs may see of this process's environment: nothing that could be a credential."""
    passed = (
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TZ",
        "TMPDIR",
        "VIRTUAL_ENV",
        "OPENBLAS_CORETYPE",
        "OPENBLAS_L2_SIZE",
        "PYTHONDONTWRITEBYTECODE",
        "COVERAGE_PROCESS_CONFIG",
    )
    found = {name: os.environ[name] for name in passed if name in os.environ}
    return {**found, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
