"""The Pilot: what `pilot.yaml` says, as one frozen record. Reading and checking the file is `config.py`'s work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from sovplatform.labels import Label
from sovplatform.records import Name, Record, RegionSpec, Role, ShapeContract


class PrivacyBudget(Record):
    """The most that may ever be learnt of one record of a dataset: ε at δ, over all that leaves."""

    epsilon: float = Field(gt=0, le=20)
    delta: float = Field(gt=0, lt=1)


class DatasetSpec(Record):
    """Raw data of one region. `source` is a URI: `example:NAME?part=…` or `file:PATH.csv` (relative to the pilot)."""

    name: Name
    region: Name
    source: str
    label: Label
    budget: PrivacyBudget


class NumberFeature(Record):
    """A number with public bounds: values outside are clipped to them, so that scaling learns nothing of the data.

    `bins` are public thresholds in the column's unit, rising: which of the intervals between them a value is in becomes a
    feature beside the scaled value, so that a linear model can bend.
    """

    name: str
    type: Literal["number"]
    min: float
    max: float
    scale: Literal["linear", "log"] = "linear"
    bins: tuple[float, ...] = ()


class CategoryFeature(Record):
    """A category whose values are declared; anything else, and nothing, is encoded as none of them."""

    name: str
    type: Literal["category"]
    values: tuple[str, ...] = Field(min_length=1)


class Target(Record):
    """The column to predict, and the value that counts as 1."""

    column: str
    positive: str


class TaskSpec(Record):
    """What is learnt. `entrypoint` is `tabular` (configuration only) or `module:Class` of the pilot's own code.

    `identifiers` are columns that name people: they are stored encrypted and never become features.
    """

    name: Name
    entrypoint: str = "tabular"
    target: Target
    features: tuple[Annotated[NumberFeature | CategoryFeature, Field(discriminator="type")], ...] = Field(min_length=1)
    identifiers: tuple[str, ...] = ()
    settings: Mapping[str, JsonValue] = {}


class TrainingSpec(Record):
    """DP-SGD: `epsilon` at `delta` for each region's training partition, over all rounds together.

    `clip_norm` bounds one record's gradient (L2); `sampling_rate` is the Poisson probability that a record takes part
    in a round; `holdout` the share of records kept for evaluation; `seed` decides that split, never the noise.
    """

    epsilon: float = Field(gt=0, le=20)
    delta: float = Field(gt=0, lt=1)
    rounds: int = Field(gt=0, le=10_000)
    clip_norm: float = Field(gt=0)
    sampling_rate: float = Field(gt=0, le=1)
    learning_rate: float = Field(gt=0)
    momentum: float = Field(ge=0, lt=1, default=0.0)
    l2: float = Field(ge=0, default=0.0)
    holdout: float = Field(gt=0, lt=1, default=0.25)
    seed: int = 0
    memory_mb: int = Field(ge=0, default=2048)
    cpu_seconds: int = Field(ge=0, default=600)


class EvaluationSpec(Record):
    """Released quality: histograms of scores by label over the holdout, with noise for `epsilon` at `delta`."""

    epsilon: float = Field(gt=0, le=20, default=1.0)
    delta: float = Field(gt=0, lt=1, default=1e-5)
    bins: int = Field(ge=2, le=1000, default=20)


class ExportRule(Record):
    """What may leave: artifacts of `kind` from regions of role `source` to those of role `destination`, up to `max_bytes`."""

    kind: str
    source: Role
    destination: Role
    max_bytes: int = Field(gt=0)
    privacy: bool = False


class BorderSpec(Record):
    """The gate's settings. What no rule allows is denied. `rules` are directories of further Rego, which can only deny."""

    allow: tuple[ExportRule, ...]
    decision_ttl_seconds: int = Field(gt=0, le=86_400, default=300)
    rules: tuple[str, ...] = ()


class Approver(Record):
    """Somebody who may approve: a name and an ed25519 SSH public key (`ssh-ed25519 AAAA… comment`)."""

    name: Name
    key: str


