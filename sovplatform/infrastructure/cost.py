"""What a pilot's infrastructure costs in a month, before anything of it is launched.

`estimate` reads what was synthesised and the price tables. It is list prices times quantities, from the least to the most that
may run; what has no price is listed as such, with the reason, and never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sovplatform.infrastructure.consumption import aws, google, machines
from sovplatform.infrastructure.consumption.stack import Reader, Stack, Use
from sovplatform.infrastructure.estimate import CostEstimate, CostLine, CostNote, CostSource, CostTotal, NotPriced, warnings
from sovplatform.infrastructure.pricing import Prices, Quote, Sourced
from sovplatform.infrastructure.request import Synthesis
from sovplatform.pilot import BudgetSpec, Pilot

OWN = "onprem"
_CLOUDS = {"aws_": "aws", "google_": "gcp"}
_READERS: Mapping[str, Reader] = {**aws.READERS, **google.READERS}
_MACHINES = ("instance:", "spot:", "gpu:")
_VOLUME = "kubernetes_persistent_volume_claim_v1"
_USED = "charged by what is used: traffic, requests, logs"


def policy_input(estimate: CostEstimate, budget: BudgetSpec) -> dict[str, float]:
    """What the policy rules are told of the cost: `input.cost`."""
    return {"month_high": estimate.total.month_high, "limit": budget.amount, "unknown": len(estimate.unknown)}


def estimate(
    pilot: Pilot, synthesis: Synthesis, stacks: Mapping[str, Any], *, prices: Prices | None = None, today: date | None = None
) -> CostEstimate:
    """A month of the pilot in the currency of its budget. `stacks` are the bodies of `cdk.tf.json`, by stack.

    Raises:
        ConfigError: a price table of ours is broken.
    """
    return _Estimating(pilot, prices or Prices.load(), today or date.today()).run(synthesis, stacks)


class _Estimating:
    """One estimate under way."""

    def __init__(self, pilot: Pilot, prices: Prices, today: date) -> None:
        self.pilot, self.prices, self.today = pilot, prices, today
        self.currency = pilot.infrastructure.budget.currency
        self.lines: list[CostLine] = []
        self.missing: dict[tuple[str, str], dict[str, None]] = {}
        self.notes: dict[str, dict[str, None]] = {}
        self.unknown: dict[str, None] = {}
        self.figures: dict[tuple[date, str, str], tuple[Sourced, dict[str, None]]] = {}

    def run(self, synthesis: Synthesis, stacks: Mapping[str, Any]) -> CostEstimate:
        made = [Stack(stack, stacks[stack.name], self.pilot.infrastructure) for stack in synthesis.stacks]
        tables = {stack.made.region.name: OWN for stack in made}
        for stack in made:
            for table in _clouds(stack):
                tables[stack.made.region.name] = table
        for stack in made:
            self._stack(stack, tables[stack.made.region.name])
        places = dict.fromkeys(stack.made.region.name for stack in made)
        notes = tuple(CostNote(text=text, regions=tuple(at)) for text, at in self.notes.items())
        sources = tuple(
            CostSource(as_of=as_of, dated=dated, source=source, regions=tuple(self.figures[as_of, source, dated][1]))
            for as_of, source, dated in sorted(self.figures)
        )
        return CostEstimate(
            pilot=self.pilot.name,
            currency=self.currency,
            lines=tuple(self.lines),
            totals=tuple(CostTotal.of(name, [line for line in self.lines if line.region == name]) for name in places),
            total=CostTotal.of("all", self.lines),
            not_priced=tuple(NotPriced(what=what, reason=why, regions=tuple(at)) for (what, why), at in self.missing.items()),
            unknown=tuple(self.unknown),
            sources=sources,
            notes=notes,
            warnings=tuple(warnings(notes, sources, self.today)),
            at=self.today,
        )

    def _stack(self, stack: Stack, table: str) -> None:
        uses = [] if table != OWN else list(machines.own(stack))
        for resource in stack.resources():
            reader = _READERS.get(resource.kind)
            if resource.kind == _VOLUME:
                uses += machines.volume(table, resource)
            elif reader is not None:
                uses += reader(stack, resource)
            elif why := self.prices.by_use(resource.kind):
                self._leave_out(resource.kind, why, stack)
            elif not self.prices.free(resource.kind):
                self._leave_out(resource.kind, "it is not known here whether and what it costs", stack)
        if table != OWN:
            self._leave_out("data transfer, requests, operations", _USED, stack)
        for use in _summed(uses):
            self._use(use, stack, table)

    def _use(self, use: Use, stack: Stack, table: str) -> None:
        found = [quote for item in use.items if (quote := self.prices.quote(table, item, stack.location)) is not None]
        if not found:
            yours = "machines of your own: put what an hour costs you" if table == OWN else "put its price"
            self._leave_out(use.what, f"no price of {use.items[0]}: {yours} into prices/{table}.json", stack)
            if table != OWN and use.items[0].startswith(_MACHINES):
                self.unknown[f"{use.what} ({stack.made.region.name})"] = None
            return
        first = found[0]
        shared = first.price.gpus if use.per_gpu else 1
        quantities = [min(amount / shared, use.at_most or amount) for amount in (use.low, use.high)]
        low, high = min(quote.low for quote in found), max(quote.high for quote in found)
        if not quantities[1] * high:
            return
        worth = self.prices.worth
        months = [worth(amount, first.price.currency, self.currency) for amount in (quantities[0] * low, quantities[1] * high)]
        if None in months:
            self._leave_out(use.what, f"no rate from {first.price.currency} to {self.currency} in prices/rates.json", stack)
            return
        dearest = [self.prices.quote(table, item, stack.location) for item in use.on_demand]
        without = [
            worth(quantities[1] * quote.high, quote.price.currency, self.currency) or 0 for quote in dearest if quote is not None
        ]
        self._cite([*found, *(quote for quote in dearest if quote is not None)], stack.made.region.name)
        self.lines.append(
            CostLine(
                stack=stack.made.name,
                region=stack.made.region.name,
                part=use.part,
                what=use.what,
                quantity_low=quantities[0],
                quantity_high=quantities[1],
                unit=use.unit,
                unit_price_low=low,
                unit_price_high=high,
                currency=first.price.currency,
                month_low=round(months[0] or 0, 2),
                month_high=round(months[1] or 0, 2),
                month_on_demand=round(max([months[1] or 0, *without]), 2),
                as_of=first.price.as_of,
                dated=first.price.dated,
                source=first.price.source,
                stands_for=first.stands_for,
                note="; ".join(note for note in (use.note, first.price.note) if note),
            )
        )

    def _leave_out(self, what: str, reason: str, stack: Stack) -> None:
        self.missing.setdefault((what, reason), {})[stack.made.region.name] = None

    def _cite(self, quotes: Sequence[Quote], region: str) -> None:
        """Note the sources of all figures that a line is made of: prices, factors and rates."""
        for quote in quotes:
            self._figure(quote.price, region)
            rate = self.prices.rate(quote.price.currency, self.currency)
            if rate is not None and quote.price.currency != self.currency:
                self._figure(rate, region)
            for other in quote.others:
                self.notes.setdefault(other.note, {})[region] = None
                if other.as_of is not None:
                    self._figure(Sourced(as_of=other.as_of, source=other.source, dated=other.dated), region)

    def _figure(self, figure: Sourced, region: str) -> None:
        key = (figure.as_of, figure.source, figure.dated)
        self.figures.setdefault(key, (figure, {}))[1][region] = None


def _clouds(stack: Stack) -> Iterator[str]:
    for resource in stack.resources():
        for prefix, table in _CLOUDS.items():
            if resource.kind.startswith(prefix):
                yield table


def _summed(uses: Sequence[Use]) -> Iterator[Use]:
    """One use for all that are alike, such as nine endpoints."""
    together: dict[tuple[Any, ...], Use] = {}
    for use in uses:
        key = (use.part, use.what, use.items, use.per_gpu, use.note)
        before = together.get(key)
        more = (0.0, 0.0) if before is None else (before.low, before.high)
        together[key] = use.model_copy(update={"low": more[0] + use.low, "high": more[1] + use.high})
    yield from together.values()
