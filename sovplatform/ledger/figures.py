"""How figures are written in a report."""

from __future__ import annotations

from datetime import UTC, datetime

_STEP = 1000
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def size_text(count: int) -> str:
    """Bytes in decimal units with three digits: 12.3 MB."""
    power = 0
    value = float(count)
    while value >= _STEP - 0.5 and power < len(_UNITS) - 1:
        value /= _STEP
        power += 1
    return f"{count} B" if power == 0 else f"{value:.3g} {_UNITS[power]}"


def time_text(at: datetime | None) -> str:
    """A moment to the second, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else "-"


def count_text(count: int, one: str, many: str = "") -> str:
    """`1 crossing`, `1,200 crossings`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def short_digest(digest: str) -> str:
    """Enough of a digest to recognise it by."""
    scheme, colon, value = digest.rpartition(":")
    return f"{scheme}{colon}{value[:12]}…" if len(value) > 16 else digest


def person(actor: str) -> str:
    """Whoever acted, without the scheme of a SPIFFE ID."""
    return actor.removeprefix("spiffe://")
