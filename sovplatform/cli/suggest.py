"""What the shell offers for options whose values only the pilot knows. A pilot that cannot be read offers nothing."""

from __future__ import annotations

from pathlib import Path

import click

from sovplatform import config
from sovplatform.errors import SovError


def regions(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The pilot's regions, and their sites."""
    from sovplatform.infrastructure.places import places

    given = ctx.params.get("pilot_directory") or ctx.find_root().params.get("pilot_directory") or config.settings().pilot
    try:
        pilot = config.load(config.find_pilot(Path(str(given))), for_infrastructure=True)
        names = [*(region.name for region in pilot.regions), *(place.region.name for place in places(pilot))]
    except (SovError, OSError):
        return []
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def weeks(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The weeks of a pilot."""
    return [week for week in ("1", "2", "3", "4") if week.startswith(incomplete)]
