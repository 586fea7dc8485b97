"""What `sovctl doctor` looks at: regions, rules, who may write, and where regions are in clouds, what Terraform needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from sovplatform.errors import SovError, Unsupported
from sovplatform.interfaces import Region
from sovplatform.pilot import Pilot
from sovplatform.plugins import Plugins
from sovplatform.plugins.discovery import HERE
from sovplatform.private import open_to_writers
from sovplatform.records import Finding


def regions(found: Mapping[str, Region]) -> Iterator[Finding]:
    """What each region finds of itself."""
    for name, region in found.items():
        yield from (_named(name, item) for item in region.check())


def infrastructure(pilot: Pilot, plugins: Plugins, found: Mapping[str, Region], terraform: str) -> Iterator[Finding]:
    """What `sovctl plan` would miss, beside what the regions found themselves; nothing of a pilot on one machine."""
    if all(spec.provider == HERE for spec in pilot.regions):
        return
    yield _terraform(pilot, plugins, terraform)
    for name, region in found.items():
        told = {item.check for item in region.check()}
        yield from (_named(name, item) for item in region.check_for_infrastructure() if item.check not in told)


def rules(root: Path, directories: Sequence[Path]) -> Finding:
    """Whether every gate will be able to ask the pilot's own rules and those of its plugins."""
    from sovplatform.policy.engine import PolicyEngine
    from sovplatform.policy.review import review

    try:
        review(directories)
        PolicyEngine(directories)
    except SovError as err:
        return Finding(check="policy", ok=False, detail=err.message.replace(f"{root}/", ""), remedy=err.remedy)
    return Finding(check="policy", ok=True, detail="further rules compile" if directories else "no further rules")


def writers(root: Path) -> Finding:
    """Whether nobody but its owner and their group may write to the pilot: its code is run where the data is."""
    found = open_to_writers(root)
    if not found:
        return Finding(check="files", ok=True, detail="not everybody may write to them")
    named = ", ".join(str(path.relative_to(root.parent)) for path in found[:3]) + (" …" if len(found) > 3 else "")
    remedy = f"see that nothing was changed, then: chmod -R o-w {root}"
    return Finding(check="files", ok=False, detail=f"anybody may write to {named}", remedy=remedy)


def _named(region: str, finding: Finding) -> Finding:
    return finding.model_copy(update={"check": f"{region}: {finding.check}"})


def _terraform(pilot: Pilot, plugins: Plugins, command: str) -> Finding:
    """Whether there is one that is new enough for every place's state."""
    from sovplatform.infrastructure.places import places
    from sovplatform.infrastructure.terraform import find

    try:
        terraform = find(command)
        for place in places(pilot):
            try:
                module, _, forms = plugins.stack_forms(place.region.provider).partition(":")
            except Unsupported:
                continue  # no Terraform of it, so none is needed for it
            backend = getattr(import_module(module), forms)(place.region, pilot.name).backend("")
            terraform.require_version(backend.terraform, backend.opentofu, needed_by=f"the state of region {place.region.name}")
    except Unsupported as err:
        return Finding(check="Terraform", ok=False, detail=f"{err.feature}: {err.reason}", remedy=err.remedy)
    except SovError as err:
        return Finding(check="Terraform", ok=False, detail=err.message, remedy=err.remedy)
    except Exception as err:  # a plugin's own mistake
        told = f"{type(err).__name__}: {err}"
        return Finding(check="Terraform", ok=False, detail=told, remedy="report it to whoever makes the plugin")
    return Finding(check="Terraform", ok=True, detail=f"{terraform}")
