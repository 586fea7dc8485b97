"""JSON operations over HTTP on a unix socket: how programs of one machine ask a region's node for something.

`POST /OPERATION` with a JSON object answers a JSON object. Errors of the SovError tree cross the wire as themselves, so a
denial in the node is a denial in the command, with the same reasons and the same exit code.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import http.client
import json
import os
import socket
import socketserver
import struct
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple

from sovplatform import errors
from sovplatform.errors import ConfigError, Denied, Problem, SettingError, SovError, Unavailable

MAX_BODY = 4 * 1024 * 1024
_LONGEST_SOCKET_PATH = 100
_LONGEST_NUMBER = 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
_REMEDY_OBJECT = "send what the operation takes, as a JSON object"
_REMEDY_FULL = "free space on its disk, or make it writable, and run again"


class Peer(NamedTuple):
    """Who is at the other end of a unix socket, as the kernel tells it."""

    pid: int
    uid: int


Operation = Callable[[Peer, Mapping[str, Any]], Mapping[str, Any]]


def socket_path(directory: Path, name: str) -> Path:
    """Where the socket `name` of `directory` is: in it, or, as a path may have 107 bytes, in a short private directory."""
    path = directory / name
    if len(os.fsencode(path)) < _LONGEST_SOCKET_PATH:
        return path
    import hashlib
    import tempfile

    short = Path(tempfile.gettempdir()) / f"sov-{os.getuid()}-{hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:16]}"
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or not short.is_dir() or short.is_symlink():
        remedy = "remove it and try again, or set TMPDIR to a directory of your own"
        raise Unavailable(f"{short} is not a private directory of this user", remedy=remedy)
    return short / name


def encode_error(err: SovError) -> dict[str, Any]:
    body: dict[str, Any] = {"error": type(err).__name__, "message": err.message, "remedy": err.remedy}
    if isinstance(err, Denied):
        body["reasons"] = list(err.reasons)
    if isinstance(err, ConfigError) and err.problems:
        body["problems"] = [dataclasses.asdict(problem) for problem in err.problems]
    if isinstance(err, SettingError):
        body["region"] = err.region
    return body


def decode_error(body: Mapping[str, Any]) -> SovError:
    """The error that `encode_error` encoded; a kind this side does not know is a plain SovError."""
    kind = getattr(errors, str(body.get("error")), SovError)
    message, remedy = str(body.get("message", "no answer")), str(body.get("remedy", ""))
    problems = [Problem(**{**problem, "loc": tuple(problem["loc"])}) for problem in body.get("problems", ())]
    if isinstance(kind, type) and issubclass(kind, SettingError):
        return kind(str(body["region"]), problems)
    if isinstance(kind, type) and issubclass(kind, ConfigError):
        return kind(message, remedy=remedy, problems=problems)
    if isinstance(kind, type) and issubclass(kind, Denied):
        return kind(message, reasons=[str(reason) for reason in body.get("reasons", ())], remedy=remedy)
    if isinstance(kind, type) and issubclass(kind, SovError) and kind is not errors.Unsupported:
        return kind(message, remedy=remedy)
    return SovError(message, remedy=remedy)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: OperationServer

    def do_POST(self) -> None:
        status, answer = HTTPStatus.OK, dict[str, Any]()
        try:
            length = self.headers.get("Content-Length", "0")
            if not (length.isascii() and length.isdigit() and len(length) < _LONGEST_NUMBER and int(length) <= MAX_BODY):
                self.close_connection = True
                raise ConfigError(f"a request of {length[:_LONGEST_NUMBER]} bytes", remedy=f"send at most {MAX_BODY}")
            body = _parsed(self.rfile.read(int(length)) or b"{}")
            operation = self.server.operations.get(self.path.removeprefix("/"))
            if operation is None:
                raise ConfigError(f"no operation {self.path}", remedy="use the same version of sovplatform on both sides")
            answer = dict(operation(self._peer(), body))
        except SovError as err:
            status, answer = HTTPStatus.UNPROCESSABLE_ENTITY, encode_error(err)
        except OSError as err:
            status, answer = HTTPStatus.INTERNAL_SERVER_ERROR, encode_error(_of_the_disk(err))
            self._tell(err)
        except Exception as err:  # what we did not foresee must reach the caller as a failure, never as a silence
            status, answer = HTTPStatus.INTERNAL_SERVER_ERROR, encode_error(SovError(f"{type(err).__name__}: {err}"))
            self._tell(err)
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _tell(self, err: Exception) -> None:
        with contextlib.suppress(Exception):  # a log on a full disk must not cost the caller its answer
            self.server.on_error(err)

    def _peer(self) -> Peer:
        pid, uid, _ = struct.unpack("3i", self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return Peer(pid, uid)

    def log_message(self, format: str, *args: object) -> None:
        """The ledger records what matters; an access log would only repeat it."""


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise ConfigError("a request that is no JSON, or nested too deeply", remedy=_REMEDY_OBJECT) from err
    if not isinstance(found, dict):
        raise ConfigError("a request that is no JSON object", remedy=_REMEDY_OBJECT)
    return found


def _of_the_disk(err: OSError) -> SovError:
    """What a write failed of, for the operator to do something about."""
    if err.errno in _FULL:
        return Unavailable(f"nothing can be written here: {os.strerror(err.errno)}", remedy=_REMEDY_FULL)
    return SovError(f"{type(err).__name__}: {err}", remedy="see the region's node.log")


class OperationServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves operations on a socket that only this user can open."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, operations: Mapping[str, Operation], on_error: Callable[[Exception], None]) -> None:
        self.operations = operations
        self.on_error = on_error
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Handler, bind_and_activate=False)
        try:
            self.server_bind()
            path.chmod(0o600)  # before anybody can connect; a umask would be that of all threads
            self.server_activate()
        except BaseException:
            self.server_close()
            raise

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that went away in the middle is no event."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class OperationClient:
    """Calls operations of the node at `path`. One connection per call: a call is local and rare."""

    def __init__(self, path: Path, *, who: str) -> None:
        self._path = path
        self._who = who

    def call(self, operation: str, body: Mapping[str, Any] | None = None, *, timeout: float = 60.0) -> dict[str, Any]:
        """The operation's answer.

        Raises:
            Unavailable: nobody listens, or no answer came within `timeout` seconds.
            SovError: whatever the operation raised.
        """
        connection = _UnixConnection(self._path, timeout)
        try:
            connection.request("POST", f"/{operation}", json.dumps(body or {}), {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as err:
            raise Unavailable(f"{self._who} does not answer ({err or type(err).__name__})", remedy="run `sovctl up`") from err
        finally:
            connection.close()
        if response.status != HTTPStatus.OK:
            raise decode_error(answer)
        return answer
