"""What a running pilot refuses: its own jobs, its operator, strangers at the channel, and approvals that do not count."""

from __future__ import annotations

import socket
import ssl
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from sovplatform.approvals import sign_release
from sovplatform.artifacts import DECISION, load
from sovplatform.backends.node.process import NodeSettings
from sovplatform.backends.pidfile import start_ticks
from sovplatform.backends.spiffe.attestation import Process
from sovplatform.backends.spiffe.issuer import Issuer
from sovplatform.backends.spiffe.tls import LiveContext, Material
from sovplatform.backends.vault import VaultKeyStore
from sovplatform.backends.vault_api import VaultAddress, VaultApi
from sovplatform.backends.vault_login import AppRoleLogin
from sovplatform.backends.vault_region import trust_domain
from sovplatform.border.channel import Envelope, Receipt, Sender
from sovplatform.border.client import BorderClient
from sovplatform.errors import Denied, IdentityRefused
from sovplatform.records import Crossing, EndpointStatus, Job, JobSpec, JobState, ServedModel, ServingState, SignedDecision, Trust
from sovplatform.testing.conformance.waiting import until
from tests.fixtures.pilots import Pilot

HERE = Path(__file__).parent
RELEASE = "credit-default-de-v1"
BEFORE = "credit-default-local-de-v1"


def trespass(pilot: Pilot, function: str) -> tuple[Job, tuple[str, ...]]:
    """The failed job of region de, and the reasons it was told."""
    trainer = pilot.platform.regions["de"].trainer()
    config = {"pilot_directory": str(HERE), "run": pilot.platform.status().run, "task": "credit-default"}
    spec = JobSpec(id=f"x-{uuid.uuid4().hex[:8]}", entrypoint=f"trespass:{function}", identity="train", config=config)
    trainer.submit(spec)
    job = trainer.wait(spec.id, 60)
    assert job.state is JobState.failed, job
    error = job.result["error"]
    assert isinstance(error, dict)
    assert error["error"] in {"Denied", "IdentityRefused", "SignatureInvalid"}, error
    reasons = error.get("reasons")
    assert isinstance(reasons, list)
    return job, (str(error["message"]), *(str(reason) for reason in reasons))


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("send_local_model", "its label does not let it rest in US"),
        ("send_changed_after_sealing", "files:"),
        ("send_changed_after_delivery", "files:"),
        ("send_renoised", "already released"),
        ("send_extra_tensor", "tensors are not registered"),
    ],
)
def test_the_gate_denies_a_job_what_must_not_leave(pilot: Pilot, function: str, reason: str) -> None:
    delivered, denied = len(pilot.events("gate.delivered")), len(pilot.events("gate.denied", "de"))
    _, reasons = trespass(pilot, function)
    assert reason in " ".join(reasons), reasons
    assert len(pilot.events("gate.delivered")) == delivered
    recorded = pilot.events("gate.denied", "de")
    assert len(recorded) == denied + 1
    told = recorded[-1][1].details["reasons"]
    assert isinstance(told, list)
    assert set(map(str, told)) <= set(reasons)


def test_what_is_not_in_the_outbox_cannot_leave(pilot: Pilot) -> None:
    delivered = len(pilot.events("gate.delivered"))
    _, reasons = trespass(pilot, "send_raw_data")
    assert "only what is in the outbox can leave" in reasons
    assert len(pilot.events("gate.delivered")) == delivered


def test_a_plan_over_the_budget_is_refused_and_recorded(pilot: Pilot) -> None:
    spent = pilot.platform.status().epsilon
    refused = len(pilot.events("privacy.refused", "de"))
    _, reasons = trespass(pilot, "overspend")
    assert any("ε would be" in reason for reason in reasons)
    assert len(pilot.events("privacy.refused", "de")) == refused + 1
    assert pilot.platform.status().epsilon == spent


def test_the_budget_of_another_region_cannot_be_charged(pilot: Pilot) -> None:
    spent = pilot.platform.status().epsilon
    _, reasons = trespass(pilot, "spend_of_another_region")
    assert "dataset applications-fr is not one of region de" in reasons
    assert pilot.platform.status().epsilon == spent


