"""Writes docs/cli.md from `sovctl --help`: `python docs/generate_cli.py`, or `make docs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from sovplatform.cli.main import root

HEAD = """# The command `sovctl`

Every command takes `-C DIR` (the pilot's directory) and `--json`. Errors go to standard error: one line that says what is
wrong, one that says what to do. With `--json` the last line of standard error is `{"error": {…}}` with `message`, `reasons`,
`remedy`, `exit_code` and `problems`, which are all that is wrong (`file`, `line`, `message`, `remedy`) where more than the first
is known; lines before it tell progress.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed, or something that was checked does not hold |
| 2 | wrong usage or configuration; nothing was written |
| 3 | denied by policy; the ledger says why, except of what was only tried (`plan --offline`, `cost`) |
| 130 | interrupted |

| what is refused | exit code |
|---|---|
| a wrong `pilot.yaml`, a setting that is wrong or that `plan` misses, a rule of the pilot's own that cannot be asked | 2 |
| a release or a region that there is not; a directory of `init` that is a file or not empty; nothing planned for `apply` | 2 |
| nobody is logged in to the cloud, a service does not answer, a lock is held, a release to roll back to is not there | 1 |
| a place that is not where the pilot says, foreign credentials, a plan against policy, a release that is not approved | 3 |

| environment | meaning |
|---|---|
| `SOVCTL_PILOT` | the pilot's directory, as `-C` |
| `SOVCTL_TERRAFORM` | the command of Terraform or OpenTofu, when it is not the one on the path |
| `SOVCTL_DEBUG=1` | show the traceback of an error |
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_sections(root, click.Context(root, info_name="sovctl", **root.context_settings))])


def _sections(command: click.Command, context: click.Context) -> Iterator[str]:
    context.terminal_width = 100
    yield f"## `{context.command_path}`\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None  # noqa: S101 - it was listed
            yield from _sections(found, click.Context(found, info_name=name, parent=context))


if __name__ == "__main__":
    Path(__file__).with_name("cli.md").write_text(page())
