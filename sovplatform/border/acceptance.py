"""Acceptance: the destination's side of a crossing. It believes nothing that it can check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sovplatform.border.events import ACCEPTED, REFUSED, crossing_details
from sovplatform.border.inspection import Inspection, Inspector, Subject, document, inspect_all, readable
from sovplatform.border.inspectors.decision import DecisionInspector, acceptance_key
from sovplatform.border.inspectors.files import FilesInspector
from sovplatform.border.inspectors.format import FormatInspector
from sovplatform.border.inspectors.parties import PartiesInspector
from sovplatform.border.inspectors.signature import SignatureInspector
from sovplatform.border.inspectors.tensors import TensorsInspector
from sovplatform.border.reading import Reading, read
from sovplatform.errors import Conflict, Denied
from sovplatform.pilot import RegionConfig
from sovplatform.policy.engine import PolicyEngine
from sovplatform.records import Crossing, SignedDecision, Trust, now

if TYPE_CHECKING:
    from sovplatform.ledger import Ledger

POLICY = "sovplatform.channel"
_NOTHING_READ = Reading((), ())


class _Delivery(NamedTuple):
    """What came, and what the ledger keeps of it."""

    signed: SignedDecision
    subject: Subject
    details: Mapping[str, Any]


class Acceptance:
    """Judges what other regions' borders deliver to this one. May be shared by threads."""

    def __init__(
        self,
        config: RegionConfig,
        trust: Callable[[], Trust],
        *,
        ledger: Ledger,
        policy: PolicyEngine,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._config = config
        self._trust = trust
        self._ledger = ledger
        self._policy = policy
        self._clock = clock

    def screen(self, signed: SignedDecision, crossing: Crossing, *, peer: str) -> None:
        """What can be judged before a byte of the files is taken in: peer, decision, producer's signature, parties.

        Raises:
            Denied: refused, and recorded as such.
        """
        delivery = self._delivery(signed, crossing, Path(), _NOTHING_READ, peer)
        early = (DecisionInspector(signed, peer, self._ledger), PartiesInspector(), SignatureInspector())
        self._refuse_for(inspect_all(early, delivery.subject), delivery)

    def accept(self, signed: SignedDecision, crossing: Crossing, directory: Path, *, peer: str) -> None:
        """Accept the files in `directory`, delivered by `peer` (its SPIFFE ID in the TLS session); returns when recorded.

        The same decision on the same artifact a second time is accepted without a second entry.

        Raises:
            Denied: refused, and recorded as such; the reasons are what the auditor will read.
            LedgerUnwritable: it could not be recorded, so it is not accepted.
        """
        try:
            reading = read(directory, crossing.artifact)
        except OSError:
            reading = Reading((), ("its directory is a link or cannot be read",))
        delivery = self._delivery(signed, crossing, directory, reading, peer)
        inspectors: list[Inspector] = [DecisionInspector(signed, peer, self._ledger), PartiesInspector(), SignatureInspector()]
        inspectors += [FilesInspector(), FormatInspector(), TensorsInspector()]
        inspections = inspect_all(inspectors, delivery.subject)
        self._refuse_for(inspections, delivery)
        verdict = self._policy.evaluate(POLICY, document(delivery.subject, inspections))
        if not verdict.allow:
            raise self._refuse(delivery, verdict.reasons)
        self._record(delivery, verdict.rules)

    def _delivery(self, signed: SignedDecision, crossing: Crossing, directory: Path, reading: Reading, peer: str) -> _Delivery:
        digest = crossing.artifact.digest
        subject = Subject(crossing, digest, reading, directory, self._config, self._trust(), self._clock())
        details = {**crossing_details(crossing, digest, signed), "decision": signed.decision.id[:64], "peer": peer[:300]}
        return _Delivery(signed, subject, details)

    def _record(self, delivery: _Delivery, rules: tuple[str, ...]) -> None:
        details = {**delivery.details, "rules": list(rules)}
        key = acceptance_key(delivery.signed.decision)
        try:
            self._ledger.append(ACCEPTED, delivery.subject.digest, actor=self._actor(delivery), details=details, key=key)
        except Conflict as err:  # another thread accepted something else under it a moment ago
            raise self._refuse(delivery, ("the decision was already used for another artifact",)) from err

    def _refuse_for(self, inspections: dict[str, Inspection], delivery: _Delivery) -> None:
        reasons = [f"{name}: {readable(reason)}" for name, found in inspections.items() for reason in found.reasons]
        if reasons:
            raise self._refuse(delivery, tuple(reasons))

    def _refuse(self, delivery: _Delivery, reasons: tuple[str, ...]) -> Denied:
        details = {**delivery.details, "reasons": list(reasons)}
        self._ledger.append(REFUSED, delivery.subject.digest, actor=self._actor(delivery), details=details)
        artifact, own = delivery.subject.crossing.artifact, self._config.region.name
        return Denied(
            f"region {own} does not accept {artifact.kind.value} {readable(artifact.name)}",
            reasons=reasons,
            remedy=f"see channel.refused in the ledger of region {own}",
        )

    def _actor(self, delivery: _Delivery) -> str:
        own = delivery.subject.trust.regions.get(self._config.region.name)
        return f"spiffe://{own.trust_domain}/border" if own else f"border of {self._config.region.name}"
