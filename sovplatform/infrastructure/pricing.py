"""Price tables: dated prices with the page that each was read from, and what stands for a place that has none.

The tables are the files of `prices/`; a file of the same name in the pilot's own `prices/` directory takes the place of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from sovplatform.errors import ConfigError
from sovplatform.records import Record

RATES = "rates"
STALE_DAYS = 400

Unit = Literal["hour", "month", "GB-month"]
Currency = Literal["EUR", "USD"]
T = TypeVar("T", bound=Record)


class Sourced(Record):
    """A figure, and where it is from. `dated` tells what `as_of` is: the date that the source gives, or the day it was read."""

    as_of: date
    source: str = Field(min_length=8)
    dated: Literal["source", "reading"] = "source"
    note: str = ""

    def stale(self, today: date) -> bool:
        """Whether the figure is too old to be relied on."""
        return (today - self.as_of).days > STALE_DAYS


class Price(Sourced):
    """What one unit of `item` costs in `location`, or everywhere when that is `*`; `low` and `high` differ for spot.

    `gpus` says how many a machine has, so that GPU-hours become hours of machines.
    """

    item: str
    location: str
    unit: Unit
    currency: Currency
    low: float = Field(ge=0)
    high: float = Field(ge=0)
    gpus: int = Field(ge=1, default=1)


class Elsewhere(Record):
    """Places without prices of their own, and the priced place that stands for them, at `low` to `high` times its prices.

    A factor other than 1 has a source of its own.
    """

    locations: str
    priced_as: str
    low: float = Field(gt=0, default=1)
    high: float = Field(gt=0, default=1)
    note: str
    as_of: date | None = None
    source: str = ""
    dated: Literal["source", "reading"] = "source"


class ByUse(Record):
    """Resource types that are charged by what is done with them, which nobody knows beforehand."""

    types: tuple[str, ...]
    reason: str


class PriceTable(Record):
    """The prices of one provider. `free` and `by_use` say of resource types why they have none.

    A pilot's own table with `beside_ours` comes before ours, instead of in its place.
    """

    about: str = ""
    beside_ours: bool = False
    elsewhere: tuple[Elsewhere, ...] = ()
    prices: tuple[Price, ...]
    free: tuple[str, ...] = ()
    by_use: tuple[ByUse, ...] = ()

    def before(self, ours: PriceTable) -> PriceTable:
        """Both, where what this one says counts first."""
        both = {name: (*getattr(self, name), *getattr(ours, name)) for name in ("elsewhere", "prices", "free", "by_use")}
        return self.model_copy(update=both)


class Rate(Sourced):
    """One `base` is worth `rate` of `quote`."""

    base: Currency
    quote: Currency
    rate: float = Field(gt=0)


class Rates(Record):
    rates: tuple[Rate, ...]


class Quote(Record):
    """A price as it holds for a place. `stands_for` says whose price it is when it is not the place's own."""

    price: Price
    low: float
    high: float
    stands_for: str = ""
    others: tuple[Elsewhere, ...] = ()


class Prices:
    """All tables, and the rates between currencies."""

    def __init__(self, tables: Mapping[str, PriceTable], rates: Rates) -> None:
        self.tables = tables
        self.rates = rates

    @classmethod
    def load(cls, own: Path | None = None) -> Prices:
        """Our tables, each replaced by the file of the same name in `own`, or preceded where that is `beside_ours`.

        Raises:
            ConfigError: a file there is no price table; the message says what is wrong with it.
        """
        ours = {item.name: (item.name, item.read_text()) for item in _builtin() if item.name.endswith(".json")}
        texts = dict(ours)
        if own is not None and own.is_dir():
            texts |= {file.name: (str(file), file.read_text()) for file in sorted(own.glob("*.json"))}
        rates = _read(Rates, *texts.pop(f"{RATES}.json"))
        tables = {name: _read(PriceTable, *text) for name, text in texts.items()}
        for name, table in tables.items():
            if table.beside_ours and name in ours:
                tables[name] = table.before(_read(PriceTable, *ours[name]))
        return cls({name.removesuffix(".json"): table for name, table in tables.items()}, rates)

    def quote(self, table: str, item: str, location: str) -> Quote | None:
        """The price of `item` in `location`, or of the place that stands for it; None when there is none at all."""
        if table not in self.tables:
            return None
        return self._quote(self.tables[table], item, location, location, ())

    def _quote(self, table: PriceTable, item: str, asked: str, location: str, passed: tuple[Elsewhere, ...]) -> Quote | None:
        for price in table.prices:
            if price.item == item and price.location == location:
                return _quoted(price, asked, passed)
        for other in table.elsewhere:
            if fnmatchcase(location, other.locations) and other.priced_as != location:
                return self._quote(table, item, asked, other.priced_as, (*passed, other))
        everywhere = next((price for price in table.prices if price.item == item and price.location == "*"), None)
        return None if everywhere is None else _quoted(everywhere, asked, passed)

    def worth(self, amount: float, currency: str, wanted: str) -> float | None:
        """An amount in another currency; None without a rate."""
        if currency == wanted:
            return amount
        rate = self.rate(currency, wanted)
        if rate is None:
            return None
        return amount * rate.rate if rate.base == currency else amount / rate.rate

    def rate(self, one: str, other: str) -> Rate | None:
        """The rate between two currencies, whichever way it is quoted."""
        return next((rate for rate in self.rates.rates if {rate.base, rate.quote} == {one, other}), None)

    def free(self, kind: str) -> bool:
        """Whether resources of this type cost nothing."""
        return any(fnmatchcase(kind, pattern) for table in self.tables.values() for pattern in table.free)

    def by_use(self, kind: str) -> str:
        """Why a resource type has no price beforehand, or nothing."""
        uses = (use for table in self.tables.values() for use in table.by_use)
        return next((use.reason for use in uses if any(fnmatchcase(kind, pattern) for pattern in use.types)), "")


def _builtin() -> list[Path]:
    return sorted(Path(str(files("sovplatform.infrastructure") / "prices")).iterdir())


def _quoted(price: Price, asked: str, passed: tuple[Elsewhere, ...]) -> Quote:
    low, high = price.low, price.high
    # A price that is the same everywhere needs no other place; a place that is dearer than others is so for all that it sells.
    others = tuple(one for one in passed if price.location != "*" or (one.low, one.high) != (1, 1))
    for one in others:
        low, high = low * one.low, high * one.high
    stands_for = "" if not others else others[-1].priced_as if price.location != "*" else others[0].priced_as
    return Quote(price=price, low=low, high=high, stands_for=stands_for, others=others)


def _read(kind: type[T], name: str, text: str) -> T:
    try:
        return kind.from_json(text)
    except ValidationError as err:
        first = err.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigError(
            f"{name} is no price table: {where}: {first['msg']}",
            remedy="give each price item, location, unit, currency, low, high, as_of and source; see docs/infrastructure/cost.md",
        ) from err
