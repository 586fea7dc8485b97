"""What a pattern's run came to, as far as it went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from sovplatform.records import Record
from sovplatform.stages.records import Candidate, Datasets, Deployment, Health, Plan, Released, Served, Signed

R = TypeVar("R", bound=Record)


@dataclass
class Outcome:
    plan: Plan | None = None
    deployment: Deployment | None = None
    datasets: Datasets | None = None
    candidate: Candidate | None = None
    signed: Signed | None = None
    released: Released | None = None
    served: Served | None = None
    health: Health | None = None

    def need(self, kind: type[R]) -> R:
        """The record of that kind, which an earlier stage has made."""
        return next(value for value in vars(self).values() if isinstance(value, kind))
