"""The audit report as one HTML page that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from importlib.resources import files

from sovplatform.ledger.account import Account, RegionAccount
from sovplatform.ledger.figures import count_text, person, short_digest, size_text, time_text
from sovplatform.ledger.flowmap import flow_map
from sovplatform.ledger.tally import Budget, Reservation
from sovplatform.runreport import CrossingReport

_MOST_CHECKPOINTS = 5
_MOST_PROBLEMS = 12


def page(account: Account) -> str:
    """The whole page."""
    style = files("sovplatform.ledger").joinpath("report.css").read_text(encoding="utf-8")
    title = f"Audit report of {account.pilot}"
    parts = [_verdict(account), _tiles(account), "<h2>What crossed the borders</h2>", _map(account)]
    parts += ["<h2>Regions</h2>", *(_region(region) for region in account.regions)]
    parts += ["<h2>Privacy spent</h2>", _privacy(account), "<h2>Releases</h2>", _releases(account)]
    parts += ["<h2>Infrastructure</h2>", _infrastructure(account)] if account.operator else []
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>"
        f'<header><div><p class="kicker">Data residency audit</p><h1>{escape(title)}</h1></div>'
        f'<div class="meta">made {escape(time_text(account.at))}<br>from the ledgers, which hold metadata only</div></header>'
        f"{''.join(parts)}{_footer()}</main></body></html>\n"
    )


def _verdict(account: Account) -> str:
    problems = [f"{region.name}: {region.ledger.problem}" for region in account.regions if not region.ledger.verified]
    problems += [f"{report.region}: {report.problem}" for report in account.strangers]
    journal = account.operator.report if account.operator else None
    problems += [f"{journal.region}: {journal.problem}"] if journal and not journal.verified else []
    problems += account.disagreements
    if not problems:
        ledgers = [region.ledger for region in account.regions] + ([journal] if journal else [])
        counted = f"{count_text(sum(one.size for one in ledgers), 'entry', 'entries')} in {count_text(len(ledgers), 'ledger')}"
        agreed = f"{'each of ' if account.matched > 1 else ''}{count_text(account.matched, 'crossing')}"
        return (
            '<div class="verdict good"><strong>Everything verified.</strong> '
            f"{counted} are what was recorded and sealed, and both sides agree on {agreed}.</div>"
        )
    if len(problems) > _MOST_PROBLEMS:
        problems[_MOST_PROBLEMS:] = [f"and {len(problems) - _MOST_PROBLEMS:,} more"]
    items = "".join(f'<li class="problem">{escape(problem)}</li>' for problem in problems)
    headline = "A ledger does not verify." if not account.verified else "The ledgers verify, but do not agree."
    warning = "Do not rely on what follows before this is explained."
    return f'<div class="verdict bad"><strong>{headline}</strong> {warning}<ul>{items}</ul></div>'


def _tiles(account: Account) -> str:
    flows = account.flows
    refused = sum(sum(region.tally.refused.values()) for region in account.regions)
    spent = max((budget.epsilon for region in account.regions for budget in region.tally.budgets.values()), default=None)
    tiles = [
        (f"{len(account.regions)}", "regions", ""),
        (f"{sum(flow.count for flow in flows):,}", "border crossings", ""),
        (size_text(sum(flow.bytes for flow in flows)), "crossed in all", ""),
        (f"{refused:,}", "attempts refused", ""),
        ("none" if spent is None else f"{spent:.3g}", "largest ε spent", ""),
        (
            f"{sum(region.ledger.verified for region in account.regions)} of {len(account.regions)}",
            "ledgers verified",
            "" if account.verified else " alarm",
        ),
    ]
    cells = "".join(f'<div class="tile{alarm}"><b>{escape(value)}</b><span>{label}</span></div>' for value, label, alarm in tiles)
    return f'<div class="tiles">{cells}</div>'


def _map(account: Account) -> str:
    legend = (
        '<div class="legend"><span><i class="out"></i>out of a sovereign region</span>'
        '<span><i class="back"></i>back from training</span>'
        "<span>The wider, the more bytes; the number is how many artifacts crossed.</span></div>"
    )
    return f'<section class="card">{flow_map(account)}{legend}</section>'


def _region(region: RegionAccount) -> str:
    good = region.ledger.verified
    mark = f'<span class="chip {"good" if good else "bad"}">{"ledger verified" if good else "ledger not verified"}</span>'
    head = (
        f'<div class="title"><h3>{escape(region.name)}</h3><span class="chip">{escape(region.trust.jurisdiction)}</span>'
        f'<span class="chip">{escape(region.trust.role.value)}</span>{mark}</div>'
    )
    problem = "" if good else f'<p class="problem">{escape(region.ledger.problem)}</p>'
    left = _crossings(region.left, "Destination", lambda flow: flow.destination, "Nothing left this region.")
    came = _crossings(region.came, "Source", lambda flow: flow.source, "Nothing was accepted from elsewhere.")
    return (
        f'<section class="card">{head}{problem}<div class="two"><div><h4>What left</h4>{left}</div>'
        f"<div><h4>What came in</h4>{came}</div></div>"
        f"<h4>What was refused, and why</h4>{_refusals(region)}<h4>Ledger</h4>{_ledger(region)}</section>"
    )


def _crossings(flows: Sequence[CrossingReport], header: str, end: Callable[[CrossingReport], str], none: str) -> str:
    rows = [
        [escape(end(flow)), f'<span class="kind">{escape(flow.kind)}</span>', f"{flow.count:,}", size_text(flow.bytes)]
        for flow in flows
    ]
    return _table([header, "Kind", "Crossings#", "Bytes#"], rows) if rows else _none(none)


def _refusals(region: RegionAccount) -> str:
    rows = [
        [escape(f"{item.source} → {item.destination}"), escape(item.kind), escape(item.reason), f"{item.count:,}"]
        for item in region.tally.refusals
    ]
    rows += [
        [escape(dataset), "privacy budget", escape(reason), f"{count:,}"]
        for (dataset, reason), count in region.tally.overdrafts.items()
    ]
    return _table(["Where", "What", "Reason", "Times#"], rows) if rows else _none("Nothing was refused here.")


def _ledger(region: RegionAccount) -> str:
    tally = region.tally
    lines = [
        ("entries", f"{region.ledger.size:,}, from {escape(time_text(tally.first))} to {escape(time_text(tally.last))}"),
        ("Merkle root", f"<code>{escape(region.ledger.root) or 'none'}</code>"),
    ]
    head = "".join(f'<div class="key"><span>{name}</span><span>{value}</span></div>' for name, value in lines)
    if not region.checkpoints:
        return head + _none("No checkpoint was sealed.")
    newest = list(reversed(region.checkpoints[-_MOST_CHECKPOINTS:]))
    rows = [[f"{point.size:,}", escape(time_text(at)), f"<code>{escape(point.root)}</code>"] for point, at in newest]
    count = len(region.checkpoints)
    told = f"The newest {len(newest)} of {count:,} checkpoints." if count > len(newest) else "All checkpoints."
    return f'{head}{_table(["Entries sealed#", "Up to", "Root"], rows)}<p class="note">{told}</p>'


def _privacy(account: Account) -> str:
    cards = []
    for region in account.regions:
        for name, budget in sorted(region.tally.budgets.items()):
            uses = [use for use in region.tally.reservations.values() if use.dataset == name]
            cards.append(_budget(region.name, budget, uses))
    note = (
        '<p class="note">ε bounds what may ever be learnt of one record from all that left, at the given δ. '
        "Partitions of a dataset are disjoint, so its ε is the largest of theirs. "
        "A step counts as released when the gate let it go.</p>"
    )
    return "".join(cards) + note if cards else f'<section class="card">{_none("No privacy budget was used.")}</section>'


def _budget(region: str, budget: Budget, uses: Sequence[Reservation]) -> str:
    share = min(budget.epsilon / budget.limit, 1) if budget.limit else 0
    full = " full" if budget.limit and budget.epsilon > budget.limit * (1 + 1e-9) else ""
    limit = f" of {budget.limit:.3g}" if budget.limit else ""
    bar = f'<div class="bar{full}"><i style="width:{share * 100:.1f}%"></i></div>' if budget.limit else ""
    rows = [
        [
            escape(use.name),
            escape(use.partition),
            f"{use.noise_multiplier:.3g}",
            f"{use.sampling_rate:.3g}",
            f"{use.released:,} of {use.steps:,}",
        ]
        for use in uses
    ]
    table = _table(["Reservation", "Partition", "Noise multiplier#", "Sampling rate#", "Steps released#"], rows)
    return (
        f'<section class="card"><div class="title"><h3>{escape(budget.dataset)}</h3>'
        f'<span class="chip">{escape(region)}</span></div><div class="spend"><b>ε {budget.epsilon:.3g}{limit}</b>{bar}'
        f'<span class="note">δ {budget.delta:.1g}</span></div>{table}</section>'
    )


def _releases(account: Account) -> str:
    rows = []
    for region in account.regions:
        for release in region.tally.releases.values():
            steps = "".join(
                f"<li><time>{escape(time_text(at))}</time> {escape(verb)} by {escape(person(actor))}</li>"
                for at, verb, actor in release.history
            )
            who = escape(", ".join(release.approvers)) or '<span class="problem">nobody</span>'
            rows.append(
                [
                    f"{escape(release.id)}<br><code>{escape(short_digest(release.artifact))}</code>",
                    escape(region.name),
                    escape(release.proposer) or "unknown",
                    who,
                    f'<ul class="steps">{steps}</ul>',
                ]
            )
    table = (
        _table(["Release", "Region", "Proposed by", "Approved by", "What happened"], rows)
        if rows
        else _none("Nothing was released.")
    )
    return f'<section class="card">{table}</section>'


def _infrastructure(account: Account) -> str:
    """What the operator's journal says; who did it is what the operator's own machine says."""
    rows = [[escape(cell) for cell in deed] for deed in (account.operator.deeds() if account.operator else ())]
    note = (
        '<p class="note">Who acted is the login and the machine of whoever ran the command. The cloud\'s own audit trail says '
        "whose credentials were used.</p>"
    )
    return f'<section class="card">{_table(["When", "Who", "What", "Stack", "What came of it"], rows)}{note}</section>'


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already. A header that ends in `#` is of a column of numbers."""
    classes = [' class="n"' if header.endswith("#") else "" for header in headers]
    head = "".join(f"<th{css}>{escape(header.rstrip('#'))}</th>" for header, css in zip(headers, classes, strict=True))
    body = "".join(f"<tr>{''.join(f'<td{css}>{cell}</td>' for cell, css in zip(row, classes, strict=True))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _none(text: str) -> str:
    return f'<p class="none">{escape(text)}</p>'


def _footer() -> str:
    return (
        "<footer>How this was verified: every entry was hashed again into the Merkle tree of RFC 6962; each checkpoint's "
        "signature (Ed25519, C2SP signed-note) was checked against the region's pinned key, and its root against the entries; "
        "and each ledger was held against the checkpoints that the other regions had recorded of it.</footer>"
    )
