"""The operator's journal among an auditor's papers: what was judged, refused, applied and destroyed, by whom, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from sovplatform.errors import SovError
from sovplatform.ledger.entry import Entry, stored
from sovplatform.ledger.figures import short_digest, time_text
from sovplatform.ledger.verify import Copy, verify_copy
from sovplatform.runreport import LedgerReport

OPERATOR = "operator"
"""What reports call it, among the regions' names."""


@dataclass(frozen=True)
class OperatorLedger:
    """The journal, wherever it is kept: its origin, and the key (PEM) that seals it."""

    copy: Copy
    origin: str
    public_key: str

    @cached_property
    def report(self) -> LedgerReport:
        """Whether it verifies."""
        return verify_copy(self.copy, region=OPERATOR, origin=self.origin, keys=[self.public_key])

    def deeds(self) -> Iterator[tuple[str, str, str, str, str]]:
        """When, who, what, of which stack, and what came of it. Of a journal that cannot be read, nothing."""
        try:
            with self.copy() as snapshot:
                for row in snapshot.rows:
                    entry = stored(row[0], row[3])
                    what = entry.event.removeprefix("infrastructure.").replace(".", " ")
                    yield time_text(entry.at), entry.actor, what, entry.subject, _outcome(entry)
        except SovError:
            return


def _outcome(entry: Entry) -> str:
    told = entry.details
    parts = [f"plan {short_digest(str(told['plan']))}"] if told.get("plan") else []
    if "allow" in told:
        parts.append("allowed" if told["allow"] is True else "DENIED")
    changes = told.get("changes")
    if isinstance(changes, dict):
        parts += [f"{count} to {kind}" for kind, count in changes.items() if count]
    for name in ("rules", "reasons"):
        found = told.get(name)
        parts += [str(item) for item in found] if isinstance(found, list | tuple) else []
    if told.get("message"):
        parts.append(str(told["message"]))
    return "; ".join(parts)
