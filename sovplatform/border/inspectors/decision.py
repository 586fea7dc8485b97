"""The decision is the source's, is about this very crossing, still holds, and was not used for anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from sovplatform import signing
from sovplatform.border.events import ACCEPTED
from sovplatform.border.inspection import Inspection, Subject
from sovplatform.errors import SignatureInvalid
from sovplatform.records import Decision, RegionTrust, SignedDecision

if TYPE_CHECKING:
    from sovplatform.ledger import Entry, Ledger

DECISIONS = "decisions"
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{7,63}", re.ASCII)
SKEW = timedelta(seconds=30)
LONGEST = timedelta(days=1)


class DecisionInspector:
    """Made for one delivery: the decision as it came, and the SPIFFE ID of the peer it came from."""

    name = "decision"

    def __init__(self, signed: SignedDecision, peer: str, ledger: Ledger) -> None:
        self._signed = signed
        self._peer = peer
        self._ledger = ledger

    def inspect(self, subject: Subject) -> Inspection:
        decision, source = self._signed.decision, subject.trust.regions.get(subject.crossing.source)
        if source is None or DECISIONS not in source.keys:
            return Inspection((f"no key of the gate of region {subject.crossing.source} is pinned",))
        if self._peer != f"spiffe://{source.trust_domain}/border":
            return Inspection((f"the peer is not the border of region {subject.crossing.source}",))
        try:
            signing.verify(self._signed.signature, decision.canonical(), source.keys[DECISIONS])
        except SignatureInvalid:
            return Inspection(("the decision's signature does not verify",))
        reasons = [*_binding(decision, subject, source), *self._time(decision, subject), *self._reuse(decision)]
        return Inspection(tuple(reasons), {"id": decision.id if IDENTIFIER.fullmatch(decision.id) else ""})

    def earlier(self) -> Entry | None:
        """The entry of this decision's acceptance, when it was accepted before."""
        return self._ledger.find(acceptance_key(self._signed.decision))

    def _time(self, decision: Decision, subject: Subject) -> Iterator[str]:
        if decision.issued_at > subject.at + SKEW or decision.expires_at - decision.issued_at > LONGEST:
            yield "the decision is of the future, or holds for too long"
        if decision.expires_at <= subject.at and self.earlier() is None:
            yield f"the decision expired at {decision.expires_at.isoformat(timespec='seconds')}"

    def _reuse(self, decision: Decision) -> Iterator[str]:
        if not IDENTIFIER.fullmatch(decision.id):
            yield "the decision's identifier is malformed"
        earlier = self.earlier()
        if earlier is not None and (earlier.event != ACCEPTED or earlier.subject != decision.artifact):
            yield "the decision was already used for another artifact"


def acceptance_key(decision: Decision) -> str:
    return f"channel.accepted/{decision.source}/{decision.id[:64]}"


def _binding(decision: Decision, subject: Subject, source: RegionTrust) -> Iterator[str]:
    crossing, own = subject.crossing, subject.config.region
    artifact = crossing.artifact
    if not decision.allow:
        yield "the decision denies the crossing"
    if crossing.destination != own.name:
        yield f"it is not for region {own.name}"
    claims = {
        "artifact": (decision.artifact, subject.digest),
        "kind": (decision.kind, artifact.kind),
        "label": (decision.label, artifact.label),
        "size": (decision.size, artifact.size),
        "source": (decision.source, crossing.source),
        "destination": (decision.destination, crossing.destination),
        "purpose": (decision.purpose, crossing.purpose),
        "source jurisdiction": (decision.source_jurisdiction, source.jurisdiction),
        "destination jurisdiction": (decision.destination_jurisdiction, own.jurisdiction),
    }
    for what, (decided, found) in claims.items():
        if decided != found:
            yield f"the decision is about another {what}"
