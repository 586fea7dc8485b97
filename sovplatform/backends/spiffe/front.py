"""The Workload API's public socket: it learns who connects, and passes the bytes on to the gRPC server behind it.

gRPC tells a service nothing about the process at the other end of a unix socket. The front does: it takes the connection,
asks the kernel (`SO_PEERCRED`), and connects to the private socket from an address of its own that gRPC reports as the peer.
That address is an abstract one (`unix(7)`): nobody can take it while it is in use, unlike a path, which can be unlinked.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import threading
from collections import Counter
from pathlib import Path

from sovplatform.backends.spiffe.attestation import Process, peer_process
from sovplatform.errors import Conflict, Unavailable

MAX_PER_PROCESS = 32
_CHUNK = 64 * 1024


class Front:
    """Listens on `path` (0600) and relays to the unix socket `inner`, in one thread of its own."""

    def __init__(self, path: Path, inner: Path) -> None:
        self.path = path
        self._inner = str(inner)
        self._peers: dict[str, Process] = {}
        self._open: Counter[Process] = Counter()
        self._served: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="spiffe-front", daemon=True)
        self._listener: socket.socket | None = None

    def start(self) -> None:
        """Listen.

        Raises:
            Conflict: another server listens there.
            Unavailable: the path cannot be used.
        """
        self._listener = _listen(self.path)
        self._thread.start()

    def stop(self) -> None:
        """Close everything and remove the socket."""
        if self._listener is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(timeout=5.0)
        self._listener.close()
        self._listener = None
        self.path.unlink(missing_ok=True)

    def process(self, peer: str) -> Process | None:
        """The process behind a gRPC peer address, while its connection is open; None for who came another way."""
        return self._peers.get(peer)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._until_stopped())
        self._loop.close()

    async def _until_stopped(self) -> None:
        server = await asyncio.start_unix_server(self._take, sock=self._listener)
        await self._stopping.wait()
        server.close()
        # again and again: a connection that was just taken gets its task only when what took it has been cancelled
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A task of our own: asyncio complains of one of its making that is cancelled before it began."""
        task = self._loop.create_task(self._serve(reader, writer))
        self._served.add(task)  # the loop itself holds tasks but weakly
        task.add_done_callback(self._served.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        process = peer_process(writer.get_extra_info("socket"))
        if process is None or self._open[process] >= MAX_PER_PROCESS:
            writer.close()
            return
        name = f"sov-{secrets.token_hex(16)}"
        self._open[process] += 1
        self._peers[f"unix-abstract:{name}"] = process
        try:
            await self._relay(name, reader, writer)
        finally:
            del self._peers[f"unix-abstract:{name}"]
            self._open -= Counter({process: 1})
            writer.close()

    async def _relay(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.setblocking(False)
            connection.bind(f"\0{name}")
            try:
                await self._loop.sock_connect(connection, self._inner)
            except OSError:
                return
            inner_reader, inner_writer = await asyncio.open_unix_connection(sock=connection)
            try:
                await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
            finally:
                inner_writer.close()
                with contextlib.suppress(OSError):
                    await inner_writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            if path.exists() and probe.connect_ex(str(path)) == 0:
                raise Conflict(f"a Workload API listens at {path.name} already", remedy="stop the region's other node first")
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(64)
    except OSError as err:
        listener.close()
        raise Unavailable(
            f"the Workload API cannot listen at {path}: {err}", remedy="use a writable path under 100 bytes"
        ) from err
    except Conflict:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
