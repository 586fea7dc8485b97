"""The map of flows: regions as cards, what crossed between them as arrows as wide as the bytes are many. Inline SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from sovplatform.ledger.account import Account, RegionAccount
from sovplatform.ledger.figures import count_text, size_text
from sovplatform.records import Role

WIDTH = 920
CARD_WIDTH, CARD_HEIGHT = 200, 84
GAP = 44
MARGIN = 14
_ROLES = (Role.sovereign, Role.global_, Role.edge)


@dataclass(frozen=True)
class Card:
    """Where a region is drawn: its left edge and its middle."""

    x: float
    y: float
    column: int


def flow_map(account: Account) -> str:
    """The SVG element."""
    cards, height = _place(account.regions)
    flows: dict[tuple[str, str], list[tuple[str, int, int]]] = {}
    for flow in account.flows:
        if flow.source in cards and flow.destination in cards and flow.source != flow.destination:
            flows.setdefault((flow.source, flow.destination), []).append((flow.kind, flow.count, flow.bytes))
    ports = _Ports(flows, cards)
    arrows = "".join(_arrow(pair, kinds, cards, ports) for pair, kinds in sorted(flows.items()))
    boxes = "".join(_card(region, cards[region.name]) for region in account.regions)
    return (
        f'<svg class="map" viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="What crossed between the regions">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="6.5" refY="4" markerWidth="11" markerHeight="11" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z" class="tip"/></marker></defs>'
        f"{arrows}{boxes}</svg>"
    )


def _place(regions: Sequence[RegionAccount]) -> tuple[dict[str, Card], float]:
    columns = [[region for region in regions if region.trust.role is role] for role in _ROLES]
    columns = [column for column in columns if column]
    tallest = max((len(column) for column in columns), default=1)
    height = tallest * (CARD_HEIGHT + GAP) - GAP + 2 * MARGIN
    step = (WIDTH - CARD_WIDTH - 2 * MARGIN) / max(len(columns) - 1, 1)
    cards = {}
    for number, column in enumerate(columns):
        slot = height / len(column)
        for place, region in enumerate(column):
            cards[region.name] = Card(x=MARGIN + number * step, y=slot * (place + 0.5), column=number)
    return cards, height


class _Ports:
    """Where arrows touch a card: spread over its edge, in the order of the cards at their other ends."""

    def __init__(self, pairs: Mapping[tuple[str, str], object], cards: Mapping[str, Card]) -> None:
        self._cards = cards
        self._edges: dict[tuple[str, int], list[tuple[str, str]]] = {}
        for pair in pairs:
            for name in pair:
                self._edges.setdefault((name, self.side(name, pair)), []).append(pair)
        for (name, _), touching in self._edges.items():
            touching.sort(key=self._order(name))

    def _order(self, name: str) -> Callable[[tuple[str, str]], tuple[float, bool]]:
        return lambda pair: (  # what goes to the right lies above what comes back, at both ends, so that they do not cross
            self._cards[_other(pair, name)].y,
            self._cards[pair[0]].column > self._cards[pair[1]].column,
        )

    def side(self, name: str, pair: tuple[str, str]) -> int:
        """1 for the right edge, -1 for the left one."""
        return 1 if self._cards[_other(pair, name)].column >= self._cards[name].column else -1

    def at(self, name: str, pair: tuple[str, str]) -> tuple[float, float]:
        card, side = self._cards[name], self.side(name, pair)
        touching = self._edges[name, side]
        share = (touching.index(pair) + 1) / (len(touching) + 1)
        return card.x + (CARD_WIDTH + 3 if side > 0 else -3), card.y + (share - 0.5) * (CARD_HEIGHT + 10)


def _other(pair: tuple[str, str], name: str) -> str:
    return pair[1] if pair[0] == name else pair[0]


def _arrow(pair: tuple[str, str], kinds: Sequence[tuple[str, int, int]], cards: Mapping[str, Card], ports: _Ports) -> str:
    source, destination = pair
    (x0, y0), (x1, y1) = ports.at(source, pair), ports.at(destination, pair)
    total, count = sum(size for _, _, size in kinds), sum(number for _, number, _ in kinds)
    pull = max(abs(x1 - x0) * 0.5, 90)
    c0, c1 = x0 + pull * ports.side(source, pair), x1 + pull * ports.side(destination, pair)
    outward = cards[source].column <= cards[destination].column
    share = 0.2 if outward else 0.8  # near the region on the left, where the arrows lie apart
    if cards[source].column == cards[destination].column:
        share = 0.5
    x, y = _bezier(x0, c0, c1, x1, share), _bezier(y0, y0, y1, y1, share)
    width = min(1.5 + 1.3 * math.log10(1 + total / 1000), 9)
    amount, times = size_text(total), f"in {count:,}"
    room = 7.2 * (len(amount) + len(times)) + 22
    told = ", ".join(f"{count_text(number, kind)} ({size_text(size)})" for kind, number, size in kinds)
    return (
        f'<g class="flow {"out" if outward else "back"}"><title>{escape(f"{source} → {destination}: {told}")}</title>'
        f'<path d="M{x0:.1f} {y0:.1f} C{c0:.1f} {y0:.1f} {c1:.1f} {y1:.1f} {x1:.1f} {y1:.1f}" '
        f'stroke-width="{width:.1f}" marker-end="url(#tip)"/>'
        f'<rect x="{x - room / 2:.1f}" y="{y - 10:.1f}" width="{room:.1f}" height="20" rx="10"/>'
        f'<text x="{x:.1f}" y="{y + 4:.1f}">{escape(amount)} <tspan>{escape(times)}</tspan></text></g>'
    )


def _bezier(a: float, b: float, c: float, d: float, t: float) -> float:
    s = 1 - t
    return s**3 * a + 3 * s * s * t * b + 3 * s * t * t * c + t**3 * d


def _card(region: RegionAccount, card: Card) -> str:
    top = card.y - CARD_HEIGHT / 2
    refused = sum(region.tally.refused.values())
    state = "good" if region.ledger.verified else "bad"
    mark = "ledger verified" if region.ledger.verified else "ledger NOT verified"
    told = f"{region.name}: {mark}, {region.ledger.size:,} entries"
    name = region.name if len(region.name) <= 16 else f"{region.name[:15]}…"
    left, bottom = card.x + CARD_WIDTH - 84, top + CARD_HEIGHT - 27
    pill = (
        f'<g class="pill"><rect x="{left:.1f}" y="{bottom:.1f}" width="74" height="19" rx="9.5"/>'
        f'<text x="{left + 37:.1f}" y="{bottom + 13.5:.1f}">{refused} refused</text></g>'
        if refused
        else ""
    )
    return (
        f'<g class="card {escape(region.trust.role.value)}"><title>{escape(told)}</title>'
        f'<rect x="{card.x:.1f}" y="{top:.1f}" width="{CARD_WIDTH}" height="{CARD_HEIGHT}" rx="10"/>'
        f'<circle class="{state}" cx="{card.x + 18:.1f}" cy="{top + 24:.1f}" r="5"/>'
        f'<text class="name" x="{card.x + 31:.1f}" y="{top + 29:.1f}">{escape(name)}</text>'
        f'<text class="code" x="{card.x + CARD_WIDTH - 14:.1f}" y="{top + 29:.1f}">{escape(region.trust.jurisdiction)}</text>'
        f'<text class="role" x="{card.x + 14:.1f}" y="{top + CARD_HEIGHT - 13:.1f}">{escape(region.trust.role.value)}</text>'
        f"{pill}</g>"
    )
