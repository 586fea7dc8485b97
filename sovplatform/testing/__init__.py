"""For people who write providers: the conformance suite, and an in-memory provider that passes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue

    from sovplatform.records import Finding

__all__ = ["check"]


def check(provider: str, *, jurisdiction: str = "DE", settings: Mapping[str, JsonValue] = {}) -> Sequence[Finding]:
    """What `sovctl plugin check PROVIDER` calls; see `sovplatform.testing.checking.check`."""
    from sovplatform.testing.checking import check

    return check(provider, jurisdiction=jurisdiction, settings=settings)
