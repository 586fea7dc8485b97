"""What the border writes into the ledger. Only the border may: these names are refused when a caller asks to record them."""

from __future__ import annotations

from typing import Any

from sovplatform.records import Crossing, SignedDecision

ALLOWED = "gate.allowed"
DENIED = "gate.denied"
ACCEPTED = "channel.accepted"
REFUSED = "channel.refused"
RESERVED = "privacy.reserved"
OVER_BUDGET = "privacy.refused"
RELEASED = "privacy.released"


def crossing_details(crossing: Crossing, digest: str, signed: SignedDecision) -> dict[str, Any]:
    """The metadata of a crossing: what (`digest` is the artifact's), whence, whither, what for."""
    artifact = crossing.artifact
    return {
        "decision": signed.decision.id,
        "artifact": digest,
        "kind": artifact.kind.value,
        "name": artifact.name[:200],
        "size": artifact.size,
        "label": artifact.label.model_dump(mode="json"),
        "source": crossing.source,
        "destination": crossing.destination,
        "purpose": crossing.purpose[:200],
        "run": artifact.run[:200],
        "round": artifact.round,
    }
