"""`sovctl completion`: the shell's completion script, and what it completes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from sovplatform import config
from sovplatform.errors import SovError

_INSTALL = {
    "bash": 'eval "$(sovctl completion bash)"   in ~/.bashrc',
    "zsh": 'eval "$(sovctl completion zsh)"   in ~/.zshrc',
    "fish": "sovctl completion fish > ~/.config/fish/completions/sovctl.fish",
}


@click.command(epilog="Install with: " + "; ".join(_INSTALL.values()))
@click.argument("shell", metavar="[bash|fish|zsh]")
def completion(shell: str) -> None:
    """Print a shell's completion script."""
    if shell not in _INSTALL:
        raise click.UsageError(f"there is no completion for '{shell}'; use one of: {', '.join(sorted(_INSTALL))}")
    from click.shell_completion import get_completion_class

    from sovplatform.cli.main import root

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"this version of click has no completion for {shell}")
    click.echo(kind(root, {}, "sovctl", "_SOVCTL_COMPLETE").source())


def places(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The regions and sites of the pilot, for a `--region` of its infrastructure. Of a pilot that is wrong, none."""
    given = ctx.params.get("pilot_directory") or ctx.find_root().params.get("pilot_directory") or config.settings().pilot
    with suppress(SovError):
        from sovplatform.infrastructure.places import places as places_of

        pilot = config.load(config.find_pilot(Path(str(given))), for_infrastructure=True)
        names = [*(region.name for region in pilot.regions), *(place.region.name for place in places_of(pilot))]
        return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]
    return []
