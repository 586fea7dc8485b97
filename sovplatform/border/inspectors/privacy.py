"""The evidence of a DP mechanism agrees with a reservation that was charged to this region's budget."""

from __future__ import annotations

from sovplatform.border.inspection import Inspection, Subject
from sovplatform.border.privacy import PrivacyAccount


class PrivacyInspector:
    """The rules demand evidence; this checks what is there."""

    name = "privacy"

    def __init__(self, account: PrivacyAccount) -> None:
        self._account = account

    def inspect(self, subject: Subject) -> Inspection:
        artifact = subject.crossing.artifact
        if artifact.privacy is None:
            return Inspection(facts={"evidence": False, "accounted": False})
        reasons = tuple(self._account.check(artifact.privacy, subject.digest))
        return Inspection(reasons, {"evidence": True, "accounted": not reasons})
