"""Mutual TLS with SVIDs on the standard library's `ssl`, for threaded servers and `http.client`.

The contexts are live: each handshake uses the newest SVID and bundles. OpenSSL contexts must not change while they are in
use, so a new one is made for each SVID and a live context hands every connection to the current one.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sovplatform.backends.spiffe.peers import Allowed, peer_chain, verify_peer
from sovplatform.errors import Unsupported


class Material(NamedTuple):
    """What one handshake needs: certificate chain and key (PEM), and the CA certificates (PEM) by trust domain."""

    serial: int
    certificates: bytes
    key: bytes
    bundles: Mapping[str, str]


class CheckedSocket(ssl.SSLSocket):
    """Lets no byte through before the peer's SPIFFE ID is verified."""

    _peer = ""

    def identify_peer(self) -> str:
        """The peer's verified SPIFFE ID, after the handshake, which is done now when it was not.

        Raises:
            IdentityRefused: the peer is not one that is allowed; the connection is closed.
        """
        if not self._peer:
            self.do_handshake()
        return self._peer

    def do_handshake(self, block: bool = False) -> None:
        """The TLS handshake, then the check of the peer."""
        super().do_handshake(block)
        context = self.context
        try:
            if not isinstance(context, _FixedContext):
                raise Unsupported("TLS without a workload's context", reason="the socket's context was replaced")
            self._peer = verify_peer(peer_chain(self), context.material.bundles, context.allowed)
        except BaseException:
            self.close()
            raise

    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        """As `SSLSocket.read`."""
        self.identify_peer()
        return super().read(len, buffer)

    def write(self, data: Any) -> int:
        """As `SSLSocket.write`."""
        self.identify_peer()
        return super().write(data)

    def send(self, data: Any, flags: int = 0) -> int:
        """As `SSLSocket.send`."""
        self.identify_peer()
        return super().send(data, flags)


class _FixedContext(ssl.SSLContext):
    """One SVID's context."""

    sslsocket_class = CheckedSocket
    material: Material
    allowed: Allowed


class LiveContext(ssl.SSLContext):
    """A context whose connections use what `newest()` gives at that moment. It has no certificate and trusts nobody itself."""

    sslsocket_class = CheckedSocket
    newest: Callable[[], Material]
    allowed: Allowed
    _current: _FixedContext | None
    _making: threading.Lock

    @classmethod
    def of(cls, newest: Callable[[], Material], allowed: Allowed, *, server: bool) -> LiveContext:
        """A live context for one side of connections to the `allowed`."""
        made = cls(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        _harden(made)
        made.newest, made.allowed = newest, allowed
        made._current, made._making = None, threading.Lock()
        return made

    def wrap_socket(  # noqa: PLR0917 - the standard library's signature
        self,
        sock: socket.socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """Wrap a connected socket, or a listening one.

        What a listening socket accepts does its handshake when it is first read or written, so in the thread that serves it:
        a caller that connects and is silent holds up nobody else.
        """
        if not _is_connected(sock):
            return super().wrap_socket(sock, server_side, do_handshake_on_connect=not server_side)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # Nagle's algorithm adds 40 ms to a handshake
        return self._fixed().wrap_socket(sock, server_side, do_handshake_on_connect, suppress_ragged_eofs)

    def wrap_bio(self, *args: object, **kwargs: object) -> ssl.SSLObject:
        """Not offered: what reads through memory buffers would not check its peer."""
        raise Unsupported("SVIDs with asyncio", reason="only socket connections check their peer", remedy="use a socket")

    def _fixed(self) -> _FixedContext:
        material = self.newest()
        with self._making:
            if self._current is None or self._current.material != material:
                self._current = _fixed_context(self.protocol, material, self.allowed)
            return self._current


def _fixed_context(protocol: int, material: Material, allowed: Allowed) -> _FixedContext:
    context = _FixedContext(protocol)
    _harden(context)
    context.material, context.allowed = material, allowed
    context.load_verify_locations(cadata="".join(material.bundles.values()))
    with _memory_file(material.certificates + material.key) as path:
        context.load_cert_chain(path)
    return context


def _harden(context: ssl.SSLContext) -> None:
    context.check_hostname = False  # the SPIFFE ID is checked instead
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_TICKET
    if context.protocol == ssl.PROTOCOL_TLS_SERVER:
        context.num_tickets = 0  # a resumed session would not see that an SVID has expired


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _memory_file(data: bytes) -> Iterator[str]:
    """A path to `data` that OpenSSL can open, without a file: in memory, or where that can't be, one of 0600 removed at once."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("svid", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, data)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory() as private:
        path = Path(private) / "svid.pem"
        path.touch(mode=0o600)
        path.write_bytes(data)
        yield str(path)
