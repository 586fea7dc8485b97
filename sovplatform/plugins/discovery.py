"""Which plugins are installed, by their entry points, and from which distribution each may come. None is imported here."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from importlib.metadata import EntryPoint, entry_points

from sovplatform.errors import PluginError
from sovplatform.records import Record

GROUP = "sovplatform"

BUILT_IN = {
    "onprem": "sovplatform-onprem",
    "aws": "sovplatform-aws-sovereign",
    "gcp": "sovplatform-gcp",
    "edge": "sovplatform-telco-edge",
}
"""Plugins that need no listing, and the only distribution each may come from."""

HERE = "onprem"
"""The provider whose embedded profile needs no infrastructure: a pilot of it alone is all on this machine."""


class InstalledPlugin(Record):
    """One entry point in the group `sovplatform`: its name, where it comes from, and whether it was loaded."""

    name: str
    distribution: str
    version: str
    module: str
    loaded: bool = False


def installed(loaded: Collection[str] = ()) -> tuple[InstalledPlugin, ...]:
    """All plugins of this Python, by name. `loaded` are the names of those that were."""
    found = [_described(point, loaded=point.name in loaded) for point in entry_points(group=GROUP)]
    return tuple(sorted(found, key=lambda plugin: (plugin.name, plugin.distribution)))


def choose(names: Iterable[str]) -> list[EntryPoint]:
    """The entry points of the built-in plugins that are installed, and of those listed in `names`.

    Raises:
        PluginError: one is listed but missing, or comes from two distributions, or has a built-in one's name.
    """
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, []).append(point)
    built_in = [name for name in BUILT_IN if name in found]
    return [_chosen(name, found) for name in dict.fromkeys([*built_in, *names])]


def origin(point: EntryPoint) -> str:
    plugin = _described(point)
    return f"{plugin.name} ({plugin.module} of {plugin.distribution} {plugin.version})"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _chosen(name: str, found: dict[str, list[EntryPoint]]) -> EntryPoint:
    points = found.get(name, [])
    if not points:
        raise PluginError(
            f"plugin {name} is listed but not installed{did_you_mean(name, found)}",
            remedy="install the distribution that offers it, or take it out of `plugins` in pilot.yaml",
        )
    if len(points) > 1:
        raise PluginError(
            f"plugin {name} is offered by more than one distribution: {', '.join(origin(point) for point in points)}",
            remedy="uninstall all but one",
        )
    expected = BUILT_IN.get(name)
    if expected and _described(points[0]).distribution != expected:
        raise PluginError(f"plugin {origin(points[0])} takes the name of {expected}", remedy=f"uninstall it; install {expected}")
    return points[0]


def _described(point: EntryPoint, *, loaded: bool = False) -> InstalledPlugin:
    distribution = point.dist
    return InstalledPlugin(
        name=point.name,
        distribution=distribution.name if distribution else "",
        version=distribution.version if distribution else "",
        module=point.value,
        loaded=loaded,
    )