class CanarySpec(Record):
    """How a release starts: `percent` of the requests; it is promoted after `requests` of them without an error."""

    percent: int = Field(ge=0, le=100, default=20)
    requests: int = Field(gt=0, default=200)


class ReleaseSpec(Record):
    """Who proposes, who approves, and for how long an approval holds. `repository` is a git repository in the pilot."""

    repository: str = "releases"
    proposer: Approver
    approvers: tuple[Approver, ...] = Field(min_length=1)
    approvals: int = Field(ge=1, default=1)
    approval_ttl_hours: float = Field(gt=0, default=72)
    canary: CanarySpec = CanarySpec()


class ServingSpec(Record):
    """Serving objectives: the 99th percentile of one-row requests, in milliseconds."""

    p99_ms: float = Field(gt=0, default=10.0)


class TrainingPoolSpec(Record):
    """GPUs that train: the family, how many nodes at most, and GPU-hours a month; spot only in the global fabric."""

    gpu: str = "L4"
    nodes: int = Field(ge=0, le=1000, default=4)
    hours: float = Field(ge=0, default=40)
    spot: bool = True


class ServingPoolSpec(Record):
    """Machines that serve: a GPU family, or none for CPUs, and between how many nodes it scales."""

    gpu: str = ""
    nodes_min: int = Field(ge=0, le=1000, default=1)
    nodes_max: int = Field(ge=1, le=1000, default=3)


class StorageSpec(Record):
    """What is kept: gigabytes of raw data and of artifacts, days that artifacts stay locked and audit trails are retained."""

    raw_gb: float = Field(ge=0, default=500)
    artifacts_gb: float = Field(ge=0, default=50)
    lock_days: int = Field(gt=0, default=90)
    audit_days: int = Field(gt=0, default=365)


class BudgetSpec(Record):
    """The most that a month may cost over all regions, who is told, and at which percentages."""

    amount: float = Field(gt=0, default=20_000)
    currency: Literal["EUR", "USD"] = "EUR"
    alerts: tuple[int, ...] = (50, 80, 100)
    contact: str = ""


class InfrastructureSpec(Record):
    """What the clouds are to provide for a pilot. `kubernetes` is the version of the clusters."""

    kubernetes: str = Field(pattern=r"^1\.\d+$", default="1.33")
    training: TrainingPoolSpec = TrainingPoolSpec()
    serving: ServingPoolSpec = ServingPoolSpec()
    storage: StorageSpec = StorageSpec()
    budget: BudgetSpec = BudgetSpec()


class Pilot(Record):
    """One pilot: regions, datasets, task, pattern, border rules, release rules, serving objectives."""

    name: Name
    pattern: Literal["sigt"]
    example: str = ""
    plugins: tuple[str, ...] = ()
    regions: tuple[RegionSpec, ...] = Field(min_length=1)
    datasets: tuple[DatasetSpec, ...]
    task: TaskSpec
    training: TrainingSpec
    evaluation: EvaluationSpec = EvaluationSpec()
    border: BorderSpec
    release: ReleaseSpec
    serving: ServingSpec = ServingSpec()
    infrastructure: InfrastructureSpec = InfrastructureSpec()

    def region(self, name: str) -> RegionSpec:
        return next(region for region in self.regions if region.name == name)

    @property
    def sovereign(self) -> tuple[RegionSpec, ...]:
        return tuple(region for region in self.regions if region.role is Role.sovereign)

    @property
    def fabric(self) -> RegionSpec:
        """The global region that trains."""
        return next(region for region in self.regions if region.role is Role.global_)


class RegionConfig(Record):
    """What one region needs to know of the pilot, and no more. The control plane delivers it; the region pins it."""

    pilot: Name
    region: RegionSpec
    peers: tuple[RegionSpec, ...]
    contract: ShapeContract
    statistics: ShapeContract | None = None
    datasets: tuple[DatasetSpec, ...]
    border: BorderSpec
    approvers: tuple[Approver, ...]
    approvals: int = 1
    proposer: Approver
    plugins: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
