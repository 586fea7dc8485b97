"""`sovctl cost`: a month of the infrastructure, before anything is launched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from sovplatform.cli import suggest
from sovplatform.cli.call import Call, pass_call
from sovplatform.cli.progress import Progress
from sovplatform.cli.table import WIDTH, table, wrapped
from sovplatform.errors import Denied

if TYPE_CHECKING:
    from sovplatform.infrastructure.estimate import CostEstimate, CostLine
    from sovplatform.pilot import BudgetSpec

_UNITS = {"hour": "h of", "month": "", "GB-month": "GB of"}


@click.command()
@click.option(
    "--region", metavar="R", shell_complete=suggest.regions, help="Show only this region or site; the budget is that of all."
)
@pass_call
def cost(call: Call, region: str | None) -> None:
    """Tell what a month of the infrastructure costs, before anything is launched.

    It is list prices times what may run, at least and at most; spot prices are a range. What has no price is listed. Tables in
    the pilot's prices/ take the place of those of sovplatform. The exit code is 3 when a month may cost more than the budget,
    or when machines of a cloud have no price.
    """
    from sovplatform.infrastructure.estimate import CostVerdict
    from sovplatform.infrastructure.places import places_of

    platform = call.platform(infrastructure=True)
    with Progress() as progress:
        whole = platform.infrastructure.cost(progress=progress.doing)
    budget = platform.pilot.infrastructure.budget
    verdict = CostVerdict(
        amount=budget.amount,
        currency=budget.currency,
        month_high=whole.total.month_high,
        within=not (whole.over(budget) or whole.unknown),
    )
    whole = whole.model_copy(update={"budget": verdict})
    shown = whole.of(region, places_of(platform.pilot, region)) if region else whole
    call.show(shown, lambda: print_estimate(shown, budget))
    if whole.over(budget):
        raise Denied(
            f"a month may cost {money(whole.total.month_high)} {whole.currency}, "
            f"over the budget of {money(budget.amount)} {budget.currency}",
            remedy="make pools smaller, train for fewer hours, or raise infrastructure.budget.amount",
        )
    if whole.unknown:
        raise Denied(
            f"nobody knows what a month costs: there is no price of {', '.join(whole.unknown)}",
            remedy="put it into the pilot's prices/, beside ours, as docs/infrastructure/cost.md tells; or take other machines",
        )


def print_estimate(estimate: CostEstimate, budget: BudgetSpec) -> None:
    """Tables of 80 columns: items, regions, what has no price, and where the prices are from."""
    total = estimate.total
    click.secho(
        f"\nA month of pilot {estimate.pilot}: {money(total.month_low)} to {money(total.month_high)} {estimate.currency}",
        bold=True,
    )
    click.echo(f"the budget is {money(budget.amount)} {budget.currency} over all regions")
    for names, rows in _alike(estimate):
        title = f"Region {names[0]}" if len(names) == 1 else f"Each of {len(names)} regions that are alike"
        table(title, ("least", "most", "what"), rows, right=(0, 1))
        if len(names) > 1:
            click.echo("\n".join(wrapped(f"they are {', '.join(names)}", WIDTH)))
    sums = [(one.region, money(one.month_low), money(one.month_high), money(one.month_on_demand)) for one in estimate.totals]
    last = ("all", money(total.month_low), money(total.month_high), money(total.month_on_demand))
    table(
        f"Regions, in {estimate.currency}",
        ("region", "least", "most", "without spot"),
        [*sums, last] if len(sums) > 1 else sums,
        right=(1, 2, 3),
    )
    if total.month_on_demand > total.month_high:
        click.echo("without spot: the most, if no spot machine is to be had")
    missing = [(item.what, f"{item.reason} ({', '.join(item.regions)})") for item in estimate.not_priced]
    table("Not priced", ("what", "why, and where"), missing)
    sources = [(one.as_of.isoformat(), "says" if one.dated == "source" else "read", one.source) for one in estimate.sources]
    table("Prices are of", ("date", "", "source"), sources)
    for text in estimate.warnings:
        table("", ("", ""), [("note", text)])


def _alike(estimate: CostEstimate) -> Iterator[tuple[list[str], Sequence[tuple[str, str, str]]]]:
    """Regions by what is printed of them, such as many sites of one size."""
    found: dict[tuple[tuple[str, str, str], ...], list[str]] = {}
    for region in estimate.totals:
        items = [line for line in estimate.lines if line.region == region.region]
        rows = tuple((money(line.month_low), money(line.month_high), _described(line)) for line in items)
        found.setdefault(rows, []).append(region.region)
    yield from ((names, rows) for rows, names in found.items() if rows)


def _described(line: CostLine) -> str:
    low, high = _number(line.quantity_low), _number(line.quantity_high)
    quantity = high if low == high else f"{low} to {high}"
    price = f", at prices of {line.stands_for}" if line.stands_for else ""
    what = line.what.replace("KMS keys", "KMS key", 1) if quantity == "1" else line.what
    return f"{line.part}: {' '.join(filter(None, (quantity, _UNITS[line.unit], what)))}{price}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) or value >= 100 else f"{value:,.1f}"


def money(value: float) -> str:
    """Whole units; cents of what is less than ten."""
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.2f}"
