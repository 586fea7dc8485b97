"""The embedded OpenBao server's life: start, find again, die, come back, and what it leaves on disk."""

import base64
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sovplatform.backends import openbao_audit
from sovplatform.backends.openbao import OpenBaoServer
from sovplatform.backends.pidfile import PidFile
from sovplatform.backends.vault import VaultKeyStore
from sovplatform.backends.vault_region import VaultRegion
from sovplatform.errors import NotFound, Unavailable
from sovplatform.records import RegionSpec, Role

START = """
import pathlib, sys
from sovplatform.backends.openbao import OpenBaoServer
OpenBaoServer(pathlib.Path(sys.argv[1])).start()
"""
IT = RegionSpec(name="it", jurisdiction="IT", role=Role.sovereign, provider="onprem")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a server that the tests of this module may kill."""
    home = tmp_path_factory.mktemp("own") / "openbao"
    yield home
    OpenBaoServer(home).stop()


@pytest.fixture
def server(home: Path) -> OpenBaoServer:
    server = OpenBaoServer(home)
    server.start()
    return server


def pid_of(server: OpenBaoServer) -> int:
    pid = server.status().pid
    assert pid is not None
    return pid


def facts_keystore(server: OpenBaoServer) -> VaultKeyStore:
    address = server.address()
    return VaultKeyStore(
        address.url, namespace="it", region="it", jurisdiction="IT", token=server.operator(), ca_file=address.ca_file
    )


def test_an_audit_log_over_its_size_is_turned_over_while_the_server_runs(
    server: OpenBaoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, pid = server.home / "audit.log", pid_of(server)
    for left in server.home.glob("audit.log.*"):  # by another test of this server
        left.unlink()
    for count in range(1, openbao_audit.KEPT + 3):
        server.operator()()  # a login is a request
        before = log.read_bytes()
        assert before
        monkeypatch.setattr(openbao_audit, "LARGEST_BYTES", 0)
        server.start()
        monkeypatch.undo()
        assert pid_of(server) == pid
        older = sorted(server.home.glob("audit.log.*"))
        assert len(older) == min(count, openbao_audit.KEPT)
        assert (server.home / "audit.log.1").read_bytes().startswith(before)  # no request is lost
        assert {path.stat().st_mode & 0o777 for path in (log, *older)} == {0o600}
    written = log.stat().st_size
    server.operator()()
    assert log.stat().st_size > written


def test_a_turn_that_was_killed_half_way_is_finished_at_the_next_start(server: OpenBaoServer) -> None:
    log = server.home / "audit.log"
    log.replace(server.home / "audit.log.1")
    server.start()
    assert log.exists()


def test_starting_again_finds_the_running_server(server: OpenBaoServer) -> None:
    pid = pid_of(server)
    assert OpenBaoServer(server.home).start() == server.address()
    assert pid_of(server) == pid


def test_many_starters_at_once_start_one_server(server: OpenBaoServer) -> None:
    server.stop()
    with ThreadPoolExecutor(4) as pool:
        addresses = set(pool.map(lambda _: OpenBaoServer(server.home).start(), range(4)))
    assert len(addresses) == 1
    assert server.status().up


def test_a_killed_server_comes_back_with_its_keys_and_needs_nobody(server: OpenBaoServer) -> None:
    VaultRegion(server.address(), "it", server.operator()).provision(IT, "test")
    keys, before = facts_keystore(server), facts_keystore(server).facts("decisions")
    address = server.address()
    os.kill(pid_of(server), signal.SIGKILL)
    assert OpenBaoServer(server.home).start() == address
    assert facts_keystore(server).facts("decisions") == before
    assert keys.facts("decisions") == before  # a client from before goes on, on a new connection


def test_a_stopped_server_says_so_and_starts_at_the_same_address(server: OpenBaoServer) -> None:
    address = server.address()
    server.stop()
    server.stop()
    assert not server.status().up
    assert "does not run" in server.status().problem
    with pytest.raises(Unavailable):
        server.operator()()
    assert server.start() == address


def test_a_taken_port_is_given_up_for_a_free_one(server: OpenBaoServer) -> None:
    port = urlsplit(server.address().url).port
    server.stop()
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", port))
        taker.listen()
        address = server.start()
    assert urlsplit(address.url).port != port
    assert server.operator()()


def test_the_server_outlives_the_program_that_started_it(server: OpenBaoServer) -> None:
    server.stop()
    subprocess.run([sys.executable, "-c", START, str(server.home)], check=True, timeout=60)
    assert server.status().up
    assert os.getsid(pid_of(server)) == pid_of(server)


def test_a_process_that_took_over_the_pid_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        file = PidFile(tmp_path / "pid")
        file.write(other.pid)
        assert file.pid() == other.pid
        file.path.write_text(file.path.read_text().replace('"started": ', '"started": 1'))
        assert file.pid() is None
        file.end(1.0)
        assert other.poll() is None
        other.communicate(b"\n")


@pytest.mark.parametrize("content", ["", "{}", "[]", "12", '{"pid": "x", "started": null}'])
def test_a_pid_file_that_says_nothing_names_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / "pid").write_text(content)
    assert PidFile(tmp_path / "pid").pid() is None


def test_only_the_owner_can_read_what_is_on_disk(server: OpenBaoServer) -> None:
    assert server.home.stat().st_mode & 0o077 == 0
    secret = [*server.home.glob("*.key"), *server.home.glob("*.log"), *server.home.glob("*.json"), *server.home.rglob("*.db")]
    assert len(secret) >= 8
    assert [path.name for path in secret if path.stat().st_mode & 0o077] == []


def test_no_secret_is_in_arguments_environment_logs_or_configuration(server: OpenBaoServer) -> None:
    login = server.operator()
    token = login()
    VaultRegion(server.address(), "it", login).provision(IT, "test")
    seal_key = (server.home / "seal.key").read_bytes()
    operator_key = (server.home / "operator.key").read_bytes().splitlines()[1]
    secrets = [seal_key, base64.b64decode(seal_key), operator_key, token.encode()]
    process = Path("/proc") / str(pid_of(server))
    places = [process / "cmdline", process / "environ", *server.home.glob("*.log*"), *server.home.glob("*.json")]
    for place in places:
        content = place.read_bytes()
        assert content
        assert [secret for secret in secrets if secret in content] == [], place


def test_there_is_no_root_token_and_no_recovery_key(server: OpenBaoServer) -> None:
    assert {path.name for path in server.home.iterdir() if path.is_file()} <= {
        "audit.log", "ca.pem", "lock", "openbao.json", "openbao.log", "openbao.pid", "operator.key", "ports.json", "ready",
        "seal.key", "tls.key", "tls.pem", *(f"audit.log.{number}" for number in range(1, openbao_audit.KEPT + 1)),
    }  # fmt: skip


def test_a_first_start_that_was_cut_short_is_made_again(tmp_path: Path) -> None:
    server = OpenBaoServer(tmp_path / "openbao")
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            START,
            str(server.home),
        ]
    )
    database, until = server.home / "data" / "raft" / "raft.db", threading.Event()
    for _ in range(2000):
        if database.exists():
            break
        until.wait(0.005)
    starter.kill()
    starter.wait()
    os.kill(pid_of(server), signal.SIGKILL)
    try:
        server.start()
        assert server.operator()()
        assert server.status().up
    finally:
        server.stop()


def test_a_server_that_cannot_start_says_why(tmp_path: Path, server: OpenBaoServer) -> None:
    broken = OpenBaoServer(tmp_path / "openbao")
    broken.home.mkdir()
    (broken.home / "seal.key").write_text("not a key")
    (broken.home / "ready").touch()
    with pytest.raises(Unavailable) as caught:
        broken.start()
    assert "openbao.log" in caught.value.remedy


def test_a_server_that_was_never_started_is_not_found(tmp_path: Path) -> None:
    server = OpenBaoServer(tmp_path / "none")
    assert not server.status().up
    server.stop()
    with pytest.raises(NotFound):
        server.address()
    assert not server.home.exists()


def test_strangers_do_not_fill_the_log(openbao: OpenBaoServer) -> None:
    host, _, port = openbao.address().url.removeprefix("https://").rpartition(":")
    log = openbao.home / "openbao.log"
    before = log.stat().st_size
    for _ in range(20):
        with socket.create_connection((host, int(port)), timeout=5) as stranger, contextlib.suppress(ConnectionError):
            stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while stranger.recv(512):
                pass
    assert log.stat().st_size == before
