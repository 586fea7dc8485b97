"""`sovctl completion`: the shell's completion script."""

from __future__ import annotations

import click

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
