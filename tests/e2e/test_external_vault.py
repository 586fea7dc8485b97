"""Keys on a server that somebody else runs, given by address, CA and token file: a second OpenBao, started by the test."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovplatform.backends.openbao import OpenBaoServer
from tests.fixtures.pilots import Pilot, make_pilot

ON_THIS_MACHINE = "provider: onprem}"


@pytest.fixture(scope="module")
def vault(short_path: Path) -> Iterator[OpenBaoServer]:
    server = OpenBaoServer(Path(tempfile.mkdtemp(dir=short_path)) / "theirs")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def pilot(vault: OpenBaoServer, short_path: Path) -> Iterator[Pilot]:
    token = short_path / "vault.token"
    token.write_text(f"{vault.operator()()}\n")
    token.chmod(0o600)
    address = vault.address()
    settings = f"{{vault: '{address.url}', vault_ca: {address.ca_file}, vault_token_file: {token}}}"
    made = make_pilot(
        Path(tempfile.mkdtemp(dir=short_path)) / "p",
        replace={ON_THIS_MACHINE: f"provider: onprem, settings: {settings}}}"},
    )
    yield made
    made.sovctl("down")


def test_a_pilot_whose_keys_are_on_a_server_by_address_runs_and_starts_none(pilot: Pilot, vault: OpenBaoServer) -> None:
    ended = pilot.sovctl("up", "--json")
    assert ended.returncode == 0, ended.stderr
    assert all(region["up"] for region in json.loads(ended.stdout)["regions"])
    assert not (pilot.state / "openbao").exists()
    assert pilot.platform.regions["de"].keystore().facts("models").uri.startswith(f"vault://{vault.address().url[8:]}/de/")
    assert pilot.sovctl("run", "--until", "prepare").returncode == 0  # jobs log in there with their SVIDs, and seal data
    assert pilot.sovctl("down").returncode == 0
    assert vault.status().up, "a server of somebody else's was stopped"
    ledgers = json.loads(pilot.sovctl("audit", "verify", "--json").stdout)
    assert len(ledgers) == 4
    assert all(ledger["verified"] for ledger in ledgers)


def test_a_token_that_the_server_does_not_know_is_told(pilot: Pilot, short_path: Path) -> None:
    assert pilot.sovctl("down").returncode == 0
    token = short_path / "vault.token"
    good = token.read_text()
    token.write_text("s.nobodys\n")
    try:
        ended = pilot.sovctl("up")
    finally:
        token.write_text(good)
    assert ended.returncode == 3, ended
    assert "Traceback" not in ended.stderr
    assert "remedy" in ended.stderr
    assert "s.nobodys" not in ended.stderr + ended.stdout


def test_a_token_file_that_is_not_there_is_told(pilot: Pilot, short_path: Path) -> None:
    token = short_path / "vault.token"
    token.rename(token.with_suffix(".away"))
    try:
        ended = pilot.sovctl("up")
    finally:
        token.with_suffix(".away").rename(token)
    assert ended.returncode in (1, 2), ended
    assert "vault.token" in ended.stderr
    assert "remedy" in ended.stderr
    assert "fault in sovctl" not in ended.stderr
