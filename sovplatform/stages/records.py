"""What the stages hand to each other. `summary` is the line that people see."""

from __future__ import annotations

from collections.abc import Mapping

from sovplatform.records import Digest, EndpointStatus, ModelVersion, PrivacyPlan, Record, RegionStatus, Release, ShapeContract
from sovplatform.runreport import QualityReport, ServingReport


class Plan(Record):
    """What will be done: the run's id, the tensors that may cross, and the privacy that it will cost.

    `epsilon` is what one region's training partition spends, as dp-accounting composes it.
    """

    run: str
    contract: ShapeContract
    statistics: ShapeContract
    training: Mapping[str, PrivacyPlan]
    evaluation: Mapping[str, PrivacyPlan]
    epsilon: float
    summary: str


class Deployment(Record):
    """The regions that are up, and the digest of the trust that all of them have pinned."""

    regions: tuple[RegionStatus, ...]
    trust: Digest
    summary: str


class Datasets(Record):
    """The datasets that are ready in their regions, each named by the digest of its encrypted form.

    `fallbacks` are the models of one region's data alone, by region: they serve there while the better one is late.
    """

    prepared: Mapping[str, Digest]
    fallbacks: Mapping[str, Digest]
    summary: str


class Candidate(Record):
    """A trained model: its artifact, accepted in every sovereign region, and its released quality.

    `auc` comes of DP histograms; `auc_error` is the standard error that their noise and the holdout's size give it.
    """

    run: str
    artifact: Digest
    parents: tuple[Digest, ...]
    rounds: int
    auc: float
    auc_error: float
    summary: str


class Signed(Record):
    """The model, and the local one, as registered with the sovereign key's signature in each region."""

    versions: Mapping[str, ModelVersion]
    fallbacks: Mapping[str, ModelVersion]
    summary: str


class Released(Record):
    """The releases that have their approvals, by region; `waiting` tells what people have still to do."""

    releases: Mapping[str, Release]
    fallbacks: Mapping[str, Release]
    waiting: tuple[str, ...] = ()
    summary: str


class Served(Record):
    """The endpoints after promotion; `waiting` are the releases that are not served yet, since nobody has approved them."""

    endpoints: Mapping[str, EndpointStatus]
    waiting: tuple[str, ...] = ()
    summary: str


class Health(Record):
    """How the endpoints answer, and how good the model is next to those that had no border to respect."""

    serving: tuple[ServingReport, ...]
    quality: tuple[QualityReport, ...]
    summary: str
