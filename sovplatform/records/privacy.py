"""What a DP mechanism says of a release, and what a training may spend of a dataset's budget."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from sovplatform.records.record import Record


class Mechanism(Record):
    """A DP mechanism on one partition of a dataset.

    `noise_multiplier` is the standard deviation of the noise over `clip_norm` (the L2 sensitivity of one record);
    `sampling_rate` the Poisson probability of a record's taking part. Terms as in Abadi et al., "Deep Learning with
    Differential Privacy", CCS 2016.
    """

    reservation: str
    dataset: str
    partition: str
    mechanism: str = "gaussian"
    clip_norm: float = Field(gt=0)
    noise_multiplier: float = Field(gt=0)
    sampling_rate: float = Field(gt=0, le=1)


class PrivacyEvidence(Mechanism):
    """What a DP mechanism says of one release, so that the gate can check it against a reservation.

    `step` counts from 0 and is below the reservation's `steps`.
    """

    step: int = Field(ge=0)


class PrivacyPlan(Mechanism):
    """A training's whole use of one partition of a dataset, charged before its first step leaves."""

    steps: int = Field(gt=0)
    delta: float = Field(gt=0, lt=1)


class PrivacySpent(Record):
    """Spent of a dataset's budget: ε at δ. Partitions are disjoint, so a dataset's ε is the largest of theirs."""

    dataset: str
    epsilon: float
    delta: float
    limit: float
    partitions: Mapping[str, float] = {}
