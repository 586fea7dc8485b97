"""The label says no less than what the artifact was made of, unless a declassifier lowered it; that must leave evidence.

What a sovereign region makes carries its dataset's label until a DP mechanism declassifies it. What a region makes of
things that came from elsewhere carries their labels: evidence about a dataset says nothing about those.
"""

from __future__ import annotations

from sovplatform.border.inspection import Inspection, Subject
from sovplatform.border.lineage import Lineage
from sovplatform.labels import PUBLIC, Label, join


class LabelsInspector:
    name = "labels"

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage

    def inspect(self, subject: Subject) -> Inspection:
        artifact, datasets = subject.crossing.artifact, subject.config.datasets
        evidence = artifact.privacy
        data = join(item.label for item in datasets if evidence is None or item.name == evidence.dataset)
        parents = {digest: self._lineage.label(digest) for digest in artifact.parents}
        inherited = join(label for label in parents.values() if label is not None)
        reasons = []
        if not inherited.flows_to(artifact.label):
            reasons.append(f"its label {artifact.label} says less than {inherited}, which it was made of")
        unknown = sum(label is None for label in parents.values())
        if unknown and not datasets:
            reasons.append(f"{unknown} of what it was made of never came in here")
        return Inspection(tuple(reasons), {"declassified": _lowered(data, artifact.label), "unknown_parents": unknown})


def _lowered(data: Label, label: Label) -> bool:
    return data != PUBLIC and not data.flows_to(label)
