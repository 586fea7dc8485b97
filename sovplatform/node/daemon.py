"""Node: one region's gate, ledger, Workload API, channel, jobs and endpoints, composed.

The order of start is the order of trust: the ledger first, as nothing may happen unrecorded; then identities; then the keys
that the identities open; then the doors. The gate comes with the pilot's rules, when the control plane delivers them.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from sovplatform.backends.kserve.server import KServeServer
from sovplatform.backends.kserve.trust import ServingTrust
from sovplatform.backends.node.process import NodeSettings
from sovplatform.border.channel import ChannelServer, Envelope, Receipt, Sender, address_of
from sovplatform.errors import Conflict, SovError, Unavailable
from sovplatform.ledger import Entry, Ledger
from sovplatform.node.border import Border
from sovplatform.node.identity import NodeIdentity
from sovplatform.node.jobs import JobRunner, job_environment
from sovplatform.node.sealing import KEY, Sealer
from sovplatform.pilot import RegionConfig
from sovplatform.private import write_atomically
from sovplatform.records import (
    EndpointStatus,
    Job,
    JobSpec,
    Record,
    RegionStatus,
    RegionTrust,
    Role,
    ServedModel,
    ServingState,
    Trust,
)
from sovplatform.wire import Peer, socket_path

R = TypeVar("R", bound=Record)
CHANNEL_HOST = "127.0.0.1"


class Node:
    """Everything of one embedded region. Made, it is up; `stop` ends it."""

    def __init__(self, home: Path, settings: NodeSettings) -> None:
        self.home = home
        self.region = settings.region
        self.pilot = settings.pilot
        self._config = _read(home / "region.json", RegionConfig)
        self._trust = _read(home / "trust.json", Trust)
        self.stopping = threading.Event()
        domain = f"{settings.region.name}.{settings.pilot}.sov"
        self.actor = f"spiffe://{domain}/border"
        self.ledger = Ledger.open(home / "ledger.db", f"{domain}/ledger")
        self.identity = NodeIdentity(home, settings, lambda: self._trust)
        self.sealer = Sealer(self.ledger, self.identity.keystore, _newest(self.identity.keystore.facts(KEY).public_keys))
        self.server = KServeServer(home / "serving")
        self.jobs = JobRunner(
            home / "jobs",
            job_environment(self.identity.endpoint, socket_path(home, "node.sock")),
            admit=self.identity.attestor.register,
            dismiss=self.identity.attestor.unregister,
            ended=self._job_ended,
        )
        self._border: Border | None = None
        self.channel = self._open_channel()
        threading.Thread(target=self.channel.serve_forever, name="channel", daemon=True).start()
        if self._config is not None and self._trust is not None:
            self._establish(self._config, self._trust)
        self.record("region.started", self.region.name, {"jurisdiction": self.region.jurisdiction}, actor=self.actor)
        self.server.start_all()

    # -- the pilot's rules --

    def federate(self, trust: Trust, config: RegionConfig) -> None:
        """Pin the trust and rules that the control plane delivers.

        Raises:
            Conflict: they are another region's or another pilot's.
        """
        if config.region != self.region or config.pilot != self.pilot or trust.pilot != self.pilot:
            raise Conflict(f"these rules are not for region {self.region.name} of {self.pilot}", remedy="run `sovctl up`")
        if trust == self._trust and config == self._config and self._border is not None:
            return
        write_atomically(self.home / "trust.json", trust.canonical())
        write_atomically(self.home / "region.json", config.canonical())
        self._config, self._trust = config, trust
        self._establish(config, trust)

    def _establish(self, config: RegionConfig, trust: Trust) -> None:
        self.identity.refresh()
        self._border = Border(
            self.home,
            config,
            trust=lambda: self._trust or trust,
            ledger=self.ledger,
            keystore=self.identity.keystore,
            actor=self.actor,
            checkpoint=self.sealer.newest,
            sender=self._sender,
        )
        approvers = {person.name: person.key for person in (*config.approvers, config.proposer)}
        keys = (trust.regions[self.region.name].keys["models"],)
        self.server.trust = ServingTrust(keys=keys, approvers=approvers, needed=config.approvals, region=self.region.name)
        if config.region.role is not Role.global_ and not self.server.names():
            self.server.apply(ServingState(name=config.contract.task))  # a model server takes a second to start: begin now
        print(f"region {self.region.name} knows its peers: {', '.join(sorted(trust.regions))}", flush=True)

    @property
    def border(self) -> Border:
        if self._border is None:
            raise Unavailable(f"region {self.region.name} has no rules yet, so nothing crosses", remedy="run `sovctl up`")
        return self._border

    def _sender(self, destination: str) -> Sender:
        address = self.border.channel_of(destination)
        return Sender(destination, address, lambda host, port: self.identity.connect(destination, host, port))

    # -- doors --

    def _open_channel(self) -> ChannelServer:
        """On the port it had before when that is free, so that peers find it again."""
        remembered = self.home / "channel.port"
        ports = (int(remembered.read_text()), 0) if remembered.exists() else (0,)
        for port in ports:
            try:
                server = ChannelServer(
                    (CHANNEL_HOST, port),
                    secure=self.identity.accept,
                    screen=self._screen,
                    receive=self._receive,
                    staging=self.home / "inbox" / ".staging",
                    on_error=log_error,
                )
            except OSError:
                continue
            write_atomically(remembered, str(server.server_address[1]).encode())
            return server
        raise Unavailable(f"region {self.region.name} finds no free port", remedy="free a port on 127.0.0.1")

    def _screen(self, envelope: Envelope, peer: str) -> None:
        self.border.inbound.screen(envelope, peer)

    def _receive(self, envelope: Envelope, staging: Path, peer: str) -> Receipt:
        return self.border.inbound.receive(envelope, staging, peer)

    def trust_material(self) -> RegionTrust:
        return self.identity.trust_material(address_of(self.channel))

    def status(self) -> RegionStatus:
        endpoints = {
            "border": f"unix:{socket_path(self.home, 'node.sock')}",
            "channel": f"https://{address_of(self.channel)}",
            "workload-api": self.identity.endpoint,
        }
        for name in self.server.names():
            endpoints[f"serving/{name}"] = self.server.status(name).url
        problems = () if self._border is not None else ("has no rules yet: run `sovctl up`",)
        return RegionStatus(region=self.region.name, up=True, endpoints=endpoints, problems=problems)

    def identity_of(self, peer: Peer) -> str | None:
        return self.identity.job_of(peer)

    # -- work --

    def submit(self, spec: JobSpec) -> Job:
        key = f"job/{spec.id}/{spec.digest}"
        facts = {"entrypoint": spec.entrypoint, "identity": spec.identity, "spec": spec.digest}
        self.record("job.submitted", spec.id, facts, actor="operator", key=key)
        return self.jobs.submit(spec)[0]

    def _job_ended(self, spec: JobSpec, job: Job) -> None:
        facts = {"state": job.state.value, "spec": spec.digest}
        self.record("job.ended", spec.id, facts, actor=f"{self.actor.removesuffix('/border')}/job/{spec.identity}")

    def serve(self, state: ServingState) -> EndpointStatus:
        """The caller says which release; where it is and what is trusted, the region says itself."""
        local = state.model_copy(
            update={"stable": self._local(state.stable), "canary": self._local(state.canary), "approvers": {}}
        )
        self.border  # noqa: B018 - without rules there is nothing to check a release against
        return self.server.apply(local)

    def _local(self, served: ServedModel | None) -> ServedModel | None:
        if served is None:
            return None
        home = (self.home / "models" / served.release.artifact.removeprefix("sha256:")).resolve()
        key = self.server.trust.keys[0] if self.server.trust else ""
        return served.model_copy(update={"directory": str(home / "model"), "signature": str(home / "model.sig"), "key": key})

    # -- the ledger --

    def record(self, event: str, subject: str, details: Mapping[str, Any], *, actor: str, key: str | None = None) -> Entry:
        return self.ledger.append(event, subject, actor=actor, details=details, key=key)

    # -- the end --

    def ask_to_stop(self) -> Mapping[str, Any]:
        self.stopping.set()
        return {}

    def stop(self) -> None:
        """Close the doors, end the jobs and endpoints, seal the ledger."""
        self.channel.shutdown()
        self.jobs.stop()
        self.server.stop_all()
        try:
            self.record("region.stopped", self.region.name, {}, actor=self.actor)
            self.sealer.seal()
        except SovError as err:
            print(f"region {self.region.name} stops without a last word: {err}", flush=True)
        self.sealer.stop()
        if self._border is not None:
            self._border.close()
        self.identity.close()
        self.ledger.close()


def log_error(err: Exception) -> None:
    """Type and place only: what an exception says may quote what it was raised over."""
    frames = traceback.extract_tb(err.__traceback__)[-4:]
    print(f"{type(err).__name__} at {' < '.join(f'{Path(f.filename).name}:{f.lineno}' for f in reversed(frames))}", flush=True)


def _newest(public_keys: Mapping[str, str]) -> str:
    return list(public_keys.values())[-1]


def _read(path: Path, kind: type[R]) -> R | None:
    try:
        return kind.from_json(path.read_bytes())
    except FileNotFoundError:
        return None
