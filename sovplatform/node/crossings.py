"""Both ends of a crossing in one region: what its jobs send out through the gate, and what it accepts from its peers."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sovplatform.artifacts import DECISION, MANIFEST, load
from sovplatform.border.acceptance import Acceptance
from sovplatform.border.channel import Envelope, Receipt, Sender, details
from sovplatform.border.gate import Gate
from sovplatform.border.reading import read
from sovplatform.errors import Denied
from sovplatform.ledger import Ledger
from sovplatform.records import Artifact, Crossing, SignedDecision

Key = tuple[str, str, str, str, int | None]


class Outbound:
    """Takes artifacts of this region's jobs through the gate and over the channel."""

    def __init__(
        self,
        home: Path,
        region: str,
        *,
        gate: Gate,
        ledger: Ledger,
        actor: str,
        channel_of: Callable[[str], str],
        sender: Callable[[str], Sender],
    ) -> None:
        self._outbox = (home / "outbox").resolve()
        self._region = region
        self._gate = gate
        self._ledger = ledger
        self._actor = actor
        self._channel_of = channel_of
        self._make_sender = sender
        self._senders: dict[str, Sender] = {}
        self._lock = threading.Lock()

    def send(self, directory: Path, destination: str, purpose: str) -> None:
        """Raises Denied when the gate or the destination says no.

        Sending again what was delivered has no effect, unless its files were changed since: the gate says no to that.
        """
        place = directory.resolve()
        if not place.is_relative_to(self._outbox) or place == self._outbox:
            raise Denied("only what is in the outbox can leave", reasons=[directory.name], remedy="make the artifact there")
        artifact, signature = load(place)
        key = f"delivered/{artifact.digest}/{destination}/{purpose}"
        if self._ledger.find(key) is not None and _is_whole(place, artifact):
            return
        crossing = Crossing(artifact=artifact, signature=signature, source=self._region, destination=destination, purpose=purpose)
        signed = self._gate.decide(crossing, place)
        if not signed.decision.allow:
            raise Denied(
                f"{artifact.kind.value} {artifact.name} may not leave {self._region} for {destination}",
                reasons=signed.decision.reasons,
                remedy="read `sovctl audit log`; change the artifact or the rules, not the gate",
            )
        envelope = Envelope(crossing=crossing, signed=signed)
        receipt = self._sender(destination).send(envelope, place)
        told = {**details(envelope), "checkpoint": receipt.checkpoint, "entry": receipt.entry}
        self._ledger.append("gate.delivered", artifact.name, actor=self._actor, details=told, key=key)

    def _sender(self, destination: str) -> Sender:
        with self._lock:
            address = self._channel_of(destination)
            known = self._senders.get(destination)
            if known is None or known.address != address:
                if known is not None:
                    known.close()
                known = self._senders[destination] = self._make_sender(destination)
            return known

    def close(self) -> None:
        for sender in self._senders.values():
            sender.close()


def _is_whole(directory: Path, artifact: Artifact) -> bool:
    """Whether the files are what the manifest says."""
    try:
        return not read(directory, artifact).strays
    except OSError:
        return False


class Inbound:
    """Accepts artifacts of peers, and lets this region's jobs wait for them."""

    def __init__(
        self, home: Path, *, acceptance: Acceptance, ledger: Ledger, actor: str, checkpoint: Callable[[], str], largest: int
    ) -> None:
        self._inbox = home / "inbox"
        self._acceptance = acceptance
        self._ledger = ledger
        self._actor = actor
        self._checkpoint = checkpoint
        self._largest = largest
        self._index: dict[Key, Path] = {}
        self._arrived = threading.Condition()
        self.staging = home / "inbox" / ".staging"
        shutil.rmtree(self.staging, ignore_errors=True)
        self.staging.mkdir(parents=True)
        for manifest in self._inbox.glob(f"*/{MANIFEST}"):
            self._remember(manifest.parent)

    def screen(self, envelope: Envelope, peer: str) -> None:
        """Refuse at once what is not for us or too large to store; all else is judged when it is whole."""
        if envelope.crossing.artifact.size > self._largest:
            self._refuse(envelope, peer, "larger than any artifact that a rule allows")
        self._acceptance.screen(envelope.signed, envelope.crossing, peer=peer)

    def receive(self, envelope: Envelope, staging: Path, peer: str) -> Receipt:
        self._acceptance.accept(envelope.signed, envelope.crossing, staging, peer=peer)
        target = self._inbox / envelope.crossing.artifact.digest.removeprefix("sha256:")
        with self._arrived:
            if not target.exists():
                staging.rename(target)
            self._remember(target)
            self._arrived.notify_all()
        return Receipt(accepted=True, entry=self._ledger.size, checkpoint=self._checkpoint())

    def _refuse(self, envelope: Envelope, peer: str, reason: str) -> None:
        told = {**details(envelope), "peer": peer, "reasons": [reason]}
        self._ledger.append("channel.refused", envelope.crossing.artifact.name, actor=self._actor, details=told)
        raise Denied(f"region refuses {envelope.crossing.artifact.name}", reasons=[reason], remedy="see the border's rules")

    def _remember(self, directory: Path) -> None:
        artifact, _ = load(directory)
        source = _source(directory)
        self._index[_key(source, artifact)] = directory

    def wait(self, body: Mapping[str, Any]) -> Path | None:
        round_ = body.get("round")
        key = (
            str(body["source"]),
            str(body["kind"]),
            str(body["name"]),
            str(body["run"]),
            None if round_ is None else int(round_),
        )
        with self._arrived:
            self._arrived.wait_for(lambda: key in self._index, timeout=min(float(body.get("timeout", 0)), 60.0))
            return self._index.get(key)


def _key(source: str, artifact: Artifact) -> Key:
    return (source, artifact.kind.value, artifact.name, artifact.run, artifact.round)


def _source(directory: Path) -> str:
    return SignedDecision.from_json((directory / DECISION).read_bytes()).decision.source
