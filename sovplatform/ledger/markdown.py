"""The audit report as Markdown, for a ticket or a repository."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sovplatform.ledger.account import Account, RegionAccount
from sovplatform.ledger.figures import count_text, person, short_digest, size_text, time_text

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&$])")


def markdown(account: Account) -> str:
    """The whole report."""
    lines = [f"# Audit report of {_plain(account.pilot)}", "", f"Made {time_text(account.at)} from the ledgers.", ""]
    lines += _verdict(account)
    for region in account.regions:
        lines += _region(region)
    lines += ["## Privacy spent", "", *_privacy(account), "## Releases", "", *_releases(account)]
    lines += ["## Infrastructure", "", *_infrastructure(account)]
    return "\n".join(lines).rstrip() + "\n"


def _verdict(account: Account) -> list[str]:
    rows = [
        [
            region.name,
            region.trust.jurisdiction,
            f"{region.ledger.size:,}",
            "yes" if region.ledger.verified else "**NO**",
            region.ledger.problem,
        ]
        for region in account.regions
    ]
    rows += [[report.region, "", "", "**NO**", report.problem] for report in account.strangers]
    if account.operator:
        journal = account.operator.report
        rows.append([journal.region, "", f"{journal.size:,}", "yes" if journal.verified else "**NO**", journal.problem])
    agreed = f"Both sides agree on {count_text(account.matched, 'crossing')}."
    told = [f"- {_plain(text)}" for text in account.disagreements] or [agreed]
    return ["## Verification", "", *_table(["Region", "Jurisdiction", "Entries", "Verified", "Problem"], rows), *told, ""]


def _region(region: RegionAccount) -> list[str]:
    left = [[flow.destination, flow.kind, f"{flow.count:,}", size_text(flow.bytes)] for flow in region.left]
    refused = [
        [f"{item.source} → {item.destination}", item.kind, item.reason, f"{item.count:,}"] for item in region.tally.refusals
    ]
    refused += [[dataset, "privacy budget", reason, f"{count:,}"] for (dataset, reason), count in region.tally.overdrafts.items()]
    lines = [f"## Region {_plain(region.name)} ({_plain(region.trust.jurisdiction)}, {region.trust.role.value})", ""]
    lines += ["What left:", "", *_table(["Destination", "Kind", "Crossings", "Bytes"], left)]
    lines += ["What was refused:", "", *_table(["Where", "What", "Reason", "Times"], refused)]
    if region.checkpoints:
        newest = region.checkpoints[-1][0]
        lines += [f"Newest checkpoint: {newest.size:,} entries, root `{newest.root}`.", ""]
    return lines


def _privacy(account: Account) -> list[str]:
    rows = [
        [
            budget.dataset,
            region.name,
            f"{budget.epsilon:.3g}",
            f"{budget.limit:.3g}" if budget.limit else "",
            f"{budget.delta:.1g}",
        ]
        for region in account.regions
        for budget in region.tally.budgets.values()
    ]
    return _table(["Dataset", "Region", "ε", "Limit", "δ"], rows)


def _releases(account: Account) -> list[str]:
    rows = [
        [
            release.id,
            region.name,
            short_digest(release.artifact),
            release.proposer,
            ", ".join(release.approvers) or "nobody",
            ", ".join(f"{verb} by {person(actor)} {time_text(at)}" for at, verb, actor in release.history),
        ]
        for region in account.regions
        for release in region.tally.releases.values()
    ]
    return _table(["Release", "Region", "Artifact", "Proposed by", "Approved by", "What happened"], rows)


def _infrastructure(account: Account) -> list[str]:
    rows = account.operator.deeds() if account.operator else ()
    return _table(["When", "Who", "What", "Stack", "What came of it"], rows)


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    body = [f"| {' | '.join(cell if cell == '**NO**' else _plain(cell) for cell in row)} |" for row in rows]
    if not body:
        return ["Nothing.", ""]
    return [f"| {' | '.join(headers)} |", f"|{'---|' * len(headers)}", *body, ""]


def _plain(text: str) -> str:
    """Text that is shown as it is: nothing in it is markup, and it stays on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
