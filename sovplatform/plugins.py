"""Plugins: found through entry points, loaded only when allow-listed, looked up by name.

A plugin is code with this program's rights, so being installed is not enough: `pilot.yaml` lists it, or it is one of ours.
What is listed and cannot be loaded stops the program; what is not listed is never imported.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from sovplatform import hookspecs
from sovplatform.errors import ConfigError, PluginError, Problem, SettingError, SovError, Unsupported
from sovplatform.interfaces.region import Region
from sovplatform.records import Record, RegionSpec

if TYPE_CHECKING:
    import click

    from sovplatform.border.inspection import Inspector
    from sovplatform.pilot import Pilot

GROUP = "sovplatform"
_LONGEST = 300
_PROVIDER = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_FORMS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)

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


def installed(plugins: Plugins | None = None) -> tuple[InstalledPlugin, ...]:
    """All plugins of this Python, by name; `loaded` when `plugins` holds them. Imports none of them."""
    loaded = plugins.names if plugins else ()
    found = [_described(point, loaded=point.name in loaded) for point in entry_points(group=GROUP)]
    return tuple(sorted(found, key=lambda plugin: (plugin.name, plugin.distribution)))


class Plugins:
    """The plugins of one pilot. Make it with `Plugins.load`."""

    def __init__(self) -> None:
        self._pluggy = pluggy.PluginManager(hookspecs.PROJECT)
        self._pluggy.add_hookspecs(hookspecs)
        self._providers: dict[str, str] = {}

    @classmethod
    def load(cls, names: Sequence[str] = ()) -> Plugins:
        """Import the installed built-in plugins and those listed in `names`, and no other.

        Raises:
            PluginError: a plugin is listed but missing, cannot be imported, has a hook that does not exist, comes
                from two distributions, or takes the provider name of another.
        """
        found: dict[str, list[EntryPoint]] = {}
        for point in entry_points(group=GROUP):
            found.setdefault(point.name, []).append(point)
        plugins = cls()
        built_in = [name for name in BUILT_IN if name in found]
        for name in dict.fromkeys([*built_in, *names]):
            plugins._register(_chosen(name, found))
        return plugins

    @property
    def names(self) -> tuple[str, ...]:
        """The plugins that are loaded, built-in ones first."""
        return tuple(name for name, plugin in self._pluggy.list_name_plugin() if plugin is not None)

    def providers(self) -> tuple[str, ...]:
        """The provider names that `make_region` knows, sorted."""
        return tuple(sorted(self._providers))

    def make_region(self, spec: RegionSpec, pilot: str, home: Path) -> Region:
        """The Region of `spec`, made by the plugin whose provider name it gives, and by no other; nothing is started.

        Raises:
            ConfigError: no loaded plugin has that provider name, or the provider does not accept the settings.
            PluginError: the plugin failed, or answered with something that is no Region.
        """
        plugin = self._providers.get(spec.provider)
        if plugin is None:
            raise _unknown_provider(spec, self.providers())
        region = self._call_one(plugin, "sov_make_region", spec=spec, pilot=pilot, home=home)
        if not isinstance(region, Region):
            raise PluginError(
                f"plugin {plugin} made no region for provider {spec.provider}",
                remedy="its sov_make_region must return a sovplatform.interfaces.Region",
            )
        return region

    def complaints(self, pilot: Pilot) -> Iterator[SettingError]:
        """What the providers have against the settings of a pilot's regions. Nothing is started.

        Raises:
            PluginError: a plugin failed.
        """
        for spec in pilot.regions:
            if spec.provider not in self._providers:
                continue
            try:
                self.make_region(spec, pilot.name, Path(os.devnull))
            except SettingError as err:
                yield err
            except PluginError:
                raise
            except ConfigError as err:  # a provider that does not tell which setting it means
                yield SettingError(spec.name, [Problem((), err.message, err.remedy)])

    def jurisdictions(self, provider: str) -> tuple[str, ...] | None:
        """Where a provider has places; None when it can be anywhere, or does not say.

        Raises:
            PluginError: the plugin failed.
        """
        plugin = self._providers.get(provider)
        found = self._call_one(plugin, "sov_jurisdictions") if plugin else None
        return None if found is None else tuple(sorted(found))

    def stack_forms(self, provider: str) -> str:
        """Where a provider's Terraform forms are: `module:Class`. The module is imported by the synthesis, not here.

        Raises:
            Unsupported: the provider has none.
            PluginError: the plugin failed.
        """
        plugin = self._providers.get(provider)
        found = self._call_one(plugin, "sov_stack_forms", provider=provider) if plugin else None
        if not found:
            raise Unsupported(f"Terraform for provider {provider}", reason="its plugin offers no stack forms")
        if not isinstance(found, str) or not _FORMS.fullmatch(found):
            raise _wrong_answer(str(plugin), "sov_stack_forms", "`module:Class`")
        return found

    def rules(self) -> tuple[Path, ...]:
        """Directories of further Rego rules, from all plugins.

        Raises:
            PluginError: a plugin names a directory that is not there.
        """
        directories = tuple(
            Path(directory) for directory in self._gather("sov_policy_rules", lambda one: isinstance(one, str | Path), "paths")
        )
        for directory in directories:
            if not directory.is_dir():
                raise PluginError(
                    f"a plugin names rules at {directory.name}, which is no directory", remedy="reinstall the plugin"
                )
        return directories

    def inspectors(self) -> tuple[Inspector, ...]:
        """Further inspectors of the gate, from all plugins."""
        return tuple(self._gather("sov_inspectors", _inspects, "inspectors: a `name` and a method `inspect`"))

    def commands(self) -> tuple[click.Command, ...]:
        """Further commands of `sovctl`, from all plugins."""
        import click

        return tuple(self._gather("sov_commands", lambda one: isinstance(one, click.Command), "click commands"))

    def _register(self, point: EntryPoint) -> None:
        try:
            self._pluggy.register(point.load(), name=point.name)
            self._pluggy.check_pending()
        except (Exception, SystemExit) as err:  # a plugin may fail in any way; whichever it is, the program stops
            raise PluginError(
                f"plugin {_origin(point)} does not load: {_told(err)}",
                remedy="repair or reinstall it, or take it out of `plugins` in pilot.yaml",
            ) from err
        provider = self._call_one(point.name, "sov_provider_name")
        if provider is None:
            return
        if not isinstance(provider, str) or not _PROVIDER.fullmatch(provider):
            raise _wrong_answer(point.name, "sov_provider_name", "a name of lower-case letters, digits and '-'")
        if provider in BUILT_IN and point.name != provider:
            raise PluginError(
                f"plugin {_origin(point)} takes the provider name {provider}, which is {BUILT_IN[provider]}'s alone",
                remedy="take it out of `plugins` in pilot.yaml",
            )
        if provider in self._providers:
            raise PluginError(
                f"plugin {_origin(point)} takes the provider name {provider}, which plugin {self._providers[provider]} has",
                remedy="take one of the two out of `plugins` in pilot.yaml",
            )
        self._providers[provider] = point.name

    def _call_one(self, plugin: str, hook: str, **arguments: Any) -> Any:
        """What one plugin answers to a hook; None when it has none. Other plugins are not asked."""
        others = [other for name, other in self._pluggy.list_name_plugin() if name != plugin]
        caller = self._pluggy.subset_hook_caller(hook, remove_plugins=others)
        answer = self._guarded(hook, caller, plugin, **arguments)
        return (answer or [None])[0] if isinstance(answer, list) else answer

    def _gather(self, hook: str, fits: Callable[[Any], bool], what: str) -> Iterable[Any]:
        for name in self.names:
            answer = self._call_one(name, hook)
            if answer is None:
                continue
            if not isinstance(answer, list | tuple) or not all(map(fits, answer)):
                raise _wrong_answer(name, hook, f"a list of {what}")
            yield from answer

    @staticmethod
    def _guarded(hook: str, caller: Any, plugin: str, **arguments: Any) -> Any:
        try:
            return caller(**arguments)
        except SovError:
            raise
        except (Exception, SystemExit) as err:
            raise PluginError(
                f"plugin {plugin} failed in {hook}: {_told(err)}",
                remedy="report it to whoever makes the plugin, or take it out of `plugins` in pilot.yaml",
            ) from err


def _chosen(name: str, found: dict[str, list[EntryPoint]]) -> EntryPoint:
    points = found.get(name, [])
    if not points:
        raise PluginError(
            f"plugin {name} is listed but not installed{_did_you_mean(name, found)}",
            remedy="install the distribution that offers it, or take it out of `plugins` in pilot.yaml",
        )
    if len(points) > 1:
        raise PluginError(
            f"plugin {name} is offered by more than one distribution: {', '.join(_origin(point) for point in points)}",
            remedy="uninstall all but one",
        )
    expected = BUILT_IN.get(name)
    if expected and _described(points[0]).distribution != expected:
        raise PluginError(f"plugin {_origin(points[0])} takes the name of {expected}", remedy=f"uninstall it; install {expected}")
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


def _told(err: BaseException) -> str:
    """What a plugin raised, on one line, whatever it is; some exceptions cannot even say what they are."""
    try:
        text = " ".join(str(err).split())
    except Exception:
        text = "it does not say why"
    return "".join(character if character.isprintable() else "?" for character in f"{type(err).__name__}: {text}")[:_LONGEST]


def _inspects(one: Any) -> bool:
    return isinstance(getattr(one, "name", None), str) and callable(getattr(one, "inspect", None))


def _wrong_answer(plugin: str, hook: str, wanted: str) -> PluginError:
    remedy = "report it to whoever makes the plugin, or take it out of `plugins` in pilot.yaml"
    return PluginError(f"plugin {plugin} answers {hook} with something other than {wanted}", remedy=remedy)


def _origin(point: EntryPoint) -> str:
    plugin = _described(point)
    return f"{plugin.name} ({plugin.module} of {plugin.distribution} {plugin.version})"


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _unknown_provider(spec: RegionSpec, providers: Sequence[str]) -> ConfigError:
    unlisted = [plugin.name for plugin in installed() if plugin.name == spec.provider]
    if unlisted:
        remedy = f"plugin {spec.provider} is installed; list it under `plugins` in pilot.yaml if you trust it"
    else:
        remedy = f"use one of: {', '.join(providers) or 'none is installed; install sovplatform[onprem]'}"
    return ConfigError(
        f"region {spec.name} has the unknown provider {spec.provider}{_did_you_mean(spec.provider, providers)}", remedy=remedy
    )
