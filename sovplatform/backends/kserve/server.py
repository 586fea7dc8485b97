"""KServeServer: one detached model server process per endpoint, driven by files in the region's `serving/`."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from sovplatform.backends.kserve.client import EndpointClient
from sovplatform.backends.kserve.endpoint import Endpoint
from sovplatform.backends.kserve.trust import ServingTrust
from sovplatform.backends.pidfile import PidFile
from sovplatform.errors import NotFound, Unavailable
from sovplatform.interfaces.server import Server
from sovplatform.records import EndpointStatus, ServingState

_STOP_SECONDS = 5.0


class KServeServer(Server):
    """Endpoints of one region on this machine, each with a port of its own on 127.0.0.1.

    `home` is the region's `serving/`. `trust`, when given, is what the region pins: it is written beside the state at
    each `apply`, and its keys and approvers count instead of those that a state brings along.
    """

    def __init__(self, home: Path, trust: ServingTrust | None = None) -> None:
        self.home = home
        self.trust = trust
        self._clients: dict[str, EndpointClient] = {}

    def apply(self, state: ServingState) -> EndpointStatus:
        """As `Server.apply`. Each change gets the next generation, or the state's own when that is higher.

        A state that was refused is tried again when it is applied again.
        """
        endpoint = Endpoint.named(self.home, state.name)
        endpoint.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(endpoint):
            if self.trust is not None and endpoint.trust() != self.trust:
                endpoint.write_trust(self.trust)
            current = endpoint.state()
            generation = current.generation if current else 0
            known = state.model_copy(update={"generation": generation}) == current and state.generation <= generation
            if not known or endpoint.status().refused:
                endpoint.write_state(state.model_copy(update={"generation": max(generation + 1, state.generation)}))
            _ensure_running(endpoint)
        return self.status(state.name)

    def status(self, name: str) -> EndpointStatus:
        """As `Server.status`. An endpoint whose process is gone is not ready; `refused` is about the newest state only."""
        endpoint = self._endpoint(name)
        status = endpoint.status()
        alive = PidFile(endpoint.pid_file).pid() is not None
        state = endpoint.state()
        refused = status.refused if state is not None and status.observed >= state.generation else ""
        return status.model_copy(update={"ready": status.ready and alive, "url": endpoint.url(), "refused": refused})

    def predict(self, name: str, payload: Mapping[str, object]) -> Mapping[str, object]:
        """As `Server.predict`."""
        return self._client(name).predict(payload)

    def metrics(self, name: str) -> str:
        """As `Server.metrics`. `sov_requests_total`, `sov_request_errors_total` and `sov_request_seconds` are by release."""
        return self._client(name).metrics()

    def remove(self, name: str) -> None:
        """As `Server.remove`."""
        endpoint = Endpoint.named(self.home, name)
        if not endpoint.home.is_dir():
            return
        with _locked(endpoint):
            PidFile(endpoint.pid_file).end(_STOP_SECONDS)
            endpoint.remove()
        self._clients.pop(name, None)

    def names(self) -> tuple[str, ...]:
        """All endpoints that have a state, running or not."""
        found = self.home.iterdir() if self.home.is_dir() else ()
        return tuple(sorted(path.name for path in found if (path / "state.json").is_file()))

    def start_all(self) -> None:
        """Run every endpoint's process again, as after a restart of the machine; they serve what their states say."""
        for name in self.names():
            endpoint = Endpoint.named(self.home, name)
            with _locked(endpoint):
                _ensure_running(endpoint)

    def stop_all(self) -> None:
        """End every endpoint's process; the states stay."""
        for name in self.names():
            endpoint = Endpoint.named(self.home, name)
            with _locked(endpoint):
                PidFile(endpoint.pid_file).end(_STOP_SECONDS)

    def _endpoint(self, name: str) -> Endpoint:
        endpoint = Endpoint.named(self.home, name)
        if not endpoint.state_file.is_file():
            raise NotFound(f"no endpoint {name}", remedy="apply a serving state first")
        return endpoint

    def _client(self, name: str) -> EndpointClient:
        endpoint = self._endpoint(name)
        if not endpoint.port():
            raise Unavailable(f"endpoint {name} is starting", remedy="wait until its status is ready")
        known = self._clients.get(name)
        if known is None or known.port != endpoint.port():
            known = self._clients[name] = EndpointClient(name, endpoint.port())
        return known


@contextlib.contextmanager
def _locked(endpoint: Endpoint) -> Iterator[None]:
    """One writer of an endpoint at a time, over all processes of the machine."""
    with endpoint.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ensure_running(endpoint: Endpoint) -> None:
    pid_file = PidFile(endpoint.pid_file)
    if pid_file.pid() is not None:
        return
    # what a process that is gone has observed is no news of the one to come
    endpoint.write_status(endpoint.status().model_copy(update={"ready": False, "observed": 0}))
    log, null = str(endpoint.log), os.devnull
    command = [sys.executable, "-P", "-m", "sovplatform.backends.kserve.runtime", str(endpoint.home.resolve())]
    try:
        pid = os.posix_spawn(
            sys.executable,
            command,
            {**os.environ, "OMP_NUM_THREADS": "1"},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, null, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
    except OSError as err:
        raise Unavailable(
            f"the model server of endpoint {endpoint.name} cannot be started", remedy="see the message above"
        ) from err
    pid_file.write(pid)
