"""Who is who in a region: its Workload API, the node's own identities, and the keys that they open."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from sovplatform.backends.node.process import NodeSettings
from sovplatform.backends.pidfile import start_ticks
from sovplatform.backends.spiffe.attestation import Attestor, Process
from sovplatform.backends.spiffe.identity import VaultLogin, WorkloadIdentity
from sovplatform.backends.spiffe.issuer import Issuer
from sovplatform.backends.spiffe.peers import peer_id
from sovplatform.backends.spiffe.workload_api import WorkloadAPIServer
from sovplatform.backends.vault import VaultKeyStore
from sovplatform.backends.vault_api import VaultAddress, VaultApi
from sovplatform.backends.vault_login import AppRoleLogin
from sovplatform.backends.vault_region import TRUSTED_KEYS, trust_domain
from sovplatform.border.channel import TIMEOUT_SECONDS
from sovplatform.records import RegionTrust, Trust
from sovplatform.wire import Peer, socket_path

NODE, BORDER = "/node", "/border"
_LONGEST_ANCESTRY = 64


class NodeIdentity:
    """Started once per node. With a Workload API of somebody else's, that one attests and nothing is served here."""

    def __init__(self, home: Path, settings: NodeSettings, trust: Callable[[], Trust | None]) -> None:
        self.settings = settings
        self.trust_domain = trust_domain(settings.region.name, settings.pilot)
        self.attestor = Attestor()
        self._trust = trust
        self._address = VaultAddress(settings.vault, settings.vault_ca)
        self.server: WorkloadAPIServer | None = None
        if not settings.workload_api:
            login = AppRoleLogin.from_file(self._address, namespace=settings.namespace, file=Path(settings.login))
            issuer = Issuer(VaultApi(self._address, namespace=settings.namespace, token=login), self.trust_domain)
            self.server = WorkloadAPIServer(socket_path(home, "workload.sock"), issuer, self.attestor, self._federated)
            self.server.start()
            self.attestor.register(os.getpid(), NODE)
            self.attestor.register(os.getpid(), BORDER)
        self.border = WorkloadIdentity(self.endpoint, path=BORDER)
        self._door = self.border.server_context(self._is_peer_border)
        self.keystore = VaultKeyStore(
            settings.vault,
            namespace=settings.namespace,
            region=settings.region.name,
            jurisdiction=settings.region.jurisdiction,
            token=VaultLogin(self.border, self._address, settings.namespace),
            ca_file=settings.vault_ca,
        )

    @property
    def endpoint(self) -> str:
        """What `SPIFFE_ENDPOINT_SOCKET` is for the region's workloads."""
        return self.server.endpoint if self.server is not None else self.settings.workload_api

    def _federated(self) -> tuple[RegionTrust, ...]:
        trust = self._trust()
        if trust is None:
            return ()
        return tuple(peer for name, peer in trust.regions.items() if name != self.settings.region.name)

    def refresh(self) -> None:
        """Tell the workloads that the federated trust has changed."""
        if self.server is not None:
            self.server.refresh()

    def trust_material(self, channel: str) -> RegionTrust:
        """What others must know to believe this region."""
        spec = self.settings.region
        facts = {name: self.keystore.facts(name) for name in TRUSTED_KEYS}
        return RegionTrust(
            region=spec.name,
            jurisdiction=spec.jurisdiction,
            role=spec.role,
            trust_domain=self.trust_domain,
            bundle=self.border.bundles()[self.trust_domain],
            keys={name: list(fact.public_keys.values())[-1] for name, fact in facts.items()},
            channel=channel,
        )

    # -- the channel --

    def accept(self, raw: socket.socket) -> tuple[ssl.SSLSocket, str]:
        """The server's side of a handshake: only the border of a federated region gets through."""
        secured = self._door.wrap_socket(raw, server_side=True)
        return secured, peer_id(secured)

    def connect(self, region: str, host: str, port: int) -> ssl.SSLSocket:
        """The client's side: only the border of `region` is who we want."""
        peer = next(peer for peer in self._federated() if peer.region == region)
        raw = socket.create_connection((host, port), timeout=TIMEOUT_SECONDS)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            return self.border.client_context(f"spiffe://{peer.trust_domain}{BORDER}").wrap_socket(raw)
        except BaseException:
            raw.close()
            raise

    def _is_peer_border(self, spiffe_id: str) -> bool:
        return spiffe_id in {f"spiffe://{peer.trust_domain}{BORDER}" for peer in self._federated()}

    # -- the node's own socket --

    def job_of(self, peer: Peer) -> str | None:
        """The SPIFFE ID of the job that a process is, or descends from; None for the operator's processes."""
        pid = peer.pid
        for _ in range(_LONGEST_ANCESTRY):
            started = start_ticks(pid)
            if started is None or pid == os.getpid():
                return None
            paths = self.attestor.paths(Process(pid, started))
            if paths:
                return f"spiffe://{self.trust_domain}{paths[0]}"
            pid = _parent(pid)
        return None

    def close(self) -> None:
        self.border.close()
        if self.server is not None:
            self.server.stop()


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    return int(stat[stat.rindex(b")") + 2 :].split()[1])
