"""The Workload API: who gets which SVID, asked by the stock client over the real socket."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from spiffe import SpiffeId, TrustDomain, WorkloadApiClient
from spiffe._proto import workload_pb2 as wire
from spiffe._proto import workload_pb2_grpc
from spiffe.errors import PySpiffeError

from sovplatform.backends.spiffe.attestation import Attestor, Process
from sovplatform.backends.spiffe.identity import WorkloadIdentity
from sovplatform.backends.spiffe.issuer import Issuer
from sovplatform.backends.spiffe.workload_api import WorkloadAPIServer
from sovplatform.backends.vault_api import VaultAddress, VaultApi
from sovplatform.errors import ConfigError, Conflict, IdentityRefused, NotFound, Unavailable

from .conftest import MakeNode, Node, until

Ask = Callable[..., "subprocess.Popen[str]"]
HEADER = (("workload.spiffe.io", "true"),)


def client_of(node: Node, *paths: str) -> WorkloadApiClient:
    for path in paths:
        node.attestor.register(os.getpid(), path)
    return WorkloadApiClient(node.server.endpoint, default_timeout=5)


def test_a_process_with_two_identities_gets_both_and_the_first_is_its_default(de: Node) -> None:
    with client_of(de, "/node", "/border") as client:
        assert [str(svid.spiffe_id) for svid in client.fetch_x509_svids()] == [de.id("/node"), de.id("/border")]
        assert str(client.fetch_x509_svid().spiffe_id) == de.id("/node")


def test_a_registered_child_gets_its_svid_and_an_unregistered_one_none(de: Node, ask: Ask) -> None:
    known, unknown = ask(de, timeout=10), ask(de)
    de.attestor.register(known.pid, "/job/train")
    assert known.communicate("\n")[0].strip() == de.id("/job/train")
    assert unknown.communicate("\n")[0].startswith("refused")


def test_a_child_that_asks_before_it_is_registered_gets_its_svid_once_it_is(de: Node, ask: Ask) -> None:
    child = ask(de, timeout=10)
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()
    until(lambda: bool(de.server._front and de.server._front._peers))
    de.attestor.register(child.pid, "/job/train")
    assert child.communicate()[0].strip() == de.id("/job/train")


def test_a_child_of_a_registered_process_has_no_identity(de: Node, ask: Ask) -> None:
    parent = ask(de, command=("/bin/sh", "-c", '"$@"; exit $?', "sh"))
    de.attestor.register(parent.pid, "/job/train")
    assert parent.communicate("\n")[0].startswith("refused")


def test_a_process_that_has_the_pid_of_an_earlier_one_has_no_identity() -> None:
    attestor, me = Attestor(), os.getpid()
    attestor.register(me, "/job/train")
    process = next(iter(attestor._paths))
    assert attestor.paths(process) == ("/job/train",)
    assert attestor.paths(Process(me, process.started + 1)) == ()


def test_a_process_that_has_ended_has_no_identity() -> None:
    attestor = Attestor()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        attestor.register(child.pid, "/job/train")
        process = next(iter(attestor._paths))
        child.communicate(b"\n")
    assert attestor.paths(process) == ()
    with pytest.raises(NotFound):
        attestor.register(child.pid, "/job/train")


@pytest.mark.parametrize("path", ["", "/", "job", "/job/", "//job", "/../border", "/job/../border", "/job/tr ain", "/job/*"])
def test_only_a_path_of_a_spiffe_id_can_be_registered(path: str) -> None:
    with pytest.raises(ConfigError):
        Attestor().register(os.getpid(), path)


def test_who_goes_around_the_front_is_refused(de: Node) -> None:
    de.attestor.register(os.getpid(), "/node")
    assert de.server._private is not None
    with grpc.insecure_channel(f"unix:{de.server._private / 'grpc.sock'}") as channel:
        stub = workload_pb2_grpc.SpiffeWorkloadAPIStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            next(stub.FetchX509SVID(wire.X509SVIDRequest(), metadata=HEADER))
    assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED


def test_a_request_without_the_security_header_is_refused(de: Node) -> None:
    de.attestor.register(os.getpid(), "/node")
    with grpc.insecure_channel(f"unix:{de.server.socket_path}") as channel:
        stub = workload_pb2_grpc.SpiffeWorkloadAPIStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            next(stub.FetchX509SVID(wire.X509SVIDRequest()))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_every_question_of_an_unregistered_process_is_refused(de: Node) -> None:
    questions: tuple[Callable[[WorkloadApiClient], object], ...] = (
        lambda client: client.fetch_x509_svid(),
        lambda client: client.fetch_x509_bundles(),
        lambda client: client.fetch_jwt_bundles(),
        lambda client: client.fetch_jwt_svid({"openbao"}),
        lambda client: client.validate_jwt_svid("x.y.z", "openbao"),
    )
    with client_of(de) as client:
        for question in questions:
            with pytest.raises(PySpiffeError, match="no identity issued"):
                question(client)


def test_a_new_svid_comes_by_itself_before_the_old_one_expires(make_node: MakeNode) -> None:
    with make_node("de", svid_seconds=2).identity("/job/train") as identity:
        first = identity._context().default_svid
        until(lambda: identity.serial != first.leaf.serial_number)
        newer = identity._context().default_svid
        assert newer.leaf.not_valid_before_utc < first.leaf.not_valid_after_utc
        assert newer.leaf.public_key() != first.leaf.public_key()


def test_unregistering_ends_the_stream(de: Node) -> None:
    with de.identity("/job/train", timeout=1) as identity:
        assert identity.spiffe_id
        de.attestor.unregister(os.getpid())
        with pytest.raises(IdentityRefused):
            WorkloadIdentity(de.server.socket_path, timeout=0.2)


def test_bundles_of_regions_that_are_federated_later_arrive_by_themselves(de: Node, fr: Node) -> None:
    with de.identity("/border") as identity:
        assert set(identity.bundles()) == {"de.test.sov"}
        de.trusted = [fr.region.trust(), de.region.trust()]
        de.server.refresh()
        until(lambda: set(identity.bundles()) == {"de.test.sov", "fr.test.sov"})
    with client_of(de) as client:
        assert {bundle.trust_domain.name for bundle in client.fetch_x509_bundles().bundles} == {"de.test.sov", "fr.test.sov"}
        assert client.fetch_jwt_bundles().get_bundle_for_trust_domain(TrustDomain("fr.test.sov")) is not None


def test_a_jwt_svid_is_for_its_audience_and_validates(de: Node) -> None:
    with client_of(de, "/node", "/border") as client:
        svid = client.fetch_jwt_svid({"openbao"}, SpiffeId(de.id("/border")))
        assert str(svid.spiffe_id) == de.id("/border")
        assert str(client.validate_jwt_svid(svid.token, "openbao").spiffe_id) == de.id("/border")
        with pytest.raises(PySpiffeError):
            client.validate_jwt_svid(svid.token, "somebody-else")
        with pytest.raises(PySpiffeError):
            client.validate_jwt_svid(svid.token[:-8] + "AAAAAAAA", "openbao")


def test_a_jwt_svid_of_a_region_that_is_not_federated_does_not_validate(de: Node, fr: Node) -> None:
    token = fr.issuer.jwt("/border", ["openbao"])
    with client_of(de, "/node") as client:
        with pytest.raises(PySpiffeError):
            client.validate_jwt_svid(token, "openbao")
        de.trusted = [fr.region.trust()]
        assert str(client.validate_jwt_svid(token, "openbao").spiffe_id) == fr.id("/border")


def test_a_jwt_svid_of_somebody_else_is_refused(de: Node) -> None:
    with client_of(de, "/job/train") as client, pytest.raises(PySpiffeError, match="no such identity"):
        client.fetch_jwt_svid({"openbao"}, SpiffeId(de.id("/border")))


def test_asking_for_an_identity_one_does_not_have_says_which_one_has(de: Node) -> None:
    de.attestor.register(os.getpid(), "/node")
    with pytest.raises(IdentityRefused, match="/node"):
        WorkloadIdentity(de.server.socket_path, path="/border", timeout=1)


def test_no_workload_api_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable):
        WorkloadIdentity(tmp_path / "none.sock")
    monkeypatch.delenv("SPIFFE_ENDPOINT_SOCKET", raising=False)
    with pytest.raises(Unavailable, match="SPIFFE_ENDPOINT_SOCKET"):
        WorkloadIdentity()


def test_the_environment_names_the_workload_api(de: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    de.attestor.register(os.getpid(), "/node")
    monkeypatch.setenv("SPIFFE_ENDPOINT_SOCKET", de.server.endpoint)
    with WorkloadIdentity() as identity:
        assert identity.spiffe_id == de.id("/node")


def test_a_key_service_that_is_down_is_unavailable_and_not_a_refusal(de: Node) -> None:
    de.issuer._api = VaultApi(VaultAddress("https://127.0.0.1:1"))
    de.attestor.register(os.getpid(), "/node")
    with pytest.raises(Unavailable):
        WorkloadIdentity(de.server.socket_path, timeout=0.3)


def test_an_svid_is_kept_when_the_key_service_is_down_at_renewal(de: Node) -> None:
    issuer: Issuer = de.issuer
    de.attestor.register(os.getpid(), "/node")
    process = next(iter(de.attestor._paths))
    first = issuer.x509(process, "/node")
    issuer._issued[process, "/node"] = first._replace(renew_at=0.0)
    issuer._api = VaultApi(VaultAddress("https://127.0.0.1:1"))
    assert issuer.x509(process, "/node").certificate == first.certificate
    issuer._issued[process, "/node"] = first._replace(renew_at=0.0, expires_at=0.0)
    with pytest.raises(Unavailable):
        issuer.x509(process, "/node")


def test_the_socket_is_private_and_goes_when_the_server_stops(de: Node) -> None:
    assert de.server.socket_path.stat().st_mode & 0o077 == 0
    private = de.server._private
    assert private is not None
    assert private.stat().st_mode & 0o077 == 0
    de.server.stop()
    de.server.stop()
    assert not de.server.socket_path.exists()
    assert not private.exists()


def test_a_second_server_does_not_take_the_socket_away(de: Node) -> None:
    with pytest.raises(Conflict):
        WorkloadAPIServer(de.server.socket_path, de.issuer, de.attestor).start()
    with de.identity("/node") as identity:
        assert identity.spiffe_id


def test_a_socket_that_a_killed_server_left_is_taken_over(de: Node) -> None:
    import socket

    path = de.server.socket_path.with_name("left.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    server = WorkloadAPIServer(path, de.issuer, de.attestor)
    server.start()
    with socket.socket(socket.AF_UNIX) as client:
        assert client.connect_ex(str(path)) == 0
    server.stop()