@pytest.mark.parametrize("function", ["submit_a_job", "write_an_event"])
def test_a_job_cannot_do_the_operators_part(pilot: Pilot, function: str) -> None:
    _, reasons = trespass(pilot, function)
    assert "job/train may not ask for" in reasons[0]
    assert not [entry for _, entry in pilot.events("", "de") if entry.subject in {"child", "mine"}]


def test_the_operator_cannot_do_a_jobs_part(pilot: Pilot) -> None:
    platform = pilot.platform
    border = BorderClient(platform.regions["de"].status().endpoints["border"], region="de")
    update = pilot.home("de") / "outbox" / platform.status().run / "00000-applications-de"
    assert update.is_dir()
    with pytest.raises(IdentityRefused, match="only a job of region de"):
        border.send(update, "fabric", "training")


# -- at the channel -------------------------------------------------------------------------------------------------------


def svid(pilot: Pilot, region: str, path: str) -> Material:
    """A real SVID of the region, as its Workload API makes them: what a stolen login would give."""
    settings = NodeSettings.from_json((pilot.home(region) / "node.json").read_bytes())
    address = VaultAddress(settings.vault, settings.vault_ca)
    login = AppRoleLogin.from_file(address, namespace=settings.namespace, file=Path(settings.login))
    issuer = Issuer(VaultApi(address, namespace=settings.namespace, token=login), trust_domain(region, settings.pilot))
    made = issuer.x509(Process(1, start_ticks(1) or 0), path)
    key = load_der_private_key(made.key, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    trust = Trust.from_json((pilot.state / "trust.json").read_bytes())
    bundles = {peer.trust_domain: peer.bundle for peer in trust.regions.values()}
    return Material(0, ssl.DER_cert_to_PEM_cert(made.certificate).encode(), key, bundles)


def channel_of(pilot: Pilot, region: str) -> str:
    return Trust.from_json((pilot.state / "trust.json").read_bytes()).regions[region].channel


def ask(address: str, context: ssl.SSLContext) -> bytes:
    """The first bytes of the channel's answer; nothing when it does not talk to us."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=10) as raw, context.wrap_socket(raw) as secured:
            secured.sendall(b"POST /crossing HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n\0\0\0\0")
            return secured.recv(12)
    except ssl.SSLError:
        return b""
    except ConnectionError:
        return b""


def live(material: Material) -> ssl.SSLContext:
    return LiveContext.of(lambda: material, lambda _: True, server=False)


def test_the_channel_answers_the_border_of_a_peer(pilot: Pilot) -> None:
    assert ask(channel_of(pilot, "fabric"), live(svid(pilot, "de", "/border"))) == b"HTTP/1.1 403"


def test_the_channel_does_not_talk_to_a_caller_without_an_svid(pilot: Pilot) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    assert ask(channel_of(pilot, "fabric"), context) == b""


def test_the_channel_does_not_talk_to_a_job_of_a_peer(pilot: Pilot) -> None:
    assert ask(channel_of(pilot, "fabric"), live(svid(pilot, "de", "/job/train"))) == b""


@pytest.fixture
def deliver(pilot: Pilot) -> Iterator[Deliver]:
    found = Deliver(pilot)
    yield found
    for sender in found.senders:
        sender.close()


class Deliver:
    """Sends what de once sent to the fabric, past de's gate, with the SVID of de's border."""

    def __init__(self, pilot: Pilot) -> None:
        self.pilot = pilot
        self.senders: list[Sender] = []
        self._material = svid(pilot, "de", "/border")
        inbox = pilot.home("fabric") / "inbox"
        found = {load(path.parent)[0].round: path.parent for path in inbox.glob(f"*/{DECISION}") if self._is_update(path)}
        self.first, self.second = found[0], found[1]

    @staticmethod
    def _is_update(path: Path) -> bool:
        return load(path.parent)[0].name == "applications-de" and load(path.parent)[0].kind.value == "update"

    def __call__(self, directory: Path, decision: Path, destination: str = "fabric") -> Receipt:
        artifact, signature = load(directory)
        signed = SignedDecision.from_json((decision / DECISION).read_bytes())
        purpose = signed.decision.purpose
        crossing = Crossing(artifact=artifact, signature=signature, source="de", destination=destination, purpose=purpose)
        sender = Sender(destination, channel_of(self.pilot, destination), self._connect)
        self.senders.append(sender)
        return sender.send(Envelope(crossing=crossing, signed=signed), directory)

    def _connect(self, host: str, port: int) -> ssl.SSLSocket:
        return live(self._material).wrap_socket(socket.create_connection((host, port), timeout=10))


def test_delivering_the_same_again_has_no_second_effect(pilot: Pilot, deliver: Deliver) -> None:
    accepted = len(pilot.events("channel.accepted", "fabric"))
    assert deliver(deliver.first, deliver.first).accepted
    assert len(pilot.events("channel.accepted", "fabric")) == accepted


def test_a_decision_does_not_serve_for_another_artifact(pilot: Pilot, deliver: Deliver) -> None:
    refused = len(pilot.events("channel.refused", "fabric"))
    with pytest.raises(Denied):
        deliver(deliver.second, deliver.first)
    assert len(pilot.events("channel.refused", "fabric")) == refused + 1


def test_a_decision_does_not_serve_for_another_destination(pilot: Pilot, deliver: Deliver) -> None:
    refused = len(pilot.events("channel.refused", "fr"))
    with pytest.raises(Denied):
        deliver(deliver.first, deliver.first, "fr")
    assert len(pilot.events("channel.refused", "fr")) == refused + 1


# -- people and keys ------------------------------------------------------------------------------------------------------


def test_nobody_approves_a_release_of_their_own_and_the_attempt_is_recorded(pilot: Pilot) -> None:
    refused = len(pilot.events("release.refused", "de"))
    ended = pilot.sovctl("release", "approve", RELEASE, "--key", str(pilot.state / "people" / "proposer"))
    assert ended.returncode == 3, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "proposer proposed release" in ended.stderr
    assert len(pilot.events("release.refused", "de")) == refused + 1


def test_an_expired_approval_does_not_count(pilot: Pilot) -> None:
    platform = pilot.platform
    release = platform.repository.release(RELEASE)
    (approver,) = platform.pilot.release.approvers
    expired = sign_release(release, approver, pilot.approver, ttl_hours=-1)
    platform.repository.approve(RELEASE, expired)
    try:
        ended = pilot.sovctl("release", "promote", RELEASE)
        assert ended.returncode == 3, ended.stderr
        assert "expired" in ended.stderr
    finally:
        assert pilot.sovctl("release", "approve", RELEASE, "--key", str(pilot.approver)).returncode == 0
    assert pilot.sovctl("release", "promote", RELEASE).returncode == 0


def test_a_region_refuses_an_expired_approval_whatever_the_control_plane_says(pilot: Pilot) -> None:
    platform = pilot.platform
    release = platform.repository.release(BEFORE)
    (approver,) = platform.pilot.release.approvers
    expired = sign_release(release, approver, pilot.approver, ttl_hours=-1)
    served = ServedModel(release=release, directory="", signature="", key="", approvals=(expired,))
    server = platform.regions["de"].server()
    try:
        server.apply(ServingState(name="credit-default", stable=served))
        until(lambda: _answered(server.status("credit-default")), 30, "the region's answer")
        status = server.status("credit-default")
        assert "expired" in status.refused
        assert status.stable == RELEASE  # what was served is served on
    finally:
        assert pilot.sovctl("release", "promote", RELEASE).returncode == 0


def _answered(status: EndpointStatus) -> bool:
    return bool(status.refused) or status.stable == BEFORE


def test_the_keys_of_a_region_answer_no_other_token(pilot: Pilot) -> None:
    settings = NodeSettings.from_json((pilot.home("de") / "node.json").read_bytes())
    keys = VaultKeyStore(
        settings.vault,
        namespace="de",
        region="de",
        jurisdiction="DE",
        token=lambda: "s.somebodyelses",
        ca_file=settings.vault_ca,
    )
    with pytest.raises(Denied):
        keys.sign("models", b"data")
