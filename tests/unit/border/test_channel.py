"""The channel's door: whoever crowds it, peers get in."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sovplatform.backends.spiffe.peers import peer_id
from sovplatform.backends.spiffe.tls import LiveContext, Material
from sovplatform.border.channel import ChannelServer, Envelope, Receipt
from sovplatform.border.door import MOST_TOLD, Door
from sovplatform.testing.conformance.waiting import until

DOMAIN = "de.demo.sov"
ASKED = b"POST /crossing HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n\0\0\0\0"
Open = Callable[[Door], tuple[str, int]]


class Authority:
    """A trust domain's CA."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "de CA")])
        made = self._builder(self._key.public_key(), f"spiffe://{DOMAIN}", ca=True).sign(self._key, hashes.SHA256())
        self.bundle = made.public_bytes(Encoding.PEM).decode()

    def svid(self, path: str) -> Material:
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._builder(key.public_key(), f"spiffe://{DOMAIN}{path}", ca=False).sign(self._key, hashes.SHA256())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Material(made.serial_number, made.public_bytes(Encoding.PEM), pem, {DOMAIN: self.bundle})

    def _builder(self, key: ec.EllipticCurvePublicKey, uri: str, *, ca: bool) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
        return (
            x509.CertificateBuilder()
            .subject_name(self._name if ca else x509.Name([]))
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), critical=not ca)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
            .add_extension(
                x509.KeyUsage(
                    **usage, digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False
                ),
                critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def told() -> list[Exception]:
    """What the channel wrote into the log."""
    return []


@pytest.fixture
def opened(authority: Authority, tmp_path: Path, told: list[Exception]) -> Iterator[Open]:
    """Opens a channel with that door, and tells its address."""
    material = authority.svid("/border")
    context = LiveContext.of(lambda: material, lambda _: True, server=True)

    def secure(raw: socket.socket) -> tuple[ssl.SSLSocket, str]:
        secured = context.wrap_socket(raw, server_side=True)
        return secured, peer_id(secured)

    with ExitStack() as stack:

        def open_(door: Door) -> tuple[str, int]:
            server = ChannelServer(
                ("127.0.0.1", 0),
                secure=secure,
                screen=lambda envelope, peer: None,
                receive=_never,
                staging=tmp_path,
                on_error=told.append,
                door=door,
            )
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return "127.0.0.1", int(server.server_address[1])

        yield open_


def _never(envelope: Envelope, directory: Path, peer: str) -> Receipt:
    raise AssertionError("nothing was sent")


def connect(stack: ExitStack, address: tuple[str, int]) -> socket.socket:
    return stack.enter_context(socket.create_connection(address, timeout=10))


def known(stack: ExitStack, address: tuple[str, int], material: Material) -> ssl.SSLSocket:
    """A connection whose handshake is done."""
    context = LiveContext.of(lambda: material, lambda _: True, server=False)
    return stack.enter_context(context.wrap_socket(connect(stack, address)))


def is_answered(connection: ssl.SSLSocket) -> bool:
    connection.sendall(ASKED)
    return connection.recv(12) == b"HTTP/1.1 403"


def has_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_a_peer_gets_in_past_a_crowd_of_silent_strangers(opened: Open, authority: Authority) -> None:
    address, material = opened(Door(strangers=8)), authority.svid("/border")
    with ExitStack() as stack:
        crowd = [connect(stack, address) for _ in range(100)]
        assert is_answered(known(stack, address, material))
        assert all(has_ended(one) for one in crowd[:92])


def test_a_connection_that_was_known_outlives_a_crowd(opened: Open, authority: Authority) -> None:
    address = opened(Door(strangers=4))
    with ExitStack() as stack:
        peer = known(stack, address, authority.svid("/border"))
        crowd = [connect(stack, address) for _ in range(40)]
        assert has_ended(crowd[0])
        assert is_answered(peer)


def test_a_handshake_that_dribbles_is_ended_in_time(opened: Open) -> None:
    address = opened(Door(seconds=0.3))
    with ExitStack() as stack:
        stranger = connect(stack, address)
        stranger.sendall(b"\x16\x03\x01\x02\x00")
        stranger.settimeout(0.02)
        for _ in range(500):  # a byte at a time, so that no single read waits for long
            try:
                stranger.sendall(b"\x01")
                if stranger.recv(64) == b"":
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return
    raise AssertionError("it was never ended")


def test_a_crowd_does_not_fill_the_log(opened: Open, told: list[Exception]) -> None:
    door = Door(strangers=4)
    address = opened(door)
    with ExitStack() as stack:
        crowd = [connect(stack, address) for _ in range(100)]
        assert all(has_ended(one) for one in crowd[:96])
        until(lambda: len(door._guests) <= 4, 10, "the end of the others' threads")
    assert 0 < len(told) <= MOST_TOLD


def test_one_peer_with_many_silent_connections_keeps_no_other_out(opened: Open, authority: Authority) -> None:
    address, greedy = opened(Door(per_peer=4)), authority.svid("/greedy")
    with ExitStack() as stack:
        many = [known(stack, address, greedy) for _ in range(12)]
        assert is_answered(known(stack, address, authority.svid("/border")))
        assert all(has_ended(one) for one in many[:8])
        assert is_answered(many[-1])


def test_strangers_of_the_most_crowded_address_go_first() -> None:
    door = Door(strangers=3)
    with ExitStack() as stack:

        def enter(address: str) -> socket.socket:
            ours, theirs = map(stack.enter_context, socket.socketpair())
            stack.callback(door.leave, ours)
            door.enter(ours, address)
            theirs.settimeout(0.05)
            return theirs

        far, *near = enter("192.0.2.1"), enter("192.0.2.9"), enter("192.0.2.9"), enter("192.0.2.9")
        assert has_ended(near[0])
        for one in (far, *near[1:]):
            with pytest.raises(TimeoutError):
                one.recv(1)
