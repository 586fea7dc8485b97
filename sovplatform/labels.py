"""The label lattice: where a thing may rest and how sensitive it is.

What is derived from labelled things carries the join of their labels: the narrowest residency, the highest
sensitivity. Only a declassifier may lower a label, and it must leave evidence (Denning, "A Lattice Model of Secure
Information Flow", CACM 1976; Myers & Liskov, "Decentralized Label Model", SOSP 1997).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema, field_validator

ANYWHERE = "*"


class Sensitivity(IntEnum):
    """How much harm a disclosure does; the order is the lattice's."""

    public = 0
    internal = 1
    confidential = 2
    restricted = 3


def _sensitivity(value: Any) -> Any:
    if isinstance(value, str) and value in Sensitivity.__members__:
        return Sensitivity[value]
    if isinstance(value, Sensitivity):
        return value
    raise ValueError(f"sensitivity is one of {', '.join(Sensitivity.__members__)}, not {value!r}")


SensitivityField = Annotated[
    Sensitivity,
    BeforeValidator(_sensitivity),
    PlainSerializer(lambda value: value.name, return_type=str),
    WithJsonSchema({"enum": list(Sensitivity.__members__)}),
]


class Label(BaseModel):
    """Residency (ISO 3166-1 alpha-2 codes, or `*` for anywhere) and sensitivity. An empty residency is nowhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    residency: tuple[str, ...]
    sensitivity: SensitivityField

    @field_validator("residency")
    @classmethod
    def _canonical(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return (ANYWHERE,) if ANYWHERE in value else tuple(sorted(set(value)))

    def permits(self, jurisdiction: str) -> bool:
        """True when a thing so labelled may rest in `jurisdiction`."""
        return ANYWHERE in self.residency or jurisdiction in self.residency

    def join(self, other: Label) -> Label:
        """The strictest of the two: what something derived from both must carry."""
        if ANYWHERE in self.residency:
            residency: Iterable[str] = other.residency
        elif ANYWHERE in other.residency:
            residency = self.residency
        else:
            residency = set(self.residency) & set(other.residency)
        return Label(residency=tuple(residency), sensitivity=max(self.sensitivity, other.sensitivity))

    def flows_to(self, other: Label) -> bool:
        """True when relabelling to `other` loses no restriction, so that no declassifier is needed."""
        return self.join(other) == other

    def __str__(self) -> str:
        return f"{self.sensitivity.name}@{'+'.join(self.residency) or 'nowhere'}"


PUBLIC = Label(residency=(ANYWHERE,), sensitivity=Sensitivity.public)


def join(labels: Iterable[Label]) -> Label:
    """The join of many labels; of none, `public@*`."""
    result = PUBLIC
    for label in labels:
        result = result.join(label)
    return result
