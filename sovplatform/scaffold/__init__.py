"""Make a pilot's directory: checked before anything is written, and whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from pydantic import TypeAdapter, ValidationError

from sovplatform import config
from sovplatform.approvals import generate_key, public_line
from sovplatform.config.checks import closest
from sovplatform.errors import ConfigError, Conflict
from sovplatform.pilot import InfrastructureSpec
from sovplatform.plugins import Plugins
from sovplatform.plugins.discovery import BUILT_IN, HERE, installed
from sovplatform.private import make_directory
from sovplatform.records import Name, Role
from sovplatform.releases import ReleaseRepository
from sovplatform.scaffold.clouds import clouds_text, infrastructure_text, lacks_gpu
from sovplatform.scaffold.installing import install, keep_copy, staging
from sovplatform.scaffold.regions import EDGE, Place, edge_text, named, region_text

__all__ = ["Blueprint", "Made", "Place", "UsageConflict", "make_pilot", "templates"]

EXAMPLES = ("fintech",)
PATTERNS = ("sigt",)
PEOPLE = Path(".sov") / "people"
FABRIC = "fabric"
ROWS = "rows.csv"
_NAME = TypeAdapter[str](Name)
_PLACEHOLDER_KEY = "FILL-IN   # the line of an ed25519 SSH public key: ssh-keygen -t ed25519"


@dataclass(frozen=True)
class Blueprint:
    """What to make. An `example` brings data, a task and demonstration keys; without one they are to be filled in.

    Places of the provider `edge` are written with `sovereign` but only serve.
    """

    name: str
    sovereign: tuple[Place, ...]
    fabric: Place
    pattern: str = "sigt"
    example: str = ""

    @property
    def regions(self) -> tuple[tuple[str, Place], ...]:
        """The regions that hold data, named after their jurisdictions; a second one in the same is `de-2`."""
        return named([place for place in self.sovereign if place.provider != EDGE])

    @property
    def all_regions(self) -> tuple[tuple[str, Place, Role], ...]:
        """Every region with its role."""
        sovereign = [(name, place, Role.sovereign) for name, place in self.regions]
        return (*sovereign, (FABRIC, self.fabric, Role.global_), *((name, place, Role.edge) for name, place in self.edges))

    @property
    def planned(self) -> bool:
        """Whether it is in clouds and clusters, and not all on this machine."""
        return any(place.provider != HERE for _, place, _ in self.all_regions)

    @property
    def edges(self) -> tuple[tuple[str, Place], ...]:
        """The regions that only serve: `edge-de`."""
        return named([place for place in self.sovereign if place.provider == EDGE], prefix=f"{EDGE}-")


@dataclass(frozen=True)
class Made:
    """The files that were written, and the `kept` copy of the `pilot.yaml` that was there before; relative to the directory."""

    files: tuple[Path, ...]
    kept: Path | None = None


def make_pilot(directory: Path, blueprint: Blueprint, *, force: bool = False) -> Made:
    """Write the pilot and return what was made.

    With `force`, files of an existing directory are replaced; its `.sov` (keys, data, ledgers) and its releases stay, and its
    `pilot.yaml` is kept as `pilot.yaml.bak`, or with a number where that is taken.

    Raises:
        Conflict: the directory exists and is not empty.
        ConfigError: the blueprint makes no correct pilot, or git is missing. Nothing was written.
    """
    _check(directory, blueprint, force=force)
    with staging(directory) as staged:
        people = _people(staged, directory, blueprint)
        for path, text in _render(blueprint, people).items():
            target = staged / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        _check_written(staged, directory, blueprint)
        if not (directory / "releases" / ".git").exists():
            readme = (staged / "releases" / "README.md").read_bytes()
            ReleaseRepository.create(staged / "releases", actor=people[0][0], files=[("README.md", readme)])
        made = tuple(
            sorted(path.relative_to(staged) for path in staged.rglob("*") if path.is_file() and ".git" not in path.parts)
        )
        kept = keep_copy(staged, directory, config.PILOT)
        install(staged, directory)
    return Made(files=made, kept=kept)


def _check(directory: Path, blueprint: Blueprint, *, force: bool) -> None:
    if directory.exists() and not directory.is_dir():
        raise UsageConflict(f"{directory} is a file", remedy="choose another directory")
    if directory.is_dir() and any(directory.iterdir()) and not force:
        remedy = "choose another directory, or replace its files with --force (keys, data, ledgers and releases stay)"
        raise UsageConflict(f"{directory} exists and is not empty", remedy=remedy)
    known = sorted({*BUILT_IN, *(plugin.name for plugin in installed())})
    for place in (*blueprint.sovereign, blueprint.fabric):
        if place.provider not in known:
            raise ConfigError(f"there is no provider '{place.provider}'", remedy=closest(place.provider, known))
    _check_jurisdictions((*blueprint.sovereign, blueprint.fabric))
    try:
        _NAME.validate_python(blueprint.name)
    except ValidationError as err:
        remedy = "give a name of lower-case letters, digits and '-' with --name"
        raise ConfigError(f"'{blueprint.name}' cannot be a pilot's name", remedy=remedy) from err
    if blueprint.fabric.provider == EDGE or not blueprint.regions:
        what = "no region holds data" if not blueprint.regions else "the global region cannot be an edge site"
        raise ConfigError(f"{what}: the provider {EDGE} only serves", remedy="use another provider there, such as onprem")


def _check_jurisdictions(places: Sequence[Place]) -> None:
    plugins = Plugins.load(sorted({place.provider for place in places} - BUILT_IN.keys()))
    for place in places:
        there = plugins.jurisdictions(place.provider)
        if there is not None and place.jurisdiction not in there:
            raise ConfigError(
                f"the provider {place.provider} has no region in {place.jurisdiction}",
                remedy=f"use another provider there, such as onprem; {place.provider} has regions in: {', '.join(there)}",
            )


class UsageConflict(Conflict, ConfigError):
    """The directory that was named is in use: the user's input is wrong."""

    exit_code = ConfigError.exit_code


