"""The channel: how an allowed artifact travels from one region's border to another's, over mutual TLS.

One request is `POST /crossing` with a body of an envelope (four bytes of length, then JSON: the crossing and the signed
decision) and the artifact's files, one after the other, in the order and of the sizes that the manifest gives. The receiver
hashes while it writes, so that what it accepts is what the gate saw, whatever happened to the files in between.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import shutil
import socket
import socketserver
import ssl
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from sovplatform.artifacts import DECISION, MANIFEST, SIGNATURE
from sovplatform.border.door import HANDSHAKE_SECONDS, Door
from sovplatform.errors import Denied, SovError, Unavailable
from sovplatform.private import write_atomically
from sovplatform.records import Crossing, Record, SignedDecision
from sovplatform.wire import decode_error, encode_error

CHUNK = 1024 * 1024
MAX_ENVELOPE = 1024 * 1024
TIMEOUT_SECONDS = 30.0
_IDLE_SECONDS = 60.0


class Envelope(Record):
    crossing: Crossing
    signed: SignedDecision


class Receipt(Record):
    """The destination's word that it accepted: its ledger's entry and its newest checkpoint, as a witness."""

    accepted: bool
    entry: int
    checkpoint: str = ""


Receiver = Callable[[Envelope, Path, str], Receipt]
"""Judges a received directory, given the peer's SPIFFE ID; raises Denied."""

Screen = Callable[[Envelope, str], None]
"""Judges the envelope before a byte of the files is stored; raises Denied."""


class Sender:
    """Sends to one destination, over a connection that is kept while it is used."""

    def __init__(self, destination: str, address: str, connect: Callable[[str, int], ssl.SSLSocket]) -> None:
        self.address = address
        self._destination = destination
        host, _, port = address.rpartition(":")
        self._endpoint = (host, int(port))
        self._connect = connect
        self._lock = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0

    def send(self, envelope: Envelope, directory: Path) -> Receipt:
        """Deliver an artifact.

        Raises:
            Denied: the destination refused it.
            Unavailable: the destination cannot be reached, or is not who it should be.
        """
        with self._lock:
            fresh = self._connection is None or time.monotonic() - self._used > _IDLE_SECONDS
            try:
                return self._exchange(envelope, directory, fresh=fresh)
            except (OSError, http.client.HTTPException) as err:
                self.close()
                if fresh:
                    raise self._unreachable(err) from err
            try:  # the kept connection may have been closed by the other side: once more on a new one
                return self._exchange(envelope, directory, fresh=True)
            except (OSError, http.client.HTTPException) as err:
                self.close()
                raise self._unreachable(err) from err

    def _unreachable(self, err: Exception) -> Unavailable:
        return Unavailable(
            f"region {self._destination} cannot be reached over the channel ({err or type(err).__name__})",
            remedy=f"see `sovctl status`; start region {self._destination}, then run again",
        )

    def _exchange(self, envelope: Envelope, directory: Path, *, fresh: bool) -> Receipt:
        if fresh:
            self.close()
            connection = http.client.HTTPConnection(*self._endpoint, timeout=TIMEOUT_SECONDS)
            connection.sock = self._connect(*self._endpoint)
            self._connection = connection
        assert self._connection is not None  # noqa: S101 - made above when it was not there
        head = envelope.canonical()
        length = 4 + len(head) + envelope.crossing.artifact.size
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
        self._connection.request("POST", "/crossing", _body(head, envelope, directory), headers)
        response = self._connection.getresponse()
        answer = json.loads(response.read(MAX_ENVELOPE))
        self._used = time.monotonic()
        if response.will_close:
            self.close()
        if response.status != HTTPStatus.OK:
            raise decode_error(answer)
        return Receipt.model_validate(answer)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _body(head: bytes, envelope: Envelope, directory: Path) -> Iterator[bytes]:
    """The request's body. Exactly the declared sizes are sent: a file that grew or shrank breaks the request."""
    first = struct.pack(">I", len(head)) + head
    for entry in envelope.crossing.artifact.files:
        left = entry.size
        with (directory / entry.path).open("rb") as file:
            while left:
                chunk = file.read(min(CHUNK, left))
                if not chunk:
                    raise http.client.HTTPException(f"{entry.path} became shorter while it was sent")
                left -= len(chunk)
                if len(first) + len(chunk) <= CHUNK:
                    first += chunk
                else:
                    yield first
                    first = chunk
    yield first


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT_SECONDS
    disable_nagle_algorithm = True
    server: ChannelServer

    def setup(self) -> None:
        connection = self.request
        connection.settimeout(HANDSHAKE_SECONDS)
        self.request, self.peer = self.server.secure(connection)
        self.server.door.recognise(connection, self.peer)
        super().setup()

    def do_POST(self) -> None:
        try:
            length = int(self.headers.get("Content-Length", "-1"))
            envelope = self._envelope(length)
            self.server.screen(envelope, self.peer)
            answer, status = self._receive(envelope).model_dump(mode="json"), HTTPStatus.OK
        except SovError as err:
            self.close_connection = True  # unread bytes may be left on it
            answer, status = encode_error(err), HTTPStatus.FORBIDDEN
        except (ValueError, ValidationError, OSError) as err:
            self.close_connection = True
            self.server.on_error(err)
            denied = Denied(
                "the request cannot be read", reasons=[type(err).__name__], remedy="use the same version on both sides"
            )
            answer, status = encode_error(denied), HTTPStatus.FORBIDDEN
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def _envelope(self, length: int) -> Envelope:
        (size,) = struct.unpack(">I", self._exactly(4))
        if not 0 < size <= MAX_ENVELOPE:
            raise Denied("the envelope is too large", reasons=[f"{size} bytes"])
        envelope = Envelope.from_json(self._exactly(size))
        if length != 4 + size + envelope.crossing.artifact.size:
            raise Denied("the request is not of the length its manifest gives", reasons=[f"{length} bytes"])
        return envelope

    def _exactly(self, count: int) -> bytes:
        data = self.rfile.read(count)
        if len(data) != count:
            raise ValueError("the request ended early")
        return data

    def _receive(self, envelope: Envelope) -> Receipt:
        staging = Path(tempfile.mkdtemp(dir=self.server.staging))  # a name that nothing in the request decides
        try:
            for entry in envelope.crossing.artifact.files:
                target = staging / entry.path
                if not target.resolve().is_relative_to(staging.resolve()):
                    raise Denied("a file name leaves the artifact", reasons=[entry.path])
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as file:
                    found = self._copy(file, entry.size)
                if found != entry.sha256:
                    raise Denied("a file is not what its manifest says", reasons=[entry.path])
            write_atomically(staging / MANIFEST, envelope.crossing.artifact.canonical())
            if envelope.crossing.signature is not None:
                write_atomically(staging / SIGNATURE, envelope.crossing.signature.canonical())
            write_atomically(staging / DECISION, envelope.signed.canonical())
            return self.server.receive(envelope, staging, self.peer)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _copy(self, file: IO[bytes], size: int) -> str:
        hasher = hashlib.sha256()
        while size:
            chunk = self._exactly(min(CHUNK, size))
            hasher.update(chunk)
            file.write(chunk)
            size -= len(chunk)
        return f"sha256:{hasher.hexdigest()}"

    def log_message(self, format: str, *args: object) -> None:
        """The ledger records what matters."""


class ChannelServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens for peers. The TLS handshake is done in the connection's own thread: a slow peer holds up nobody, and how many
    there may be says the door.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512

    def __init__(
        self,
        address: tuple[str, int],
        *,
        secure: Callable[[socket.socket], tuple[ssl.SSLSocket, str]],
        screen: Screen,
        receive: Receiver,
        staging: Path,
        on_error: Callable[[Exception], None],
        door: Door | None = None,
    ) -> None:
        self.secure = secure
        self.screen = screen
        self.receive = receive
        self.staging = staging
        self.on_error = on_error
        self.door = door or Door()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin the connection's thread."""
        self.door.enter(request, str(client_address[0]))
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """The connection has ended, or could not be begun."""
        super().shutdown_request(request)
        self.door.leave(request)

    def service_actions(self) -> None:
        """Twice a second, and after each connection."""
        self.door.close_late()

    def handle_error(self, request: object, client_address: object) -> None:
        """A handshake that failed is the peer's affair; what was refused afterwards is in the ledger."""
        import sys

        err = sys.exc_info()[1]
        if isinstance(err, Exception) and self.door.is_news():
            self.on_error(err)


def address_of(server: ChannelServer) -> str:
    host, port = server.server_address[:2]
    return f"{host!s}:{port}"


def details(envelope: Envelope) -> Mapping[str, Any]:
    """What the ledger keeps of a crossing at its destination."""
    artifact = envelope.crossing.artifact
    return {
        "decision": envelope.signed.decision.id,
        "artifact": artifact.digest,
        "kind": artifact.kind.value,
        "size": artifact.size,
        "source": envelope.crossing.source,
        "destination": envelope.crossing.destination,
    }
