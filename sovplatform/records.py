"""The frozen records that travel between stages, regions and the ledger.

Every record is strict (an unknown key is an error), immutable, and has a digest: SHA-256 over its canonical JSON
(RFC 8785), so the same content has the same identity in every process and every region.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Self

import rfc8785
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from sovplatform.labels import Label

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Jurisdiction = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


def now() -> datetime:
    """The present moment, in UTC, to the microsecond."""
    return datetime.now(UTC)


def canonical(value: Any) -> bytes:
    """RFC 8785 canonical JSON of JSON-like data."""
    return rfc8785.dumps(value)


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Record(BaseModel):
    """Base of all records: frozen, strict, canonical."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def canonical(self) -> bytes:
        return canonical(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        return digest_of(self.canonical())

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        return cls.model_validate_json(data)


# -- places -------------------------------------------------------------------------------------------------------


class Role(StrEnum):
    """What a region is for: `sovereign` holds raw data, `global` trains, `edge` serves only."""

    sovereign = "sovereign"
    global_ = "global"
    edge = "edge"


class RegionSpec(Record):
    """A place with a jurisdiction (ISO 3166-1 alpha-2), a role and the provider that makes it."""

    name: Name
    jurisdiction: Jurisdiction
    role: Role
    provider: str
    settings: Mapping[str, JsonValue] = {}


class RegionTrust(Record):
    """What others must know to believe a region: its trust domain, CA certificates and public keys (PEM)."""

    region: Name
    jurisdiction: Jurisdiction
    role: Role
    trust_domain: str
    bundle: str
    jwt_keys: Mapping[str, str] = {}
    keys: Mapping[str, str]
    channel: str = ""


class Trust(Record):
    """The pinned trust of a whole pilot. Every region holds its own copy, delivered when it was provisioned."""

    pilot: Name
    regions: Mapping[str, RegionTrust]


# -- artifacts ----------------------------------------------------------------------------------------------------


class Kind(StrEnum):
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


class PrivacyEvidence(Record):
    """What a DP mechanism says of one release, so that the gate can check it against a reservation.

    `noise_multiplier` is the standard deviation of the noise over `clip_norm` (the L2 sensitivity of one record);
    `sampling_rate` the Poisson probability of a record's taking part; `step` counts from 0 and is below the
    reservation's `steps`. Terms as in Abadi et al., "Deep Learning with Differential Privacy", CCS 2016.
    """

    reservation: str
    dataset: str
    partition: str
    mechanism: str = "gaussian"
    clip_norm: float = Field(gt=0)
    noise_multiplier: float = Field(gt=0)
    sampling_rate: float = Field(gt=0, le=1)
    step: int = Field(ge=0)


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


# -- the border ---------------------------------------------------------------------------------------------------


class Signature(Record):
    """A detached signature: the key's URI, algorithm, and base64 of the bytes (ECDSA as ASN.1 DER)."""

    key: str
    algorithm: str
    value: str


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
    decision: Decision
    signature: Signature


# -- privacy ------------------------------------------------------------------------------------------------------


class PrivacyPlan(Record):
    """A training's whole use of one partition of a dataset, charged before its first step leaves."""

    reservation: str
    dataset: str
    partition: str
    mechanism: str = "gaussian"
    clip_norm: float = Field(gt=0)
    noise_multiplier: float = Field(gt=0)
    sampling_rate: float = Field(gt=0, le=1)
    steps: int = Field(gt=0)
    delta: float = Field(gt=0, lt=1)


class PrivacySpent(Record):
    """Spent of a dataset's budget: ε at δ. Partitions are disjoint, so a dataset's ε is the largest of theirs."""

    dataset: str
    epsilon: float
    delta: float
    limit: float
    partitions: Mapping[str, float] = {}


# -- jobs ---------------------------------------------------------------------------------------------------------


class JobState(StrEnum):
    pending = "pending"
    running = "running"
    succeeded = "succeeded"
    failed = "failed"
    cancelled = "cancelled"

    @property
    def finished(self) -> bool:
        return self in (JobState.succeeded, JobState.failed, JobState.cancelled)


class JobSpec(Record):
    """Work to be done inside a region.

    `entrypoint` is `module:function`, called with the job's context: in a node a `sovplatform.jobs.context.JobContext`, with
    every trainer an object that has `config` and `directory`. What it returns, a mapping or None, is the job's result.
    `identity` is the last part of the job's SPIFFE ID (`spiffe://<trust domain>/job/<identity>`); `memory_mb` and
    `cpu_seconds` are hard limits, 0 for none. Two submissions with one `id` are one job.
    """

    id: Name
    entrypoint: str
    identity: str
    config: Mapping[str, JsonValue] = {}
    memory_mb: int = 0
    cpu_seconds: int = 0


class Job(Record):
    id: Name
    state: JobState
    message: str = ""
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    result: Mapping[str, JsonValue] = {}


# -- keys, models, releases -----------------------------------------------------------------------------------------


class KeyPurpose(StrEnum):
    """`sign` is ECDSA P-256; `seal` Ed25519, for checkpoints; `wrap` AES-256-GCM, for data keys."""

    sign = "sign"
    seal = "seal"
    wrap = "wrap"


class KeyFacts(Record):
    """What the key service attests of a key. `public_keys` maps a version to PEM, oldest first; empty for `wrap`."""

    uri: str
    purpose: KeyPurpose
    algorithm: str
    region: str
    jurisdiction: str
    exportable: bool
    protection: str
    version: int
    public_keys: Mapping[str, str] = {}


class DataKey(Record):
    """A data key under envelope encryption: the wrapped form is stored beside the data, never the plain one."""

    key: str
    wrapped: str


class ModelVersion(Record):
    """One immutable version in a registry. `signature` and `provenance` are the documents themselves (JSON text)."""

    name: str
    version: int = Field(ge=1)
    artifact: Digest
    signature: str
    provenance: str
    uri: str
    created_at: AwareDatetime
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = {}


class Approval(Record):
    """Somebody's word for a release: an SSH signature (SSHSIG, namespace `sovplatform-release`) over its digest."""

    approver: str
    signature: str
    at: AwareDatetime
    expires_at: AwareDatetime


class Release(Record):
    """One signed model version plus how to serve it in one region: the desired state that people approve."""

    id: Name
    region: Name
    model: str
    version: int
    artifact: Digest
    proposer: str
    proposed_at: AwareDatetime
    canary_percent: int = Field(ge=0, le=100)
    note: str = ""


class ServedModel(Record):
    """A model directory to serve, what proves it, and who said yes to it.

    The server checks all three again before it loads a byte: the OpenSSF signature at `signature` against `key` (PEM), and the
    approvals against the region's approvers.
    """

    release: Release
    directory: str
    signature: str
    key: str
    approvals: tuple[Approval, ...] = ()


class ServingState(Record):
    """What one endpoint shall serve. `canary` gets `percent` of the requests; 0 without a canary."""

    name: str
    stable: ServedModel | None = None
    canary: ServedModel | None = None
    percent: int = Field(default=0, ge=0, le=100)
    approvers: Mapping[str, str] = {}
    generation: int = Field(default=0, ge=0)


class EndpointStatus(Record):
    """What an endpoint serves now. `observed` is the generation last acted on; `refused` why a model was not loaded."""

    name: str
    ready: bool
    url: str
    observed: int = 0
    stable: str = ""
    canary: str = ""
    percent: int = 0
    refused: str = ""


class RegionStatus(Record):
    """How a region is: is it up, where its services answer, and what is wrong."""

    region: Name
    up: bool
    endpoints: Mapping[str, str] = {}
    problems: tuple[str, ...] = ()


class Finding(Record):
    """One thing that a check looked at: what, whether it holds, and what to do when not.

    `setting` is the one of the region's settings that is missing or wrong, when that is what the finding is about.
    """

    check: str
    ok: bool
    detail: str = ""
    remedy: str = ""
    setting: str = ""
