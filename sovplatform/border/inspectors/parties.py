"""Who sends, who receives, and what for: both are regions of this pilot, as they were pinned."""

from __future__ import annotations

import re

from sovplatform.border.inspection import Inspection, Subject
from sovplatform.records import RegionSpec, Trust

PURPOSE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,119}", re.ASCII)


class PartiesInspector:
    """On the way out this region is the source, on the way in the destination."""

    name = "parties"

    def inspect(self, subject: Subject) -> Inspection:
        crossing, own = subject.crossing, subject.config.region
        reasons = []
        if crossing.source == crossing.destination:
            reasons.append("source and destination are one region")
        if own.name not in (crossing.source, crossing.destination):
            reasons.append(f"it neither leaves nor enters region {own.name}")
        specs = {spec.name: spec for spec in (own, *subject.config.peers)}
        for name in (crossing.source, crossing.destination):
            spec = specs.get(name)
            if spec is None:
                reasons.append(f"region {name} is not in this pilot")
            elif not _pinned(spec, subject.trust):
                reasons.append(f"region {name} is not pinned as {spec.role.value} in {spec.jurisdiction}")
        if not PURPOSE.fullmatch(crossing.purpose):
            reasons.append("its purpose is not stated in plain words")
        return Inspection(tuple(reasons))


def _pinned(spec: RegionSpec, trust: Trust) -> bool:
    known = trust.regions.get(spec.name)
    return known is not None and (known.region, known.jurisdiction, known.role) == (spec.name, spec.jurisdiction, spec.role)
