"""What one ledger tells: what left and came in, what was refused and why, privacy spent, releases and who approved them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sovplatform.ledger.entry import Entry
from sovplatform.runreport import CrossingReport, RefusalReport

_MOST_REASON = 300


@dataclass
class ReleaseTally:
    """One release in one region: its proposer, its approvers, and what became of it."""

    id: str
    artifact: str = ""
    proposer: str = ""
    approvers: list[str] = field(default_factory=list)
    history: list[tuple[datetime, str, str]] = field(default_factory=list)


@dataclass
class Reservation:
    """One training's or evaluation's use of a part of a dataset. `released` counts the steps that left."""

    name: str
    dataset: str
    partition: str = ""
    noise_multiplier: float = 0.0
    sampling_rate: float = 0.0
    steps: int = 0
    released: int = 0


@dataclass
class Budget:
    """A dataset's ε at δ as the ledger last recorded it, and its limit; 0 for a limit that the ledger does not tell."""

    dataset: str
    epsilon: float = 0.0
    delta: float = 0.0
    limit: float = 0.0


@dataclass(frozen=True)
class Passage:
    """One artifact's passage of a border, as one side recorded it."""

    decision: str
    artifact: str
    kind: str
    source: str
    destination: str
    size: int


@dataclass
class Tally:
    """The account of one region. Details that are missing or of a wrong type count as unknown, and never stop a report."""

    size: int = 0
    first: datetime | None = None
    last: datetime | None = None
    events: Counter[str] = field(default_factory=Counter)
    allowed: list[Passage] = field(default_factory=list)
    delivered: list[Passage] = field(default_factory=list)
    accepted: list[Passage] = field(default_factory=list)
    refused: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
    overdrafts: Counter[tuple[str, str]] = field(default_factory=Counter)
    releases: dict[str, ReleaseTally] = field(default_factory=dict)
    times: dict[int, datetime] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        self.size += 1
        self.first = self.first or entry.at
        self.last = entry.at
        self.events[entry.event] += 1
        handler = _HANDLERS.get(entry.event) or _HANDLERS.get(f"{entry.event.partition('.')[0]}.*")
        if handler is not None:
            handler(self, entry, entry.details)

    @property
    def refusals(self) -> tuple[RefusalReport, ...]:
        """Most frequent first."""
        ordered = sorted(self.refused.items(), key=lambda item: (-item[1], item[0]))
        return tuple(
            RefusalReport(source=source, destination=destination, kind=kind, reason=reason, count=count)
            for (source, destination, kind, reason), count in ordered
        )


def crossings(passages: Iterable[Passage]) -> tuple[CrossingReport, ...]:
    """Passages counted by source, destination and kind."""
    count: Counter[tuple[str, str, str]] = Counter()
    size: Counter[tuple[str, str, str]] = Counter()
    for passage in passages:
        key = (passage.source, passage.destination, passage.kind)
        count[key] += 1
        size[key] += passage.size
    return tuple(
        CrossingReport(source=key[0], destination=key[1], kind=key[2], count=count[key], bytes=size[key]) for key in sorted(count)
    )


def _passage(entry: Entry, details: Mapping[str, Any]) -> Passage:
    return Passage(
        decision=_text(details, "decision"),
        artifact=_text(details, "artifact") or entry.subject,
        kind=_text(details, "kind") or "unknown",
        source=_text(details, "source"),
        destination=_text(details, "destination"),
        size=int(_number(details, "size")),
    )


def _allowed(tally: Tally, entry: Entry, details: Mapping[str, Any]) -> None:
    tally.allowed.append(_passage(entry, details))


def _delivered(tally: Tally, entry: Entry, details: Mapping[str, Any]) -> None:
    tally.delivered.append(_passage(entry, details))


def _accepted(tally: Tally, entry: Entry, details: Mapping[str, Any]) -> None:
    tally.accepted.append(_passage(entry, details))


def _refused(tally: Tally, entry: Entry, details: Mapping[str, Any]) -> None:
    passage = _passage(entry, details)
    tally.refused[passage.source, passage.destination, passage.kind, _reasons(details)] += 1


def _reserved(tally: Tally, entry: Entry, details: Mapping[str, Any]) -> None:
    nested = details.get("plan")
    plan: Mapping[str, Any] = nested if isinstance(nested, dict) else details
    name = _text(plan, "reservation") or entry.subject
    dataset = _text(plan, "dataset")
    tally.reservations[name] = Reservation(
        name=name,
        dataset=dataset,
        partition=_text(plan, "partition"),
        noise_multiplier=_number(plan, "noise_multiplier"),
        sampling_rate=_number(plan, "sampling_rate"),
        steps=int(_number(plan, "steps")),
    )
    budget = tally.budgets.setdefault(dataset, Budget(dataset))
    budget.epsilon = max(budget.epsilon, _number(details, "epsilon"))
    budget.delta = max(budget.delta, _number(plan, "delta"))
    budget.limit = _number(details, "limit") or budget.limit


def _stepped(tally: Tally, entry: Entry, details: Mapping[str, Any]) -> None:
    reservation = tally.reservations.get(_text(details, "reservation"))
    if reservation is not None:
        reservation.released += 1


def _overdrawn(tally: Tally, entry: Entry, details: Mapping[str, Any]) -> None:
    plan = details.get("plan")
    dataset = _text(plan, "dataset") if isinstance(plan, dict) else _text(details, "dataset")
    tally.overdrafts[dataset or entry.subject, _reasons(details)] += 1


def _release(tally: Tally, entry: Entry, details: Mapping[str, Any]) -> None:
    release = tally.releases.setdefault(entry.subject, ReleaseTally(entry.subject))
    release.artifact = _text(details, "artifact") or release.artifact
    verb = entry.event.partition(".")[2]
    if verb == "proposed":
        release.proposer = _text(details, "proposer") or entry.actor
    if verb == "approved":
        named = details.get("approvers")
        found = [str(name) for name in named] if isinstance(named, list) else [_text(details, "approver") or entry.actor]
        release.approvers += [name for name in found if name not in release.approvers]
    release.history.append((entry.at, verb, _text(details, "actor") or _text(details, "approver") or entry.actor))


_HANDLERS: Mapping[str, Callable[[Tally, Entry, Mapping[str, Any]], None]] = {
    "gate.allowed": _allowed,
    "gate.denied": _refused,
    "gate.delivered": _delivered,
    "channel.accepted": _accepted,
    "channel.refused": _refused,
    "privacy.reserved": _reserved,
    "privacy.step": _stepped,
    "privacy.released": _stepped,
    "privacy.refused": _overdrawn,
    "release.*": _release,
}


def _reasons(details: Mapping[str, Any]) -> str:
    found = details.get("reasons")
    text = "; ".join(str(reason) for reason in found) if isinstance(found, list) else str(found or "")
    return text[:_MOST_REASON] or "no reason was recorded"


def _text(details: Mapping[str, Any], name: str) -> str:
    value = details.get(name)
    return value if isinstance(value, str) else ""


def _number(details: Mapping[str, Any], name: str) -> float:
    value = details.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0
