"""The report of a run: what `sovctl run --json` and `sovctl status --json` print. The schema is these records'."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from sovplatform.records import EndpointStatus, Name, PrivacySpent, Record, RegionStatus


class StageState(StrEnum):
    done = "done"
    reused = "reused"
    waiting = "waiting"
    pending = "pending"


class StageReport(Record):
    """One stage: its state, seconds of this run, and one line of what came of it."""

    stage: str
    state: StageState
    seconds: float
    detail: str = ""


class CrossingReport(Record):
    """What left `source` for `destination`: number of crossings and bytes, by kind."""

    source: str
    destination: str
    kind: str
    count: int
    bytes: int


class RefusalReport(Record):
    """What the gate or a destination refused, and why."""

    source: str
    destination: str
    kind: str
    reason: str
    count: int


class QualityReport(Record):
    """One model's area under the ROC curve on the holdout. `where` tells who measured it and on what."""

    model: str
    auc: float
    where: str


class ServingReport(Record):
    """One endpoint: latency of one-row requests in milliseconds, over `requests`; and its status."""

    region: str
    endpoint: EndpointStatus
    requests: int = 0
    errors: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None


class LedgerReport(Record):
    """One region's ledger: entries, Merkle root (hex), and whether it verified."""

    region: str
    size: int
    root: str
    verified: bool
    problem: str = ""


class WeekReport(Record):
    """One week of the infrastructure: its stacks that were applied, and those that are still to be, with what became of them."""

    week: int
    applied: tuple[str, ...] = ()
    left: Mapping[str, str] = {}


class RunReport(Record):
    """The whole of a run. `state` is `complete`, `waiting` (for people to approve the releases in `waiting`), `partial`, or
    `never run`: then `run` is empty."""

    pilot: Name
    pattern: str
    run: str
    state: str
    waiting: tuple[str, ...] = ()
    stages: tuple[StageReport, ...] = ()
    regions: tuple[RegionStatus, ...] = ()
    crossings: tuple[CrossingReport, ...] = ()
    refusals: tuple[RefusalReport, ...] = ()
    quality: tuple[QualityReport, ...] = ()
    epsilon: tuple[PrivacySpent, ...] = ()
    serving: tuple[ServingReport, ...] = ()
    ledger: tuple[LedgerReport, ...] = ()
    infrastructure: tuple[WeekReport, ...] = ()
