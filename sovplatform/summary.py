"""What the ledgers tell of a pilot: what crossed, what was refused, what was spent, and whether they verify.

Read from the ledgers' files, so it needs no server. The control plane sees what is in them: metadata.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from sovplatform.border.privacy import PrivacyAccount
from sovplatform.ledger import Entry, Ledger
from sovplatform.ledger.crosscheck import verify_regions
from sovplatform.pilot import RegionConfig
from sovplatform.records import PrivacySpent, RegionSpec, Trust
from sovplatform.runreport import CrossingReport, LedgerReport, RefusalReport

LEDGER = "ledger.db"
REFUSALS = {
    "gate.denied": "",
    "channel.refused": "",
    "privacy.refused": "reservation",
    "release.refused": "release",
    "serving.refused": "release",
}
"""The events that tell of a refusal, and what was refused where the entry does not say."""


def origin(region: str, pilot: str) -> str:
    """The name of a region's ledger, as its checkpoints carry it."""
    return f"{region}.{pilot}.sov/ledger"


class Summary:
    """The ledgers of one pilot's regions; `home` is the directory that has one directory per region."""

    def __init__(self, pilot: str, regions: Sequence[RegionSpec], home: Path) -> None:
        self._pilot = pilot
        self._regions = regions
        self._home = home

    def entries(self, region: str | None = None, *, event: str | None = None) -> Iterator[tuple[str, Entry]]:
        """Entries with their region's name, oldest first within a region."""
        for spec in self._regions:
            path = self._home / spec.name / LEDGER
            if region in (None, spec.name) and path.exists():
                with Ledger.open(path, origin(spec.name, self._pilot), read_only=True) as ledger:
                    for entry in ledger.entries(event=event):
                        yield spec.name, entry

    def crossings(self) -> tuple[CrossingReport, ...]:
        count: Counter[tuple[str, str, str]] = Counter()
        size: Counter[tuple[str, str, str]] = Counter()
        for region, entry in self.entries(event="gate.delivered"):
            key = (region, str(entry.details["destination"]), str(entry.details["kind"]))
            count[key] += 1
            size[key] += int(str(entry.details["size"]))
        return tuple(
            CrossingReport(source=key[0], destination=key[1], kind=key[2], count=count[key], bytes=size[key])
            for key in sorted(count)
        )

    def refusals(self) -> tuple[RefusalReport, ...]:
        count: Counter[tuple[str, str, str, str]] = Counter()
        for event, kind in REFUSALS.items():
            for region, entry in self.entries(event=event):
                reasons = entry.details.get("reasons", [entry.details.get("reason", "")])
                reason = "; ".join(str(item) for item in reasons) if isinstance(reasons, list) else str(reasons)
                told = (
                    entry.details.get("source", region),
                    entry.details.get("destination", ""),
                    entry.details.get("kind", kind),
                )
                count[str(told[0]), str(told[1]), str(told[2]), reason] += 1
        return tuple(
            RefusalReport(source=key[0], destination=key[1], kind=key[2], reason=key[3], count=count[key])
            for key in sorted(count)
        )

    def spent(self) -> tuple[PrivacySpent, ...]:
        found: list[PrivacySpent] = []
        for spec in self._regions:
            home = self._home / spec.name
            if not (home / LEDGER).exists() or not (home / "region.json").exists():
                continue
            config = RegionConfig.from_json((home / "region.json").read_bytes())
            with Ledger.open(home / LEDGER, origin(spec.name, self._pilot), read_only=True) as ledger:
                account = PrivacyAccount(config, ledger)
                found += [account.spent(data.name) for data in config.datasets]
        return tuple(found)

    def paths(self) -> dict[str, Path]:
        """The ledgers' files, by region."""
        return {spec.name: self._home / spec.name / LEDGER for spec in self._regions}

    def verify(self, trust: Trust) -> tuple[LedgerReport, ...]:
        """Verify every ledger against its pinned key, and against what the other regions' ledgers keep of it."""
        return verify_regions(self.paths(), trust)
