"""Mutual TLS between workloads: only who is meant gets through, with whatever SVID is newest."""

import http.client
import http.server
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from sovplatform.backends.spiffe.attestation import Process
from sovplatform.backends.spiffe.identity import VaultLogin, WorkloadIdentity
from sovplatform.backends.spiffe.peers import Allowed, peer_id, verify_peer
from sovplatform.backends.spiffe.tls import LiveContext, Material, _memory_file
from sovplatform.errors import Denied, IdentityRefused, Unsupported

from .conftest import MakeNode, Node, until


class Greeter(http.server.BaseHTTPRequestHandler):
    """Answers with who asks."""

    protocol_version = "HTTP/1.1"
    timeout = 5

    def do_GET(self) -> None:
        body = peer_id(self.connection).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class QuietServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class Serve:
    """Starts servers with a TLS context, and asks them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def __call__(self, context: ssl.SSLContext) -> int:
        server = QuietServer(("127.0.0.1", 0), Greeter)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        return int(server.server_port)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield Serve(stack)


def ask(port: int, context: ssl.SSLContext) -> str:
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def federate(*nodes: Node) -> None:
    trust = [node.region.trust() for node in nodes]
    for node in nodes:
        node.trusted = trust


@pytest.fixture
def border_de(de: Node, fr: Node) -> Iterator[WorkloadIdentity]:
    federate(de, fr)
    with de.identity("/border") as identity:
        yield identity


@pytest.fixture
def border_fr(de: Node, fr: Node) -> Iterator[WorkloadIdentity]:
    federate(de, fr)
    with fr.identity("/border") as identity:
        yield identity


def test_two_federated_regions_know_each_other(
    serve: Serve, de: Node, fr: Node, border_de: WorkloadIdentity, border_fr: WorkloadIdentity
) -> None:
    port = serve(border_de.server_context(fr.id("/border")))
    assert ask(port, border_fr.client_context(de.id("/border"))) == fr.id("/border")


@pytest.mark.parametrize("allowed", ["spiffe://fr.test.sov/border-2", ("spiffe://fr.test.sov/node",), lambda _: False, "", ()])
def test_a_caller_with_another_id_is_refused(
    serve: Serve, de: Node, border_de: WorkloadIdentity, border_fr: WorkloadIdentity, allowed: Allowed
) -> None:
    port = serve(border_de.server_context(allowed))
    with pytest.raises(OSError):
        ask(port, border_fr.client_context(de.id("/border")))


def test_a_server_with_another_id_is_refused_before_anything_is_sent(
    serve: Serve, de: Node, border_de: WorkloadIdentity, border_fr: WorkloadIdentity
) -> None:
    port = serve(border_de.server_context(lambda _: True))
    with pytest.raises(IdentityRefused, match="not the workload that is expected"):
        ask(port, border_fr.client_context(de.id("/node")))


def test_a_caller_of_a_region_that_is_not_federated_is_refused(
    serve: Serve, make_node: MakeNode, border_de: WorkloadIdentity
) -> None:
    stranger = make_node("us")
    stranger.trusted = [make_node("de").region.trust()]
    with stranger.identity("/border") as identity:
        port = serve(border_de.server_context(lambda _: True))
        with pytest.raises(OSError):
            ask(port, identity.client_context(lambda _: True))


def test_a_caller_without_a_certificate_is_refused(serve: Serve, border_de: WorkloadIdentity) -> None:
    port = serve(border_de.server_context(lambda _: True))
    context = ssl.create_default_context(cadata="".join(border_de.bundles().values()))
    context.check_hostname = False
    with pytest.raises(OSError):
        ask(port, context)


def test_plain_http_is_refused(serve: Serve, border_de: WorkloadIdentity) -> None:
    port = serve(border_de.server_context(lambda _: True))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with pytest.raises((OSError, http.client.HTTPException)):
        connection.request("GET", "/")
        connection.getresponse()
    connection.close()


def test_an_expired_svid_is_refused(serve: Serve, make_node: MakeNode, border_de: WorkloadIdentity, de: Node, fr: Node) -> None:
    short = make_node("fr", svid_seconds=3)
    short.trusted = [de.region.trust()]
    with short.identity("/border") as identity:
        stale = identity.material()
    der = ssl.PEM_cert_to_DER_cert(stale.certificates.decode())
    context = LiveContext.of(lambda: stale, de.id("/border"), server=False)
    port = serve(border_de.server_context(fr.id("/border")))
    assert ask(port, context) == fr.id("/border")

    def is_over() -> bool:
        try:
            verify_peer([der], border_de.bundles(), fr.id("/border"))
        except IdentityRefused as err:
            return "good until" in str(err)
        return False

    until(is_over)
    with pytest.raises(OSError):
        ask(port, context)


def impostor(signer: Node, spiffe_id: str) -> Material:
    """An SVID that the CA of `signer` made for a workload of another domain: what a compromised region could do."""
    operator = signer.region.region._api
    role = operator.read("pki/roles/svid")["data"]
    operator.write("pki/roles/svid", {**role, "allowed_uri_sans": ["*"]})
    try:
        made = signer.issuer._issue(spiffe_id)
    finally:
        operator.write("pki/roles/svid", role)
    key = load_der_private_key(made.key, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    bundles = {trust.trust_domain: trust.bundle for trust in signer.trusted}
    return Material(0, ssl.DER_cert_to_PEM_cert(made.certificate).encode(), key, bundles)


def openssl_accepts(material: Material, by: WorkloadIdentity) -> bool:
    """Whether the TLS library alone lets the caller in, with the CAs of all trust domains in its store."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(cadata="".join(by.bundles().values()))
    with _memory_file(by.material().certificates + by.material().key) as path:
        server.load_cert_chain(path)
    client = LiveContext.of(lambda: material, lambda _: True, server=False)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        thread = threading.Thread(target=client.wrap_socket, args=(theirs,), daemon=True)
        thread.start()
        with server.wrap_socket(ours, server_side=True) as accepted:
            thread.join()
            return accepted.getpeercert(binary_form=True) == ssl.PEM_cert_to_DER_cert(material.certificates.decode())


