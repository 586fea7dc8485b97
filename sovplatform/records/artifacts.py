"""Artifacts: files with a manifest, and the tensors that a task has registered."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field, JsonValue

from sovplatform.labels import Label
from sovplatform.records.privacy import PrivacyEvidence
from sovplatform.records.record import Digest, Record


class Kind(StrEnum):
    """What an artifact is; the export rules name it. A `dataset` is raw data, which never crosses."""

    dataset = "dataset"
    update = "update"
    statistics = "statistics"
    model = "model"
    report = "report"


class FileEntry(Record):
    """One file of an artifact: path relative to the artifact's directory, size in bytes, SHA-256."""

    path: str
    size: int = Field(ge=0)
    sha256: Digest


class Artifact(Record):
    """A directory of files with a manifest. Its digest is its identity; its label says where it may rest.

    `producer` is the SPIFFE ID of the workload that made it; `parents` are the digests it was derived from; `round`
    is the training round of an update or of the parameters sent back.
    """

    kind: Kind
    name: str
    label: Label
    files: tuple[FileEntry, ...]
    producer: str
    task: str = ""
    run: str = ""
    round: int | None = None
    parents: tuple[Digest, ...] = ()
    privacy: PrivacyEvidence | None = None
    facts: Mapping[str, JsonValue] = {}

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.files)


class TensorSpec(Record):
    """Dtype (safetensors' words: F32, F64, I64 …) and shape of one tensor."""

    dtype: str
    shape: tuple[int, ...]


class ShapeContract(Record):
    """The registered task's tensors. An artifact with other names, shapes or dtypes is smuggling."""

    task: str
    tensors: Mapping[str, TensorSpec]
