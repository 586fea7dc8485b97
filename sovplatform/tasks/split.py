"""Training and holdout: on which side a row falls follows from its `row_id`, so that the laboratory splits as the regions did."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

ROW_ID = "row_id"


def split(
    table: Iterable[Mapping[str, str]], holdout: float, seed: int
) -> tuple[list[Mapping[str, str]], list[Mapping[str, str]]]:
    """Training and holdout rows. Which side a row is on follows from its id and the seed alone, wherever it is asked."""
    sides: tuple[list[Mapping[str, str]], list[Mapping[str, str]]] = ([], [])
    for row in table:
        sides[unit(f"split/{seed}/{row[ROW_ID]}") < holdout].append(row)
    return sides


def unit(text: str) -> float:
    """A number in [0, 1) that follows from the text, evenly spread over texts."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
