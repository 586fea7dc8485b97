"""The artifact is signed by a job of its source, with the key that was pinned for that."""

from __future__ import annotations

from sovplatform import signing
from sovplatform.border.inspection import Inspection, Subject
from sovplatform.errors import SignatureInvalid

PRODUCERS = "artifacts"


class SignatureInspector:
    name = "signature"

    def inspect(self, subject: Subject) -> Inspection:
        crossing = subject.crossing
        source = subject.trust.regions.get(crossing.source)
        if source is None or PRODUCERS not in source.keys:
            return Inspection((f"no key of the producers of region {crossing.source} is pinned",))
        if not crossing.artifact.producer.startswith(f"spiffe://{source.trust_domain}/"):
            return Inspection((f"its producer is not a workload of region {crossing.source}",))
        if crossing.signature is None:
            return Inspection(("it is not signed",))
        try:
            signing.verify(crossing.signature, subject.digest.encode(), source.keys[PRODUCERS])
        except SignatureInvalid:
            return Inspection(("its producer's signature does not verify",))
        return Inspection()
