"""Regions are each other's witnesses: a receipt carries the receiver's newest checkpoint, and the sender records it.

So whoever rolls one region's ledger back has to roll back all the others' as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from sovplatform.errors import SignatureInvalid, SovError
from sovplatform.ledger import store
from sovplatform.ledger.checkpoint import Checkpoint
from sovplatform.ledger.entry import Entry
from sovplatform.ledger.verify import Copy, verify_copy
from sovplatform.records import RegionTrust, Trust
from sovplatform.runreport import LedgerReport

KEY = "ledger"
DETAIL = "checkpoint"
"""The key in an entry's details under which another ledger's checkpoint note is recorded."""


def origin_of(region: RegionTrust) -> str:
    """The origin of a region's ledger: its trust domain and `/ledger`."""
    return f"{region.trust_domain}/{KEY}"


def keys_of(region: RegionTrust) -> tuple[str, ...]:
    """The PEM of every version of a region's checkpoint key: those named `ledger` or `ledger/VERSION`."""
    return tuple(pem for name, pem in region.keys.items() if name == KEY or name.startswith(f"{KEY}/"))


def verify_regions(
    ledgers: Mapping[str, Path], trust: Trust, *, witnesses: Mapping[str, Sequence[str]] = {}
) -> tuple[LedgerReport, ...]:
    """Verify the ledgers of several regions (by name), each against the checkpoints that the others recorded of it.

    `witnesses` are further checkpoint notes by region. A region of the trust without a ledger is reported as missing.
    """
    copies = {name: database(path) for name, path in ledgers.items()}
    return verify_copies(copies, trust, witnesses=witnesses)


def verify_copies(
    copies: Mapping[str, Copy], trust: Trust, *, witnesses: Mapping[str, Sequence[str]] = {}
) -> tuple[LedgerReport, ...]:
    """As `verify_regions`, wherever the ledgers are kept."""
    kept = harvest(copies)
    reports = []
    for name in sorted(trust.regions.keys() | copies.keys()):
        region = trust.regions.get(name)
        if region is None or name not in copies:
            problem = "the region is not in the trust" if region is None else "its ledger is missing"
            reports.append(LedgerReport(region=name, size=0, root="", verified=False, problem=problem))
            continue
        origin = origin_of(region)
        notes = dict.fromkeys((*witnesses.get(name, ()), *kept.get(origin, ())))
        reports.append(verify_copy(copies[name], region=name, origin=origin, keys=keys_of(region), witnesses=tuple(notes)))
    return tuple(reports)


def harvest(copies: Mapping[str, Copy]) -> dict[str, list[str]]:
    """The checkpoint notes that the ledgers recorded of each other, by origin. What cannot be read is passed over here."""
    found: dict[str, dict[str, None]] = {}
    for copy in copies.values():
        try:
            with copy() as snapshot:
                for _, _, _, body, _ in snapshot.rows:
                    if b'"checkpoint":' in body:
                        _collect(body, found)
        except SovError:
            continue
    return {origin: list(notes) for origin, notes in found.items()}


def _collect(body: bytes, found: dict[str, dict[str, None]]) -> None:
    try:
        text = Entry.from_json(body).details.get(DETAIL)
        if isinstance(text, str):
            found.setdefault(Checkpoint.parse(text).origin, {})[text] = None
    except (ValidationError, SignatureInvalid):
        return


def database(path: Path) -> Copy:
    """The ledger that a node keeps at `path`."""
    return lambda: store.snapshot(path)
