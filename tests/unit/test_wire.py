"""Operations on a unix socket: what went wrong in the server is told to the caller, even when nothing can be written."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sovplatform.errors import SovError, Unavailable
from sovplatform.wire import OperationClient, OperationServer, Peer, socket_path


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