def test_a_federated_ca_cannot_speak_for_another_domain(serve: Serve, de: Node, fr: Node, border_de: WorkloadIdentity) -> None:
    forged = impostor(fr, de.id("/border"))
    assert openssl_accepts(forged, border_de)
    port = serve(border_de.server_context(lambda _: True))
    with pytest.raises(OSError):
        ask(port, LiveContext.of(lambda: forged, lambda _: True, server=False))
    with pytest.raises(IdentityRefused, match="not signed by trust domain"):
        verify_peer([ssl.PEM_cert_to_DER_cert(forged.certificates.decode())], border_de.bundles(), lambda _: True)
    honest = impostor(fr, fr.id("/border"))
    assert ask(port, LiveContext.of(lambda: honest, lambda _: True, server=False)) == fr.id("/border")


def test_a_ca_is_not_a_workload(border_de: WorkloadIdentity, de: Node) -> None:
    bundle = de.region.trust().bundle
    with pytest.raises(IdentityRefused, match="no X509-SVID"):
        verify_peer([ssl.PEM_cert_to_DER_cert(bundle)], border_de.bundles(), lambda _: True)


@pytest.mark.parametrize("chain", [[], [b""], [b"\x30\x03\x02\x01\x01"]])
def test_what_is_no_certificate_is_refused(chain: list[bytes]) -> None:
    with pytest.raises(IdentityRefused):
        verify_peer(chain, {}, lambda _: True)


def test_each_handshake_uses_the_newest_svid(serve: Serve, make_node: MakeNode) -> None:
    node = make_node("de", svid_seconds=2)
    with node.identity("/border") as server, node.identity("/job/train") as client:
        port = serve(server.server_context(node.id("/job/train")))
        context = client.client_context(node.id("/border"))

        def served() -> int:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as raw, context.wrap_socket(raw) as tls:
                return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"").serial_number

        first = served()
        until(lambda: served() != first)
        assert ask(port, context) == node.id("/job/train")


def test_a_silent_caller_holds_up_nobody(
    serve: Serve, de: Node, fr: Node, border_de: WorkloadIdentity, border_fr: WorkloadIdentity
) -> None:
    port = serve(border_de.server_context(fr.id("/border")))
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        assert ask(port, border_fr.client_context(de.id("/border"))) == fr.id("/border")


def test_nothing_of_the_key_is_left_in_a_file(
    border_de: WorkloadIdentity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    context = border_de.client_context(lambda _: True)
    assert isinstance(context, LiveContext)
    context._fixed()
    assert list(tmp_path.iterdir()) == []
    assert [link for fd in Path("/proc/self/fd").iterdir() if "memfd:svid" in (link := os.path.realpath(fd))] == []


def test_memory_buffers_are_refused_as_they_would_not_be_checked(border_de: WorkloadIdentity) -> None:
    with pytest.raises(Unsupported):
        border_de.client_context(lambda _: True).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())


def test_the_peer_of_another_socket_is_unknown() -> None:
    one, other = socket.socketpair()
    with one, other, pytest.raises(IdentityRefused):
        peer_id(one)  # type: ignore[arg-type]


def test_a_workload_logs_in_to_its_key_store_with_its_svid(de: Node, fr: Node) -> None:
    with de.identity("/job/train") as identity:
        login = VaultLogin(identity, de.region.address, "de")
        assert login() == login()
        assert de.region.keystore(login).sign("artifacts", b"data").value
        with pytest.raises(Denied):
            VaultLogin(identity, de.region.address, "de", "border")()
        with pytest.raises(Denied):
            VaultLogin(identity, fr.region.address, "fr")()


def test_an_svid_that_was_captured_without_its_key_is_no_use(
    serve: Serve, de: Node, fr: Node, border_de: WorkloadIdentity, border_fr: WorkloadIdentity
) -> None:
    captured, own = border_fr.material(), de.issuer.x509(Process(os.getpid(), 1), "/job/train")
    key = load_der_private_key(own.key, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    port = serve(border_de.server_context(fr.id("/border")))
    context = LiveContext.of(lambda: captured._replace(key=key), lambda _: True, server=False)
    with pytest.raises(ssl.SSLError, match="KEY_VALUES_MISMATCH"):
        ask(port, context)


def test_an_svid_of_one_workload_is_not_another_workload(serve: Serve, de: Node, border_de: WorkloadIdentity) -> None:
    """Nor is one whose path only begins or ends like it, or of a process beside the one that is meant."""
    port = serve(border_de.server_context(de.id("/border")))
    for path in ("/node", "/job/border", "/border2", "/border/x", "/Border"):
        made = de.issuer.x509(Process(os.getpid(), 1), path)
        key = load_der_private_key(made.key, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        material = border_de.material()._replace(certificates=ssl.DER_cert_to_PEM_cert(made.certificate).encode(), key=key)
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
            ask(port, LiveContext.of(lambda material=material: material, lambda _: True, server=False))
