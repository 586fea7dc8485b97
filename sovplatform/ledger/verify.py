"""Verify a ledger with nothing but its file and the region's public key: every hash is computed anew.

What is found: an entry that was changed, dropped, inserted or moved; entries cut off below a checkpoint; checkpoints
that contradict each other or were signed by another key; checkpoints rolled back, when somebody else (a witness)
kept a newer one; and a tail that no checkpoint covers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sovplatform.errors import SignatureInvalid, SovError
from sovplatform.ledger import note, store
from sovplatform.ledger.checkpoint import Checkpoint
from sovplatform.ledger.entry import Entry
from sovplatform.ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from sovplatform.runreport import LedgerReport

_ENTRIES = TypeAdapter(Entry).validator  # what `Entry.from_json` ends in: its wrappers are a fifth of the time of an entry

Copy = Callable[[], AbstractContextManager[store.Snapshot]]
"""A way to open one ledger's snapshot, as often as it is called."""


def verify(
    path: Path, *, origin: str, public_key: str | Sequence[str], witnesses: Sequence[str] = (), region: str = ""
) -> LedgerReport:
    """Verify the ledger at `path`. Whatever is wrong with it is in the report's `problem`; nothing is raised for it.

    `public_key` is the PEM of the region's ledger key, or several when it was rotated; `witnesses` are checkpoint notes
    of this ledger that were kept elsewhere, for example by other regions. The node may go on appending meanwhile.

    Raises:
        ConfigError: a key is no Ed25519 key.
    """
    return verify_copy(
        lambda: store.snapshot(path),
        region=region or origin.split(".", maxsplit=1)[0],
        origin=origin,
        keys=[public_key] if isinstance(public_key, str) else public_key,
        witnesses=witnesses,
    )


def verify_copy(copy: Copy, *, region: str, origin: str, keys: Sequence[str], witnesses: Sequence[str] = ()) -> LedgerReport:
    """Verify a ledger wherever it is kept: a node's database, an auditor's bundle. See `verify`."""
    for key in keys:
        note.raw_public_key(key)
    try:
        with copy() as snapshot:
            if snapshot.origin != origin:
                return _unreadable(region, f"this is the ledger of {snapshot.origin}, not of {origin}")
            return _check(snapshot, region, origin, keys, witnesses)
    except SovError as err:
        return _unreadable(region, err.message)


def _unreadable(region: str, problem: str) -> LedgerReport:
    return LedgerReport(region=region, size=0, root="", verified=False, problem=problem)


def _check(snapshot: store.Snapshot, region: str, origin: str, keys: Sequence[str], witnesses: Sequence[str]) -> LedgerReport:
    problems: list[str] = []
    own = _opened(snapshot.notes, "checkpoint", origin, keys, problems)
    kept = _opened(witnesses, "a witness's checkpoint", origin, keys, problems)
    walk = _Walk({checkpoint.size for checkpoint in (*own, *kept)})
    walk.over(snapshot.rows)
    if walk.problem:
        problems.insert(0, walk.problem)
    problems += _mismatches(own, walk, "the checkpoint")
    problems += _mismatches(kept, walk, "a witness's checkpoint")
    problems += _order(own, kept, walk.size)
    return LedgerReport(
        region=region, size=walk.size, root=walk.root.hex(), verified=not problems, problem="; ".join(dict.fromkeys(problems))
    )


class _Walk:
    """One pass over all entries: the root at each wanted size, and the first thing that is wrong."""

    def __init__(self, wanted: set[int]) -> None:
        self.wanted = wanted
        self.size = 0
        self.root = EMPTY_ROOT
        self.roots = {0: EMPTY_ROOT}
        self.problem = ""

    def over(self, rows: Iterable[store.Row]) -> None:
        frontier = Frontier()
        push, parse, wanted, roots = frontier.push, _ENTRIES.validate_json, self.wanted, self.roots
        for place, (index, event, key, body, nodes) in enumerate(rows):
            chain = push(leaf_hash(body))
            if place + 1 in wanted:
                roots[place + 1] = frontier.root()
            if self.problem:
                continue
            if index != place:
                self.problem = f"entry {place} is missing"
            elif nodes is not None and chain != nodes:
                self.problem = f"entry {place} is not what was recorded"
            else:
                try:
                    entry = parse(body)
                except ValidationError:
                    self.problem = f"entry {place} is no entry"
                else:
                    if entry.index != place or (event is not None and (entry.event != event or entry.key != (key or ""))):
                        self.problem = f"entry {place} was moved, or filed under another name"
        self.size, self.root = frontier.size, frontier.root()


def _opened(notes: Sequence[str], what: str, origin: str, keys: Sequence[str], problems: list[str]) -> list[Checkpoint]:
    opened = []
    for number, text in enumerate(notes):
        try:
            opened.append(Checkpoint.open(text, origin=origin, keys=keys))
        except SignatureInvalid as err:
            problems.append(f"{what} {number}: {err.message}")
    return opened


def _mismatches(checkpoints: Sequence[Checkpoint], walk: _Walk, what: str) -> list[str]:
    """The first checkpoint that the entries do not fit, told with the last one that they do."""
    good = 0
    for checkpoint in checkpoints:
        if checkpoint.size > walk.size:
            return [f"{what} of {checkpoint.size} entries is signed, but there are only {walk.size}: the end was cut off"]
        if walk.roots[checkpoint.size] != checkpoint.root_hash:
            return [
                f"{what} of {checkpoint.size} entries does not fit: something after entry {good} was changed, added or dropped"
            ]
        good = max(good, checkpoint.size)
    return []


def _order(own: Sequence[Checkpoint], kept: Sequence[Checkpoint], size: int) -> list[str]:
    problems = []
    sizes = [checkpoint.size for checkpoint in own]
    if sizes != sorted(sizes):
        problems.append("the checkpoints are not in the order in which they were made")
    newest = max(sizes, default=None)
    if newest is None:
        return [*problems, f"no valid checkpoint: {size} entries are not sealed"]
    seen = max((checkpoint.size for checkpoint in kept), default=0)
    if seen > newest:
        problems.append(f"checkpoints were rolled back: a witness holds one of {seen} entries, the newest here has {newest}")
    if newest < size:
        problems.append(f"{size - newest} entries after the last checkpoint are not sealed")
    return problems
