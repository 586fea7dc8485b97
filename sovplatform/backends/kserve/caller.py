"""Who may ask an endpoint: any program of the machine reaches a loopback port, so the kernel is asked whose it is.

Programs of the user who runs the region, and of root, are answered; a proxy that such a user runs decides for others. Names of
hosts are checked too: a page that a browser of this user shows could else have its own name lead here, and read the answers.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HOSTS = ["127.0.0.1", "localhost"]
_CONNECTIONS = Path("/proc/net/tcp")
_OF_ANOTHER_USER = b"this endpoint answers programs of the user who runs it; have that user run a proxy for others\n"
_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
    len(_OF_ANOTHER_USER),
    _OF_ANOTHER_USER,
)


def uid_of(client: tuple[str, int], server: tuple[str, int]) -> int | None:
    """The user who opened a TCP connection on this machine (proc(5), `/proc/net/tcp`); None when it is not there any more."""
    ends = [_hexadecimal(client), _hexadecimal(server)]
    for line in _CONNECTIONS.read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1:3] == ends:
            return int(fields[7])
    return None


def _hexadecimal(address: tuple[str, int]) -> str:
    number = int.from_bytes(socket.inet_aton(address[0]), sys.byteorder)
    return f"{number:08X}:{address[1]:04X}"


class OwnUserProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type] # chosen by uvicorn at run time
    """uvicorn's HTTP, for connections of this user and of root. It costs one look at each connection, none at a request."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if not _is_welcome(transport):
            transport.write(_REFUSAL)
            transport.close()

    def data_received(self, data: bytes) -> None:
        if not self.transport.is_closing():
            super().data_received(data)


def _is_welcome(transport: asyncio.Transport) -> bool:
    try:
        uid = uid_of(transport.get_extra_info("peername"), transport.get_extra_info("sockname"))
    except (OSError, TypeError):  # it has gone already
        return False
    return uid in {os.geteuid(), 0}
