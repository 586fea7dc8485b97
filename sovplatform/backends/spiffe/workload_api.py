"""The SPIFFE Workload API server of a region: a unix socket inside the region's node."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sovplatform.errors import Unavailable

if TYPE_CHECKING:
    import grpc

    from sovplatform.backends.spiffe.attestation import Attestor
    from sovplatform.backends.spiffe.front import Front
    from sovplatform.backends.spiffe.issuer import Issuer
    from sovplatform.backends.spiffe.service import Federated

MAX_STREAMS = 256


class WorkloadAPIServer:
    """Hands SVIDs to the processes that `attestor` knows. Runs in threads of the calling process.

    `federated` gives the pinned trust of the other regions whenever it is asked; call `refresh` when it has changed.
    """

    def __init__(
        self, socket_path: Path, issuer: Issuer, attestor: Attestor, federated: Federated = tuple, max_streams: int = MAX_STREAMS
    ) -> None:
        self.socket_path = socket_path
        self.attestor = attestor
        self._issuer = issuer
        self._federated = federated
        self._max_streams = max_streams
        self._server: grpc.Server | None = None
        self._front: Front | None = None
        self._private: Path | None = None

    @property
    def endpoint(self) -> str:
        """What `SPIFFE_ENDPOINT_SOCKET` is set to for workloads."""
        return f"unix://{self.socket_path}"

    def start(self) -> str:
        """Serve, and return the endpoint.

        Raises:
            Conflict: another server listens there.
            Unavailable: the socket cannot be made.
        """
        from concurrent.futures import ThreadPoolExecutor

        import grpc
        from spiffe._proto.workload_pb2_grpc import add_SpiffeWorkloadAPIServicer_to_server

        from sovplatform.backends.spiffe.front import Front
        from sovplatform.backends.spiffe.service import WorkloadService

        if self._server is not None:
            return self.endpoint
        self._private = Path(tempfile.mkdtemp(prefix="sov-spiffe-"))  # 0700
        inner = self._private / "grpc.sock"
        front = Front(self.socket_path, inner)
        # Every open stream holds a thread; the pool makes threads only as they are needed.
        threads = ThreadPoolExecutor(self._max_streams, thread_name_prefix="spiffe")
        server = grpc.server(threads, maximum_concurrent_rpcs=self._max_streams, options=[("grpc.so_reuseport", 0)])
        service = WorkloadService(self._issuer, self.attestor, self._federated, front.process)
        add_SpiffeWorkloadAPIServicer_to_server(service, server)  # type: ignore[no-untyped-call]
        try:
            if not server.add_insecure_port(f"unix:{inner}"):
                raise Unavailable("the Workload API cannot listen", remedy="see that the temporary directory is writable")
            server.start()
            front.start()
        except BaseException:
            server.stop(None)
            shutil.rmtree(self._private, ignore_errors=True)
            raise
        self._server, self._front = server, front
        return self.endpoint

    def refresh(self) -> None:
        """Send every open stream what has changed."""
        self.attestor.announce()

    def stop(self) -> None:
        """End all streams and remove the socket. Doing so twice is no error."""
        if self._server is None or self._front is None or self._private is None:
            return
        self._front.stop()
        self._server.stop(None).wait(5.0)
        self.attestor.nudge()
        shutil.rmtree(self._private, ignore_errors=True)
        self._server = None
