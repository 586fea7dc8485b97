"""What goes over a border, and the gate's answer to it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import AwareDatetime, JsonValue

from sovplatform.labels import Label
from sovplatform.records.artifacts import Artifact, Kind
from sovplatform.records.keys import Signature
from sovplatform.records.record import Digest, Jurisdiction, Name, Record


class Crossing(Record):
    """A request to take one artifact over a border, for a stated purpose."""

    artifact: Artifact
    signature: Signature | None
    source: Name
    destination: Name
    purpose: str


class Decision(Record):
    """The gate's answer, bound to one digest, one source, one destination and one expiry."""

    id: str
    allow: bool
    reasons: tuple[str, ...]
    rules: tuple[str, ...]
    artifact: Digest
    kind: Kind
    label: Label
    size: int
    source: Name
    source_jurisdiction: Jurisdiction
    destination: Name
    destination_jurisdiction: Jurisdiction
    purpose: str
    evidence: Mapping[str, JsonValue] = {}
    issued_at: AwareDatetime
    expires_at: AwareDatetime


class SignedDecision(Record):
    """A decision with the signature of the source region's key `decisions` over its canonical JSON."""

    decision: Decision
    signature: Signature
