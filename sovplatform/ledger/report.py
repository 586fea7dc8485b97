"""The audit report: verify the ledgers, tell what they hold, as a page and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sovplatform.ledger import bundle
from sovplatform.ledger.account import Account, settle
from sovplatform.ledger.crosscheck import database
from sovplatform.ledger.markdown import markdown
from sovplatform.ledger.operator import OperatorLedger
from sovplatform.ledger.page import page
from sovplatform.private import write_atomically
from sovplatform.records import Trust


@dataclass(frozen=True)
class Report:
    """A report in both forms. `verified`: every ledger is what was sealed, and both sides of each border agree."""

    account: Account

    @property
    def verified(self) -> bool:
        return self.account.verified and not self.account.disagreements

    def html(self) -> str:
        """One page that needs nothing else."""
        return page(self.account)

    def markdown(self) -> str:
        return markdown(self.account)

    def write(self, directory: Path) -> Path:
        """Write `report.html` and `report.md` into the directory, and return the former's path."""
        directory.mkdir(parents=True, exist_ok=True)
        write_atomically(directory / "report.md", self.markdown().encode(), mode=0o666)
        write_atomically(directory / "report.html", self.html().encode(), mode=0o666)
        return directory / "report.html"


def report(
    ledgers: Mapping[str, Path],
    trust: Trust,
    *,
    witnesses: Mapping[str, Sequence[str]] = {},
    operator: OperatorLedger | None = None,
) -> Report:
    """Verify the regions' ledgers (region name to file) and the operator's journal, and report on them. What is wrong is in the
    report, not raised.

    Raises:
        ConfigError: a pinned key is no Ed25519 key.
    """
    return Report(settle({name: database(path) for name, path in ledgers.items()}, trust, witnesses=witnesses, operator=operator))


def report_bundle(directory: Path, *, trust: Trust | None = None) -> Report:
    """As `report`, from an auditor's bundle.

    Raises:
        NotFound: the directory is no bundle.
    """
    return Report(settle(bundle.copies(directory), trust or bundle.read_trust(directory), operator=bundle.operator(directory)))
