"""A node whose Workload API is another program's: it serves none, and is who that one says."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovplatform import signing
from sovplatform.backends.node.process import NodeSettings
from sovplatform.errors import Denied
from sovplatform.node.identity import NodeIdentity
from sovplatform.records import RegionSpec, Role
from tests.fixtures.openbao import PILOT, MakeRegion, ProvisionedRegion

AGENT = """
import sys
from pathlib import Path
from sovplatform.backends.spiffe.attestation import Attestor
from sovplatform.backends.spiffe.issuer import Issuer
from sovplatform.backends.spiffe.workload_api import WorkloadAPIServer
from sovplatform.backends.vault_api import VaultAddress, VaultApi
from sovplatform.backends.vault_login import AppRoleLogin
socket, url, ca, namespace, login, domain, pid, *paths = sys.argv[1:]
address = VaultAddress(url, ca)
token = AppRoleLogin.from_file(address, namespace=namespace, file=Path(login))
attestor = Attestor()
for path in paths:
    attestor.register(int(pid), path)
server = WorkloadAPIServer(Path(socket), Issuer(VaultApi(address, namespace=namespace, token=token), domain), attestor)
print(server.start(), flush=True)
sys.stdin.readline()
server.stop()
"""


@pytest.fixture
def region(make_region: MakeRegion) -> ProvisionedRegion:
    return make_region("at")


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sov-agent-") as directory:
        yield Path(directory)


@pytest.fixture
def agent(region: ProvisionedRegion, place: Path) -> Iterator[str]:
    """The endpoint of a Workload API in a process of its own, on the stock stubs; it knows this process as a node's."""
    facts = [region.address.url, region.address.ca_file, region.name, str(region.login_file), region.trust_domain]
    command = [sys.executable, "-c", AGENT, str(place / "agent.sock"), *facts, str(os.getpid()), "/node", "/border"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()
        process.wait(timeout=20)


def settings(region: ProvisionedRegion, workload_api: str) -> NodeSettings:
    return NodeSettings(
        region=RegionSpec(name=region.name, jurisdiction=region.jurisdiction, role=Role.sovereign, provider="onprem"),
        pilot=PILOT,
        vault=region.address.url,
        vault_ca=region.address.ca_file,
        namespace=region.name,
        login=str(region.login_file),
        workload_api=workload_api,
    )


def test_a_node_takes_its_identity_and_its_keys_from_an_agent_of_somebody_elses(
    region: ProvisionedRegion, agent: str, place: Path
) -> None:
    identity = NodeIdentity(place, settings(region, agent), lambda: None)
    try:
        assert identity.server is None
        assert identity.endpoint == agent
        assert list(place.iterdir()) == [place / "agent.sock"]  # no Workload API of its own
        assert identity.border.spiffe_id == f"spiffe://{region.trust_domain}/border"
        signature = identity.keystore.sign("decisions", b"data")
        material = identity.trust_material("127.0.0.1:1")
        signing.verify(signature, b"data", material.keys["decisions"])
        assert material.bundle == region.trust().bundle
        with pytest.raises(Denied):  # the border's own identity opens the border's own keys
            identity.keystore.sign("models", b"data")
    finally:
        identity.close()


def test_the_provider_hands_the_agent_of_the_environment_or_of_the_settings_on_to_the_node(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from sov_onprem.region import OnPremRegion

    def chosen(**given: str) -> str:
        spec = RegionSpec(name="at", jurisdiction="AT", role=Role.sovereign, provider="onprem", settings=given)
        return OnPremRegion(spec, "demo", tmp_path).workload_api

    monkeypatch.delenv("SPIFFE_ENDPOINT_SOCKET", raising=False)
    assert chosen() == ""
    monkeypatch.setenv("SPIFFE_ENDPOINT_SOCKET", "unix:///run/spire/agent.sock")
    assert chosen() == "unix:///run/spire/agent.sock"
    assert chosen(workload_api="unix:///run/other.sock") == "unix:///run/other.sock"
