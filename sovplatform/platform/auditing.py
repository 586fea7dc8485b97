"""What an auditor takes away: a page, and the bundle that proves it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sovplatform.ledger.operator import OperatorLedger
from sovplatform.records import Trust


def write(ledgers: Mapping[str, Path], trust: Trust, operator: OperatorLedger | None, out: Path) -> Path:
    """Report on the regions' ledgers and the operator's journal into `out`, with the bundle beside it; the page's path."""
    from sovplatform.ledger.bundle import export
    from sovplatform.ledger.report import report

    export(ledgers, trust, out / "bundle", operator=operator)  # first, as it never takes the place of another
    return report(ledgers, trust, operator=operator).write(out)
