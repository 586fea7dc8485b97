"""Operations on a unix socket: what went wrong in the server is told to the caller, even when nothing can be written."""

from __future__ import annotations

import errno
import http.client
import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sovplatform.errors import SovError, Unavailable
from sovplatform.wire import MAX_BODY, OperationClient, OperationServer, Peer, socket_path


def fail(peer: Peer, body: Mapping[str, Any]) -> Mapping[str, Any]:
    number = int(body["errno"])
    raise OSError(number, os.strerror(number))


def log_on_a_full_disk(err: Exception) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[OperationClient]:
    path = socket_path(tmp_path, "s.sock")
    with OperationServer(path, {"fail": fail}, log_on_a_full_disk) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield OperationClient(path, who="region de")
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS])
def test_a_full_disk_is_told_with_a_remedy(client: OperationClient, number: int) -> None:
    with pytest.raises(Unavailable, match=os.strerror(number)) as caught:
        client.call("fail", {"errno": number})
    assert "free space" in caught.value.remedy


def test_another_fault_is_told_with_where_to_look(client: OperationClient) -> None:
    with pytest.raises(SovError, match="PermissionError") as caught:
        client.call("fail", {"errno": errno.EACCES})
    assert caught.value.remedy == "see the region's node.log"


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[]", b"null", b"7", b"{", b"\xff"])
def test_a_request_that_is_no_object_is_the_callers_mistake(tmp_path: Path, client: OperationClient, body: bytes) -> None:
    status, answer = raw(tmp_path, str(len(body)), body)
    assert (status, answer["error"]) == (422, "ConfigError")


@pytest.mark.parametrize("length", ["-1", "zz", "\u00b2", "9" * 5000, str(MAX_BODY + 1)])
def test_a_length_that_is_none_or_too_large_is_refused_unread(tmp_path: Path, client: OperationClient, length: str) -> None:
    status, answer = raw(tmp_path, length, b"")
    assert (status, answer["error"], len(answer["message"]) < 100) == (422, "ConfigError", True)


def raw(directory: Path, length: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """What the server answers to a request that no client of ours would send."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(socket_path(directory, "s.sock")))
        connection.sendall(f"POST /fail HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode("latin-1") + body)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, json.loads(response.read())


def test_only_this_user_can_open_the_socket_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with OperationServer(path := socket_path(tmp_path, "o.sock"), {}, log_on_a_full_disk):
            assert path.lstat().st_mode & 0o777 == 0o600
    finally:
        assert os.umask(before) == 0
