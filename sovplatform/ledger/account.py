"""The account of a whole pilot: every region's tally and verification, and whether both sides of each border agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from sovplatform.errors import SovError
from sovplatform.ledger.checkpoint import Checkpoint
from sovplatform.ledger.crosscheck import verify_copies
from sovplatform.ledger.entry import stored
from sovplatform.ledger.figures import short_digest
from sovplatform.ledger.operator import OperatorLedger
from sovplatform.ledger.tally import Passage, Tally, crossings
from sovplatform.ledger.verify import Copy
from sovplatform.records import RegionTrust, Role, Trust, now
from sovplatform.runreport import CrossingReport, LedgerReport

_ORDER = {Role.sovereign: 0, Role.global_: 1, Role.edge: 2}


@dataclass
class RegionAccount:
    """One region: what it is, what its ledger tells, whether that verified, and its checkpoints with their entries' times."""

    trust: RegionTrust
    ledger: LedgerReport
    tally: Tally = field(default_factory=Tally)
    checkpoints: list[tuple[Checkpoint, datetime | None]] = field(default_factory=list)
    left: tuple[CrossingReport, ...] = ()
    came: tuple[CrossingReport, ...] = ()

    @property
    def name(self) -> str:
        return self.trust.region


@dataclass
class Account:
    """All regions of a pilot, and the operator's journal, if there is one. `disagreements` are crossings that only one side
    knows of.
    """

    pilot: str
    at: datetime
    regions: tuple[RegionAccount, ...]
    strangers: tuple[LedgerReport, ...]
    disagreements: tuple[str, ...]
    matched: int
    operator: OperatorLedger | None = None

    @property
    def verified(self) -> bool:
        journal = self.operator is None or self.operator.report.verified
        return journal and not self.strangers and all(region.ledger.verified for region in self.regions)

    @property
    def flows(self) -> tuple[CrossingReport, ...]:
        return tuple(flow for region in self.regions for flow in region.left)


def settle(
    copies: Mapping[str, Copy],
    trust: Trust,
    *,
    witnesses: Mapping[str, Sequence[str]] = {},
    operator: OperatorLedger | None = None,
) -> Account:
    """Read and verify every ledger, and compare what the two sides of each crossing recorded."""
    reports = {report.region: report for report in verify_copies(copies, trust, witnesses=witnesses)}
    known = sorted((name for name in reports if name in trust.regions), key=lambda name: (_ORDER[trust.regions[name].role], name))
    regions = tuple(_account(trust.regions[name], reports[name], copies.get(name)) for name in known)
    disagreements, matched = _compare(regions)
    return Account(
        pilot=trust.pilot,
        at=now(),
        regions=regions,
        strangers=tuple(report for name, report in reports.items() if name not in trust.regions),
        disagreements=tuple(disagreements),
        matched=matched,
        operator=operator,
    )


def _account(trust: RegionTrust, report: LedgerReport, copy: Copy | None) -> RegionAccount:
    account = RegionAccount(trust=trust, ledger=report)
    if copy is None:
        return account
    with suppress(SovError), copy() as snapshot:  # what cannot be read is told by the verification
        notes = [Checkpoint.parse(note) for note in snapshot.notes]
        wanted = {checkpoint.size for checkpoint in notes}
        for row in snapshot.rows:
            entry = stored(row[0], row[3])
            account.tally.add(entry)
            if account.tally.size in wanted:
                account.tally.times[account.tally.size] = entry.at
        account.checkpoints = [(checkpoint, account.tally.times.get(checkpoint.size)) for checkpoint in notes]
    account.left = crossings(account.tally.delivered)
    account.came = crossings(account.tally.accepted)
    return account


def _compare(regions: Sequence[RegionAccount]) -> tuple[list[str], int]:
    allowed = {_way(passage) for region in regions for passage in region.tally.allowed if passage.source == region.name}
    delivered = {_way(passage) for region in regions for passage in region.tally.delivered if passage.source == region.name}
    accepted = {_way(passage) for region in regions for passage in region.tally.accepted if passage.destination == region.name}
    found: list[str] = []
    for passage in (passage for region in regions for passage in region.tally.accepted):
        if _way(passage) not in allowed:
            found.append(
                f"{passage.destination} accepted {_what(passage)}, and {passage.source} recorded no decision to let it go"
            )
        elif _way(passage) not in delivered:
            found.append(f"{passage.destination} accepted {_what(passage)}, and {passage.source} has not recorded its delivery")
    for passage in (passage for region in regions for passage in region.tally.delivered):
        if _way(passage) not in accepted:
            found.append(f"{passage.source} delivered {_what(passage)}, and {passage.destination} recorded no acceptance")
    return found, len(delivered & accepted & allowed)


def _way(passage: Passage) -> tuple[str, str, str]:
    return passage.artifact, passage.source, passage.destination


def _what(passage: Passage) -> str:
    return f"{passage.kind} {short_digest(passage.artifact)}"
