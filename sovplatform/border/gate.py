"""The gate: the one function through which anything leaves a region."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue, ValidationError

from sovplatform import signing
from sovplatform.border.events import ALLOWED, DENIED, crossing_details
from sovplatform.border.inspection import Inspection, Inspector, Subject, document, inspect_all
from sovplatform.border.inspectors.decision import DECISIONS
from sovplatform.border.inspectors.files import FilesInspector
from sovplatform.border.inspectors.format import FormatInspector
from sovplatform.border.inspectors.labels import LabelsInspector
from sovplatform.border.inspectors.parties import PartiesInspector
from sovplatform.border.inspectors.privacy import PrivacyInspector
from sovplatform.border.inspectors.signature import SignatureInspector
from sovplatform.border.inspectors.tensors import TensorsInspector
from sovplatform.border.lineage import Lineage
from sovplatform.border.privacy import PrivacyAccount
from sovplatform.border.reading import Reading, read
from sovplatform.errors import SignatureInvalid, SovError
from sovplatform.pilot import RegionConfig
from sovplatform.policy.engine import PolicyEngine, Verdict
from sovplatform.records import Crossing, Decision, SignedDecision, Trust, canonical, digest_of, now

if TYPE_CHECKING:
    from sovplatform.interfaces.keystore import KeyStore
    from sovplatform.ledger import Ledger

POLICY = "sovplatform.border"
UNKNOWN_JURISDICTION = "ZZ"  # user-assigned in ISO 3166-1: no country's


class Gate:
    """One region's gate. May be shared by threads.

    `trust` is asked each time, so that a peer that was dropped is a stranger from then on. Further `inspectors` can only add
    reasons against a crossing.
    """

    def __init__(
        self,
        config: RegionConfig,
        trust: Callable[[], Trust],
        *,
        ledger: Ledger,
        keystore: KeyStore,
        policy: PolicyEngine,
        inspectors: Sequence[Inspector] = (),
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._config = config
        self._config_digest = config.digest
        self._trust = trust
        self._ledger = ledger
        self._keystore = keystore
        self._policy = policy
        self._clock = clock
        self._account = PrivacyAccount(config, ledger)
        self._inspectors: tuple[Inspector, ...] = (
            PartiesInspector(),
            FilesInspector(),
            FormatInspector(),
            TensorsInspector(),
            LabelsInspector(Lineage(ledger)),
            SignatureInspector(),
            PrivacyInspector(self._account),
            *inspectors,
        )

    def decide(self, crossing: Crossing, directory: Path) -> SignedDecision:
        """Decide whether the artifact in `directory` may make the crossing; the answer is signed and recorded.

        Each file is read once. The same crossing, while an earlier yes holds and everything still speaks for it, gets that
        decision again; a no is decided and recorded anew each time. The answer says nothing of files that change after
        this returns: whoever sends them hashes what is sent, and the destination compares it with the decision's digest.

        Raises:
            LedgerUnwritable, Unavailable, …: the decision could not be recorded or signed, so there is none.
        """
        subject = self._subject(crossing, directory)
        inspections = inspect_all(self._inspectors, subject)
        verdict = self._judge(subject, inspections)
        if not verdict.allow:
            return self._deny(subject, inspections, verdict)
        earlier, number = self._earlier(subject)
        if earlier is not None:
            return earlier
        if crossing.artifact.privacy is not None:
            taken = self._account.release(crossing.artifact.privacy, subject.digest, self._actor(subject.trust))
            if taken:
                return self._deny(subject, inspections, Verdict(False, (f"privacy: {taken}",), ("privacy.step",)))
        signed = self._sign(subject, inspections, verdict)
        return self._record(ALLOWED, subject, signed, key=_key(subject, number))

    def _subject(self, crossing: Crossing, directory: Path) -> Subject:
        try:
            trust = self._trust()
        except (SovError, OSError, ValueError):
            trust = Trust(pilot=self._config.pilot, regions={})  # nobody is known then, and the inspectors say so
        try:
            reading = read(directory, crossing.artifact)
        except OSError:
            reading = Reading((), ("its directory is a link or cannot be read",))
        return Subject(crossing, crossing.artifact.digest, reading, directory, self._config, trust, self._clock())

    def _judge(self, subject: Subject, inspections: Mapping[str, Inspection]) -> Verdict:
        verdict = self._policy.evaluate(POLICY, document(subject, inspections))
        against = [name for name, found in inspections.items() if found.reasons]
        if verdict.allow and against:  # the rules say so too; this holds even when somebody changed them
            return Verdict(False, tuple(f"{name}: {inspections[name].reasons[0]}" for name in against), ("inspection",))
        return verdict

    def _earlier(self, subject: Subject) -> tuple[SignedDecision | None, int]:
        """An earlier yes that still holds, and the number that the next decision on this crossing has."""
        number, found = 0, None
        while entry := self._ledger.find(_key(subject, number)):
            number, found = number + 1, entry
        if found is None or found.event != ALLOWED:
            return None, number
        try:
            signed = SignedDecision.model_validate(found.details.get("signed"))
            own = subject.trust.regions[self._config.region.name]
            signing.verify(signed.signature, signed.decision.canonical(), own.keys[DECISIONS])
        except (ValidationError, SignatureInvalid, KeyError):
            return None, number
        decision, crossing = signed.decision, subject.crossing
        asked = (subject.digest, crossing.source, crossing.destination, crossing.purpose)
        same = (decision.artifact, decision.source, decision.destination, decision.purpose) == asked
        left = decision.expires_at - subject.at
        return (signed if same and decision.allow and left > self._ttl / 10 else None), number

    def _deny(self, subject: Subject, inspections: Mapping[str, Inspection], verdict: Verdict) -> SignedDecision:
        return self._record(DENIED, subject, self._sign(subject, inspections, verdict), key=None)

    def _sign(self, subject: Subject, inspections: Mapping[str, Inspection], verdict: Verdict) -> SignedDecision:
        crossing = subject.crossing
        artifact = crossing.artifact
        jurisdictions = {spec.name: spec.jurisdiction for spec in (self._config.region, *self._config.peers)}
        evidence: dict[str, JsonValue] = {
            "producer": artifact.producer,
            "run": artifact.run,
            "round": artifact.round,
            "privacy": artifact.privacy.model_dump(mode="json") if artifact.privacy else None,
            "inspected": {name: not found.reasons for name, found in inspections.items()},
            "config": self._config_digest,
        }
        decision = Decision(
            id=uuid.uuid4().hex,
            allow=verdict.allow,
            reasons=verdict.reasons,
            rules=verdict.rules,
            artifact=subject.digest,
            kind=artifact.kind,
            label=artifact.label,
            size=artifact.size,
            source=crossing.source,
            source_jurisdiction=jurisdictions.get(crossing.source, UNKNOWN_JURISDICTION),
            destination=crossing.destination,
            destination_jurisdiction=jurisdictions.get(crossing.destination, UNKNOWN_JURISDICTION),
            purpose=crossing.purpose,
            evidence=evidence,
            issued_at=subject.at,
            expires_at=subject.at + self._ttl,
        )
        return SignedDecision(decision=decision, signature=self._keystore.sign(DECISIONS, decision.canonical()))

    def _record(self, event: str, subject: Subject, signed: SignedDecision, *, key: str | None) -> SignedDecision:
        details: dict[str, Any] = {
            **crossing_details(subject.crossing, subject.digest, signed),
            "reasons": list(signed.decision.reasons),
            "rules": list(signed.decision.rules),
            "signed": signed.model_dump(mode="json"),
        }
        entry = self._ledger.append(event, subject.digest, actor=self._actor(subject.trust), details=details, key=key)
        return SignedDecision.model_validate(entry.details["signed"])  # the first one, when two asked at once

    @property
    def _ttl(self) -> timedelta:
        return timedelta(seconds=self._config.border.decision_ttl_seconds)

    def _actor(self, trust: Trust) -> str:
        own = trust.regions.get(self._config.region.name)
        return f"spiffe://{own.trust_domain}/border" if own else f"border of {self._config.region.name}"


def _key(subject: Subject, number: int) -> str:
    crossing = subject.crossing
    what = [subject.digest, crossing.source, crossing.destination, crossing.purpose]
    return f"gate.allowed/{digest_of(canonical(what))}/{number}"
