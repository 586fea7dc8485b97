"""The tensors are those that were registered for the task; anything else is smuggling."""

from __future__ import annotations

from sovplatform.border.inspection import Inspection, Subject
from sovplatform.pilot import RegionConfig
from sovplatform.records import Kind, ShapeContract, TensorSpec


class TensorsInspector:
    name = "tensors"

    def inspect(self, subject: Subject) -> Inspection:
        artifact = subject.crossing.artifact
        found: dict[str, TensorSpec] = {}
        reasons = []
        for file in subject.reading.files:
            if found.keys() & file.tensors.keys():
                reasons.append("a tensor is in two files")
            found.update(file.tensors)
        if artifact.kind in (Kind.update, Kind.statistics) or found:
            contract = _contract(artifact.kind, subject.config)
            reasons += _compare(found, artifact.task, contract)
        return Inspection(tuple(reasons), {"count": len(found)})


def _contract(kind: Kind, config: RegionConfig) -> ShapeContract | None:
    if kind is Kind.statistics:
        return config.statistics
    return config.contract if kind in (Kind.update, Kind.model) else None


def _compare(found: dict[str, TensorSpec], task: str, contract: ShapeContract | None) -> list[str]:
    if contract is None:
        return ["no tensors are registered for this kind of artifact"]
    declared = dict(contract.tensors)
    reasons = []
    if task != contract.task:
        reasons.append("it is for another task than the registered one")
    if extra := len(found.keys() - declared.keys()):
        reasons.append(f"{extra} tensors are not registered for task {contract.task}")
    if missing := len(declared.keys() - found.keys()):
        reasons.append(f"{missing} tensors of task {contract.task} are missing")
    reasons += [
        f"tensor {name} is {found[name].dtype}{list(found[name].shape)}, registered is {spec.dtype}{list(spec.shape)}"
        for name, spec in sorted(declared.items())
        if name in found and found[name] != spec
    ][:5]
    return reasons
