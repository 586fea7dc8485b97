"""The privacy account: what has been promised of each dataset's budget, and what has left under which promise.

A training is charged whole before its first step leaves, so that no order of events can overspend. The ledger is the
account book; it is read again each time, so that a restart forgets nothing.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sovplatform.border.events import OVER_BUDGET, RELEASED, RESERVED
from sovplatform.errors import Conflict, Denied, LedgerCorrupt
from sovplatform.pilot import DatasetSpec, RegionConfig
from sovplatform.records import PrivacyEvidence, PrivacyPlan, PrivacySpent, digest_of

if TYPE_CHECKING:
    from sovplatform.ledger import Ledger

MECHANISMS = frozenset({"gaussian"})
PARTITIONS = frozenset({"train", "holdout"})
"""The disjoint parts of a dataset. A made-up further part would be a budget of its own."""

_SLACK = 1e-9  # of a limit: sums of floats are compared, not promises
_LOCKS: WeakKeyDictionary[Ledger, threading.Lock] = WeakKeyDictionary()
_LOCKS_LOCK = threading.Lock()


class PrivacyAccount:
    """The account of one region's datasets. Accounts over one ledger exclude each other while they charge."""

    def __init__(self, config: RegionConfig, ledger: Ledger) -> None:
        self._config = config
        self._ledger = ledger
        with _LOCKS_LOCK:
            self._lock = _LOCKS.setdefault(ledger, threading.Lock())

    def reserve(self, plan: PrivacyPlan, actor: str) -> PrivacySpent:
        """Charge the whole plan to its dataset's budget; the same plan a second time changes nothing.

        Raises:
            Denied: over budget, not this region's dataset, or the reservation exists with another content.
            LedgerUnwritable: it could not be recorded, so it is not reserved.
        """
        dataset = self._chargeable(plan)
        with self._lock:
            earlier = self._reservation(plan.reservation)
            if earlier is not None:
                if earlier != plan:
                    raise self._refuse(plan, actor, "it exists with another content")
                return self._spent(dataset, self._plans(plan.dataset))
            spent = self._spent(dataset, [*self._plans(plan.dataset), plan])
            if not spent.epsilon <= spent.limit * (1 + _SLACK):
                raise self._refuse(plan, actor, f"ε would be {spent.epsilon:.3f} of {spent.limit:g} at δ {spent.delta:g}")
            entry = self._ledger.append(
                RESERVED,
                plan.reservation,
                actor=actor,
                details={"plan": plan.model_dump(mode="json"), "epsilon": spent.epsilon, "limit": spent.limit},
                key=_reservation_key(plan.reservation),
            )
            if PrivacyPlan.model_validate(entry.details["plan"]) != plan:
                raise self._refuse(plan, actor, "it exists with another content")
            return spent

    def spent(self, dataset: str) -> PrivacySpent:
        """What all reservations of a dataset of this region come to.

        Raises:
            Denied: it is not this region's dataset.
        """
        return self._spent(self._dataset(dataset), self._plans(dataset))

    def check(self, evidence: PrivacyEvidence, artifact_digest: str) -> Sequence[str]:
        """What speaks against releasing the artifact under the evidence's reservation; nothing when all is well."""
        plan = self._reservation(evidence.reservation)
        if plan is None:
            return ["its privacy was never reserved"]
        reasons = []
        if evidence.dataset not in {item.name for item in self._config.datasets}:
            reasons.append(f"dataset {evidence.dataset} is not one of region {self._config.region.name}")
        for field in ("dataset", "partition", "mechanism", "clip_norm", "noise_multiplier", "sampling_rate"):
            if getattr(evidence, field) != getattr(plan, field):
                reasons.append(f"its {field.replace('_', ' ')} is not the reserved one")
        if evidence.step >= plan.steps:
            reasons.append(f"step {evidence.step} is beyond the {plan.steps} reserved")
        released = self._ledger.find(_step_key(evidence))
        if released is not None and released.subject != artifact_digest:
            reasons.append(f"step {evidence.step} was already released, with other noise")
        return reasons

    def release(self, evidence: PrivacyEvidence, artifact_digest: str, actor: str) -> str:
        """Use up one step of a reservation for this artifact; the answer is a reason when another artifact has it.

        Raises:
            LedgerUnwritable: it could not be recorded, so nothing may leave.
        """
        details = {"reservation": evidence.reservation, "dataset": evidence.dataset, "step": evidence.step}
        try:
            self._ledger.append(RELEASED, artifact_digest, actor=actor, details=details, key=_step_key(evidence))
        except Conflict:
            return f"step {evidence.step} was already released, with other noise"
        return ""

    def _refuse(self, plan: PrivacyPlan, actor: str, reason: str) -> Denied:
        details = {"plan": plan.model_dump(mode="json"), "reasons": [reason]}
        self._ledger.append(OVER_BUDGET, plan.reservation, actor=actor, details=details)
        return Denied(
            f"reservation {plan.reservation} of dataset {plan.dataset}",
            reasons=[reason],
            remedy="train with more noise or fewer rounds, or have the dataset's owner raise its budget",
        )

    def _chargeable(self, plan: PrivacyPlan) -> DatasetSpec:
        dataset = self._dataset(plan.dataset)
        if plan.partition not in PARTITIONS:
            raise Denied(
                f"dataset {plan.dataset} has no partition {plan.partition}",
                remedy=f"charge one of {', '.join(sorted(PARTITIONS))}",
            )
        if plan.mechanism not in MECHANISMS:
            raise Denied(f"nobody accounts for mechanism {plan.mechanism}", remedy=f"use {', '.join(sorted(MECHANISMS))}")
        return dataset

    def _dataset(self, name: str) -> DatasetSpec:
        for dataset in self._config.datasets:
            if dataset.name == name and dataset.region == self._config.region.name:
                return dataset
        raise Denied(f"dataset {name} is not one of region {self._config.region.name}", remedy="charge it where it rests")

    def _reservation(self, name: str) -> PrivacyPlan | None:
        entry = self._ledger.find(_reservation_key(name))
        if entry is None:
            return None
        if entry.event != RESERVED:
            raise LedgerCorrupt(f"entry {entry.index} stands where reservation {name} should", remedy="run the audit")
        return PrivacyPlan.model_validate(entry.details["plan"])

    def _plans(self, dataset: str) -> list[PrivacyPlan]:
        """All reservations of a dataset. Every entry under the event's name counts: a forged one can only cost budget."""
        plans = [PrivacyPlan.model_validate(entry.details["plan"]) for entry in self._ledger.entries(event=RESERVED)]
        return [plan for plan in plans if plan.dataset == dataset]

    def _spent(self, dataset: DatasetSpec, plans: Sequence[PrivacyPlan]) -> PrivacySpent:
        from sovplatform import privacy

        delta = dataset.budget.delta
        partitions = {
            name: privacy.epsilon([plan for plan in plans if plan.partition == name], delta)
            for name in sorted({plan.partition for plan in plans})
        }
        epsilon = max(partitions.values(), default=0.0)
        if math.isnan(epsilon):
            raise Denied(f"what dataset {dataset.name} has spent cannot be told", remedy="use noise that can be accounted for")
        return PrivacySpent(
            dataset=dataset.name, epsilon=epsilon, delta=delta, limit=dataset.budget.epsilon, partitions=partitions
        )


def _reservation_key(name: str) -> str:
    return f"privacy.reservation/{digest_of(name.encode())}"


def _step_key(evidence: PrivacyEvidence) -> str:
    return f"privacy.step/{digest_of(evidence.reservation.encode())}/{evidence.step}"
