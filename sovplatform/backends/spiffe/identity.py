"""A workload's own identity, from whichever SPIFFE Workload API `SPIFFE_ENDPOINT_SOCKET` names: ours, or a SPIRE agent."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sovplatform.backends.openbao_config import AUDIENCE
from sovplatform.backends.spiffe.peers import Allowed
from sovplatform.backends.spiffe.tls import LiveContext, Material
from sovplatform.backends.vault_api import VaultAddress
from sovplatform.backends.vault_login import JwtLogin
from sovplatform.backends.vault_rights import role_of
from sovplatform.errors import IdentityRefused, SovError, Unavailable

if TYPE_CHECKING:
    from spiffe import WorkloadApiClient, X509Source
    from spiffe.workloadapi.x509_context import X509Context

_DIAGNOSIS_SECONDS = 2.0


class WorkloadIdentity:
    """The calling process's SVIDs, kept fresh by the stock client's stream. Close it when done.

    `socket` is a path or `unix:` URI; without it the environment's `SPIFFE_ENDPOINT_SOCKET` is used. `path` chooses among
    several identities of one process (`/border`); without it the first is used. Waits up to `timeout` seconds for the first
    SVID, so that a process may ask while its parent is still registering it.

    Raises:
        IdentityRefused: this process has no identity, or not the one asked for.
        Unavailable: no Workload API answers.
    """

    def __init__(self, socket: str | Path | None = None, *, path: str = "", timeout: float = 10.0) -> None:
        self._socket = None if socket is None else _uri(str(socket))
        self._path = path
        self._timeout = timeout
        self._lock = threading.Lock()
        self._client = self._connect()
        self._source = self._open()
        self._material: tuple[X509Context, Material] | None = None

    @property
    def spiffe_id(self) -> str:
        """`spiffe://TRUST-DOMAIN/PATH`."""
        return str(self._context().default_svid.spiffe_id)

    @property
    def trust_domain(self) -> str:
        """The name of the trust domain, without the scheme."""
        return str(self._context().default_svid.spiffe_id.trust_domain.name)

    @property
    def serial(self) -> int:
        """The serial number of the newest SVID; another one after each rotation."""
        return int(self._context().default_svid.leaf.serial_number)

    def server_context(self, allowed: Allowed) -> ssl.SSLContext:
        """TLS for a server that only the `allowed` may call. Give it to `wrap_socket` of a listening or accepted socket."""
        return LiveContext.of(self.material, allowed, server=True)

    def client_context(self, expected: Allowed) -> ssl.SSLContext:
        """TLS for calls that only the `expected` may answer. `http.client.HTTPSConnection(…, context=…)` takes it."""
        return LiveContext.of(self.material, expected, server=False)

    def bundles(self) -> Mapping[str, str]:
        """The CA certificates (PEM) of each trust domain that this workload trusts."""
        return self.material().bundles

    def jwt(self, audience: str) -> str:
        """A fresh JWT-SVID for `audience`.

        Raises:
            IdentityRefused, Unavailable.
        """
        from spiffe import SpiffeId
        from spiffe.errors import PySpiffeError

        try:
            svid = self._client.fetch_jwt_svid({audience}, SpiffeId(self.spiffe_id), timeout=self._timeout)
        except PySpiffeError as err:
            raise _translated(err) from err
        return str(svid.token)

    def material(self) -> Material:
        """What a handshake needs now."""
        context = self._context()
        had = self._material
        if had is None or had[0].default_svid is not context.default_svid or not _same_bundles(had[0], context):
            had = self._material = (context, _material(context))
        return had[1]

    def close(self) -> None:
        """Stop receiving SVIDs."""
        self._source.close()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _connect(self) -> WorkloadApiClient:
        from spiffe import WorkloadApiClient
        from spiffe.errors import ArgumentError

        try:
            return WorkloadApiClient(self._socket)
        except ArgumentError as err:
            raise Unavailable(
                f"there is no SPIFFE Workload API: {err}", remedy="start the region, or set SPIFFE_ENDPOINT_SOCKET"
            ) from err

    def _open(self) -> X509Source:
        from spiffe import X509Source, X509Svid
        from spiffe.errors import PySpiffeError

        def pick(svids: list[X509Svid]) -> X509Svid:
            return next(svid for svid in svids if self._path in ("", svid.spiffe_id.path))

        try:
            return X509Source(self._client, timeout_in_seconds=self._timeout, svid_picker=pick)
        except PySpiffeError as err:
            reason = self._diagnosis(err)
            self._client.close()
            raise reason from err

    def _diagnosis(self, err: Exception) -> SovError:
        """Why no SVID came: the source only says that its time is over."""
        from spiffe.errors import PySpiffeError

        try:
            svids = self._client.fetch_x509_svids(timeout=_DIAGNOSIS_SECONDS)
        except PySpiffeError as failure:
            return _translated(failure)
        have = ", ".join(str(svid.spiffe_id) for svid in svids)
        return IdentityRefused(
            f"this process has no identity {self._path}", reasons=[f"it has {have}: {err}"], remedy="register it with the node"
        )

    def _context(self) -> X509Context:
        from spiffe.errors import PySpiffeError

        try:
            return self._source.get_x509_context()
        except PySpiffeError:
            pass
        with self._lock:
            if self._source.is_closed():
                self._source = self._open()
        return self._source.get_x509_context()


class VaultLogin(JwtLogin):
    """A token source: logs in to a region's namespace with this workload's JWT-SVID.

    `role` is another identity's name (`job/train`) or role; without it the workload's own.
    """

    def __init__(self, identity: WorkloadIdentity, address: VaultAddress, namespace: str, role: str = "") -> None:
        path = identity.spiffe_id.removeprefix(f"spiffe://{identity.trust_domain}")
        super().__init__(address, namespace=namespace, role=role_of(role or path), jwt=lambda: identity.jwt(AUDIENCE))


def _material(context: X509Context) -> Material:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    svid = context.default_svid
    return Material(
        serial=svid.leaf.serial_number,
        certificates=b"".join(one.public_bytes(Encoding.PEM) for one in svid.cert_chain),
        key=svid.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        bundles={
            bundle.trust_domain.name: b"".join(one.public_bytes(Encoding.PEM) for one in bundle.x509_authorities).decode()
            for bundle in context.x509_bundle_set.bundles
        },
    )


def _same_bundles(one: X509Context, other: X509Context) -> bool:
    return {id(bundle) for bundle in one.x509_bundle_set.bundles} == {id(bundle) for bundle in other.x509_bundle_set.bundles}


def _uri(socket: str) -> str:
    return socket if socket.startswith("unix:") else f"unix://{socket}"


def _translated(err: Exception) -> SovError:
    import grpc

    cause = err.__cause__
    if isinstance(cause, grpc.Call) and cause.code() in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT):
        return IdentityRefused(
            "the Workload API gives this process no identity",
            reasons=[str(cause.details())],
            remedy="have the region's node start and register it",
        )
    return Unavailable(f"the SPIFFE Workload API does not answer: {err}", remedy="see that the region is up, then try again")
