"""The regions of a pilot to be: what is asked for, how they are named, and their text in `pilot.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sovplatform.config.jurisdictions import CODES, remedy_for
from sovplatform.errors import ConfigError

EDGE = "edge"
"""The provider whose places serve and hold no data."""
_STATE = ("state_bucket: NAME", "where Terraform keeps the region's state")
_FILL_IN = {
    "aws": (('account: "000000000000"', "12 digits, in quotes"), _STATE),
    "gcp": (("project: NAME", "its ID"), _STATE),
    "onprem": (("context: NAME", "its cluster, as the kubeconfig calls it"), ("vault: https://HOST:8200", "has its keys")),
}
"""What a provider wants to know before it is used for real."""


@dataclass(frozen=True)
class Place:
    """A region to be: a provider and a jurisdiction, as `PROVIDER:JURISDICTION` says them."""

    provider: str
    jurisdiction: str

    @classmethod
    def parse(cls, text: str) -> Place:
        """Raises ConfigError when `text` is no such pair, or the jurisdiction does not exist."""
        provider, colon, jurisdiction = text.partition(":")
        if not (provider and colon and jurisdiction):
            raise ConfigError(f"'{text}' is no place", remedy="write PROVIDER:JURISDICTION, such as onprem:DE")
        if jurisdiction not in CODES:
            raise ConfigError(f"the jurisdiction '{jurisdiction}' of '{text}' does not exist", remedy=remedy_for(jurisdiction))
        return cls(provider, jurisdiction)


def named(places: Sequence[Place], prefix: str = "") -> tuple[tuple[str, Place], ...]:
    """Regions are named after their jurisdictions; a second one in the same is `de-2`."""
    found: list[tuple[str, Place]] = []
    for index, place in enumerate(places):
        before = sum(other.jurisdiction == place.jurisdiction for other in places[:index])
        found.append((prefix + place.jurisdiction.lower() + (f"-{before + 1}" if before else ""), place))
    return tuple(found)


def region_text(name: str, place: Place, role: str, *, planned: bool = True, lacks: str = "") -> str:
    """A region as `pilot.yaml` has it; where it is `planned`, with what its provider wants to know, as a comment. `lacks` is the
    GPU that is not there.
    """
    if lacks:
        gpu = f"      gpu: none                   # there is no {lacks}: another that is there, or none\n"
        fill_in = "".join(f"      # {setting:<25} # FILL IN: {about}\n" for setting, about in _FILL_IN.get(place.provider, ()))
        return _block(name, place, role) + "    settings:\n" + gpu + fill_in
    if place.provider not in _FILL_IN or not planned:
        return f"  - {{name: {name}, jurisdiction: {place.jurisdiction}, role: {role}, provider: {place.provider}}}\n"
    lines = [f"    #   {setting:<25} # {about}\n" for setting, about in _FILL_IN[place.provider]]
    hint = "    # settings:                   # FILL IN before anything is applied; plans and costs do without\n"
    return _block(name, place, role) + hint + "".join(lines)


def edge_text(name: str, place: Place) -> str:
    """A region of edge sites, with two of them to begin with."""
    sites = [
        f"        - {{name: site-{number}, jurisdiction: {place.jurisdiction}, context: {name}-site-{number}}}\n"
        for number in (1, 2)
    ]
    hint = "      sites:                      # small clusters; `context` is what the kubeconfig calls each\n"
    return _block(name, place, "edge") + "    settings:\n" + hint + "".join(sites)


def _block(name: str, place: Place, role: str) -> str:
    return f"  - name: {name}\n    jurisdiction: {place.jurisdiction}\n    role: {role}\n    provider: {place.provider}\n"