def _people(staged: Path, directory: Path, blueprint: Blueprint) -> list[tuple[str, str]]:
    """Proposer and approver: names and public keys. Keys are made for examples only, and kept when they are there."""
    if not blueprint.example:
        return [("proposer", _PLACEHOLDER_KEY), ("approver", _PLACEHOLDER_KEY)]
    found = []
    make_directory(staged / PEOPLE)
    for name in ("proposer", "approver"):
        existing = directory / PEOPLE / name
        comment = f"{name}@{blueprint.name}-demonstration"
        line = public_line(existing) if existing.exists() else generate_key(staged / PEOPLE / name, comment)
        found.append((name, line))
    return found


def _render(blueprint: Blueprint, people: Sequence[tuple[str, str]]) -> dict[str, str]:
    """All files of the pilot but keys and repository, by path."""
    values = _values(blueprint, people)
    rendered = {"pilot.schema.json": json.dumps(config.schema(), indent=2, ensure_ascii=False) + "\n"}
    for path, text in _walk(templates() / blueprint.pattern):
        target = ".gitignore" if path == "gitignore" else path.removesuffix(".tmpl")
        rendered[target] = Template(text).substitute(values) if path.endswith(".tmpl") else text
    if blueprint.example:
        rendered[ROWS] = (templates() / "examples" / blueprint.example / ROWS).read_text(encoding="utf-8")
    return rendered


def _values(blueprint: Blueprint, people: Sequence[tuple[str, str]]) -> dict[str, str]:
    (proposer, proposer_key), (approver, approver_key) = people
    regions = blueprint.regions
    task = templates() / "examples" / (blueprint.example or "blank") / "task.yaml"
    used = (*blueprint.sovereign, blueprint.fabric)
    plugins = sorted({place.provider for place in used} - BUILT_IN.keys())
    return {
        "name": blueprint.name,
        "example": f"example: {blueprint.example}\n" if blueprint.example else "",
        "plugins": f"[{', '.join(plugins)}]",
        "regions": "".join(
            [
                *(_region(blueprint, name, place, Role.sovereign) for name, place in regions),
                _region(blueprint, FABRIC, blueprint.fabric, Role.global_),
                *(edge_text(name, place) for name, place in blueprint.edges),
            ]
        ),
        "datasets": "".join(_dataset(blueprint, index, *region) for index, region in enumerate(regions)),
        "task": task.read_text(encoding="utf-8"),
        "proposer": proposer,
        "proposer_key": proposer_key,
        "approver": approver,
        "approver_key": approver_key,
        "agreements": ", ".join(sorted({f'"{place.jurisdiction}"' for place in used})),
        "first": regions[0][0],
        "sovereign": ", ".join(f"`{name}` ({place.jurisdiction})" for name, place in regions),
        "fabric": f"`{FABRIC}` ({blueprint.fabric.jurisdiction})",
        "demonstration": _demonstration(blueprint),
        "infrastructure": infrastructure_text(used),
        "clouds": clouds_text(blueprint.name, blueprint.all_regions),
    }


def _region(blueprint: Blueprint, name: str, place: Place, role: Role) -> str:
    """A place may lack the GPU that pilots ask for by default: then its settings say so, and the pilot can be planned."""
    lacks = lacks_gpu(blueprint.name, name, place, role)
    gpu = InfrastructureSpec().training.gpu if lacks else ""
    return region_text(name, place, str(role), planned=blueprint.planned, lacks=gpu)


def _dataset(blueprint: Blueprint, index: int, name: str, place: Place) -> str:
    if blueprint.example == "fintech":
        from sovplatform.tasks.fintech import source

        dataset, where = f"applications-{name}", f'"{source(index, len(blueprint.regions), place.jurisdiction)}"'
    else:
        dataset, where = f"data-{name}", f"file:data/{name}.csv   # FILL IN: a CSV file with a header"
    return (
        f"  - name: {dataset}\n    region: {name}\n    source: {where}\n"
        f"    label: {{residency: [{place.jurisdiction}], sensitivity: restricted}}\n    budget: {{epsilon: 4.0, delta: 1e-5}}\n"
    )


def _demonstration(blueprint: Blueprint) -> str:
    if not blueprint.example:
        return ""
    return Template((templates() / "examples" / blueprint.example / "README.md").read_text(encoding="utf-8")).substitute()


def _check_written(staged: Path, directory: Path, blueprint: Blueprint) -> None:
    """An example must be a pilot that runs; without one, it must be one that can be planned and priced."""
    config.loads(
        (staged / config.PILOT).read_text(),
        directory / config.PILOT,
        root=staged,
        providers=lambda plugins: Plugins.load(plugins).providers(),
        for_infrastructure=not blueprint.example,
    )


def templates() -> Traversable:
    """The templates: in the wheel beside this package, in a checkout at its top."""
    packed = files("sovplatform") / "_templates"
    return packed if packed.is_dir() else Path(__file__).parents[2] / "templates"


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    for item in folder.iterdir():
        if item.is_dir():
            if item.name != "__pycache__":
                yield from _walk(item, f"{prefix}{item.name}/")
        else:
            yield f"{prefix}{item.name}", item.read_text(encoding="utf-8")
