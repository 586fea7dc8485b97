"""What an estimate of the cost is: its lines with their prices, what has no price, and where the prices are from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import TypeVar

from sovplatform.errors import ConfigError
from sovplatform.infrastructure.pricing import STALE_DAYS
from sovplatform.pilot import BudgetSpec
from sovplatform.records import Record

Regional = TypeVar("Regional", "NotPriced", "CostSource", "CostNote")


class CostLine(Record):
    """One item of a stack in a month. Unit prices are in `currency`, months in the estimate's.

    `month_on_demand` is what a spot item would cost at most without spot; `stands_for` names the place whose price it is, when it
    is not the stack's own; `part` is the construct.
    """

    stack: str
    region: str
    part: str
    what: str
    quantity_low: float
    quantity_high: float
    unit: str
    unit_price_low: float
    unit_price_high: float
    currency: str
    month_low: float
    month_high: float
    month_on_demand: float
    as_of: date
    dated: str
    source: str
    stands_for: str = ""
    note: str = ""


class NotPriced(Record):
    """What may cost something and has no price here, and why."""

    what: str
    reason: str
    regions: tuple[str, ...]


class CostTotal(Record):
    """A region's month, or all regions'. `on_demand` is the most, if no spot machine is to be had."""

    region: str
    month_low: float
    month_high: float
    month_on_demand: float

    @classmethod
    def of(cls, region: str, lines: Sequence[CostLine]) -> CostTotal:
        """The sum of the lines, under the name of their region, or `all`."""

        def add(field: str) -> float:
            return round(sum(float(getattr(line, field)) for line in lines), 2)

        return cls(
            region=region, month_low=add("month_low"), month_high=add("month_high"), month_on_demand=add("month_on_demand")
        )


class CostSource(Record):
    """Where prices are from, and as of which day, and the regions that use them. `dated` as in `Sourced`."""

    as_of: date
    dated: str
    source: str
    regions: tuple[str, ...]


class CostNote(Record):
    """What makes some prices less to be relied on, such as that they are another place's, and the regions that it is about."""

    text: str
    regions: tuple[str, ...]


class CostVerdict(Record):
    """The budget of a month over all regions, the most that a month may cost, and whether that is within it: it is not when
    machines have no price, for then nobody knows.
    """

    amount: float
    currency: str
    month_high: float
    within: bool


class CostEstimate(Record):
    """A month of a pilot, as of the day `at`. `totals` are by region, `total` of all; `warnings` say what makes it less to be
    relied on: `notes`, and sources that are old or bear no date. `unknown` are machines of a cloud that have no price, in any
    region.
    """

    pilot: str
    currency: str
    lines: tuple[CostLine, ...]
    totals: tuple[CostTotal, ...]
    total: CostTotal
    not_priced: tuple[NotPriced, ...]
    unknown: tuple[str, ...] = ()
    sources: tuple[CostSource, ...]
    notes: tuple[CostNote, ...] = ()
    warnings: tuple[str, ...] = ()
    at: date | None = None
    budget: CostVerdict | None = None

    def over(self, budget: BudgetSpec) -> bool:
        """Whether the most that a month may cost is more than the budget.

        Raises:
            ConfigError: the budget is in another currency than the estimate.
        """
        if budget.currency != self.currency:
            raise ConfigError(f"the estimate is in {self.currency}, the budget in {budget.currency}", remedy="estimate it anew")
        return self.total.month_high > budget.amount

    def of(self, region: str, places: Collection[str]) -> CostEstimate:
        """The part of the places that a region's or a site's name stands for (`places_of`).

        Raises:
            ConfigError: nothing is made in a region of that name.
        """
        known = [total.region for total in self.totals]
        names = [name for name in known if name in places]
        if not names:
            raise ConfigError(f"no stack is in a region {region}", remedy=f"use one of: {', '.join(known)}")
        lines = tuple(line for line in self.lines if line.region in names)
        sources = tuple(_among(item, names) for item in self.sources if set(names) & set(item.regions))
        notes = tuple(_among(item, names) for item in self.notes if set(names) & set(item.regions))
        return self.model_copy(
            update={
                "lines": lines,
                "totals": tuple(total for total in self.totals if total.region in names),
                "total": CostTotal.of("all", lines),
                "not_priced": tuple(_among(item, names) for item in self.not_priced if set(names) & set(item.regions)),
                "sources": sources,
                "notes": notes,
                "warnings": tuple(warnings(notes, sources, self.at or date.today())),
            }
        )


def warnings(notes: Sequence[CostNote], sources: Sequence[CostSource], today: date) -> Iterator[str]:
    """What makes an estimate less to be relied on."""
    yield from (note.text for note in notes)
    old = [source.as_of for source in sources if (today - source.as_of).days > STALE_DAYS]
    if old:
        yield f"{len(old)} of {len(sources)} sources of prices are older than {STALE_DAYS} days, the oldest of {min(old)}"
    undated = sum(source.dated == "reading" for source in sources)
    if undated:
        yield f"{undated} of {len(sources)} sources bear no date: they were read on the day that is given, and may be older"


def _among(item: Regional, regions: Sequence[str]) -> Regional:
    return item.model_copy(update={"regions": tuple(region for region in item.regions if region in regions)})
