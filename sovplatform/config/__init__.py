"""pilot.yaml → Pilot; the only reader of configuration files and of environment settings.

Importing this is cheap: YAML and the records are imported when a file is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sovplatform.errors import ConfigError, LackingError, PluginError, Problem, SettingError, and_more

if TYPE_CHECKING:
    from sovplatform.config.yamlsource import Source
    from sovplatform.pilot import Pilot

Providers = Callable[[tuple[str, ...]], Collection[str]]
"""From the plugins that a pilot lists to the provider names that they and the built-in ones offer."""
Complaints = Callable[["Pilot"], Iterable[SettingError]]
"""From a pilot to what its providers have against the settings of its regions."""

PILOT = "pilot.yaml"
SCHEMA = "pilot.schema.json"

__all__ = [
    "PILOT",
    "SCHEMA",
    "Complaints",
    "Providers",
    "Settings",
    "find_pilot",
    "load",
    "loads",
    "located",
    "schema",
    "settings",
]


@dataclass(frozen=True)
class Settings:
    """What the environment sets.

    `SOVCTL_DEBUG=1`: show tracebacks. `SOVCTL_PILOT`: the pilot's directory, as `-C`. `SOVCTL_TERRAFORM`: the command of
    Terraform or OpenTofu, when it is not the one on the path.
    """

    debug: bool = False
    pilot: str = "."
    terraform: str = ""


def settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process."""
    env = os.environ if environment is None else environment
    return Settings(
        debug=env.get("SOVCTL_DEBUG", "") not in ("", "0"),
        pilot=env.get("SOVCTL_PILOT") or ".",
        terraform=env.get("SOVCTL_TERRAFORM", ""),
    )


def find_pilot(directory: Path) -> Path:
    """The `pilot.yaml` of `directory` or of the nearest directory above it.

    Raises:
        ConfigError: there is none.
    """
    start = directory.resolve()
    if not start.is_dir():
        raise ConfigError(f"{directory} is not a directory", remedy="give a pilot's directory with -C DIR")
    for place in (start, *start.parents):
        if (place / PILOT).is_file():
            return place / PILOT
    remedy = "go into a pilot's directory, name it with -C DIR, or make one with: sovctl init pilot DIR"
    raise ConfigError(f"there is no {PILOT} in {directory} or above it", remedy=remedy)


def load(
    path: Path, *, providers: Providers | None = None, complaints: Complaints | None = None, for_infrastructure: bool = False
) -> Pilot:
    """Read and check a pilot's file (or the one in a directory).

    `providers` tells which provider names there are, such as `lambda plugins: Plugins.load(plugins).providers()`; without it
    they are not checked here. `complaints` asks the providers about the regions'
    settings. `for_infrastructure` checks the places and what rests where, and leaves data files, the task and
    people's keys to be filled in later.

    Raises:
        ConfigError: the first thing that is wrong, with its line and a remedy; all of them as `problems`. Nothing was written.
    """
    from sovplatform.config import yamlsource

    path = path / PILOT if path.is_dir() else path
    return _checked(yamlsource.read(path), path.parent, providers, complaints, for_infrastructure=for_infrastructure)


def loads(text: str, path: Path, *, root: Path, providers: Providers | None = None, for_infrastructure: bool = False) -> Pilot:
    """As `load`, of text that is to be written to `path`; the files that it names are looked for in `root`."""
    from sovplatform.config import yamlsource

    return _checked(yamlsource.parse(text, path), root, providers, None, for_infrastructure=for_infrastructure)


def _checked(
    source: Source, root: Path, providers: Providers | None, complaints: Complaints | None, *, for_infrastructure: bool
) -> Pilot:
    from pydantic import ValidationError

    from sovplatform.config import checks
    from sovplatform.config.problems import translate
    from sovplatform.pilot import Pilot

    try:
        pilot = Pilot.model_validate(source.data)
        known = providers(pilot.plugins) if providers else None
        found = list(checks.of_the_infrastructure(pilot, known) if for_infrastructure else checks.problems(pilot, root, known))
        for complaint in complaints(pilot) if complaints else ():
            found += _of_the_pilot(source, complaint)
        cause: Exception | None = None
    except PluginError as err:
        raise PluginError(f"{source.path}:{source.line(('plugins',))}: {err.message}", remedy=err.remedy) from err
    except ValidationError as err:
        found, cause = translate(err, source.data, Pilot.model_json_schema()), err
    if not found:
        return pilot
    raise _told(source, found) from cause


def _told(source: Source, found: Sequence[Problem]) -> ConfigError:
    """The first problem as the message; all of them with file and line."""
    placed = [replace(problem, file=str(source.path), line=source.line(problem.loc)) for problem in found]
    first = placed[0]
    message = f"{first.file}:{first.line}: {first.message}{and_more(len(placed) - 1)}"
    return ConfigError(message, remedy=first.remedy, problems=placed)


def _of_the_pilot(source: Source, complaint: SettingError) -> Iterator[Problem]:
    """A provider's complaint, led from the region's settings to where they are in the file; of a site, to the site's own."""
    regions = source.data.get("regions", []) if isinstance(source.data, dict) else []
    for index, region in enumerate(regions):
        sites = (region.get("settings") or {}).get("sites") or ()
        names = [f"{region['name']}-{site.get('name')}" if isinstance(site, dict) else "" for site in sites]
        if complaint.region not in (region["name"], *names):
            continue
        for problem in complaint.problems:
            place = names.index(complaint.region) if complaint.region in names else None
            own = place is not None and _is_of_the_site(problem, region["settings"], sites[place])
            loc = ("regions", index, "settings", *(("sites", place) if own else ()), *problem.loc)
            if isinstance(complaint, LackingError):
                settings = ("regions", index, "settings")
                site = (*settings, "sites", place) if place is not None else settings
                loc = _asked(source.data, problem.loc, (site, settings)) or ("regions", index)
            prefix = "" if problem.message.startswith(f"region {complaint.region}") else f"region {complaint.region}: "
            yield replace(problem, loc=loc, message=prefix + problem.message)
        return


def _asked(
    data: Mapping[str, Any], loc: tuple[str | int, ...], settings: Iterable[tuple[str | int, ...]]
) -> tuple[str | int, ...]:
    """Where what a region lacks is asked for: by a setting of its own in one of `settings`, or for all; nowhere by a default."""
    for own in settings:
        if loc[-1] in (_at(data, own) or {}):
            return (*own, loc[-1])
    return loc if loc[0] in data else ()


def _at(data: Any, loc: Iterable[str | int]) -> Any:
    for step in loc:
        data = data[step] if isinstance(step, int) else (data or {}).get(step)
    return data


def _is_of_the_site(problem: Problem, settings: Mapping[str, Any], site: Mapping[str, Any]) -> bool:
    name = problem.loc[0] if problem.loc else ""
    return name in site or name not in settings


@contextmanager
def located(path: Path) -> Iterator[None]:
    """Have what a provider says against settings, whenever it does, name the line of the pilot's file."""
    from sovplatform.config import yamlsource

    try:
        yield
    except SettingError as err:
        source = yamlsource.read(path)
        raise _told(source, list(_of_the_pilot(source, err)) or err.problems) from err


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of `pilot.yaml`, for editors and for `docs/pilot-yaml.md`."""
    from sovplatform.config.jsonschema import pilot_schema

    return pilot_schema()
