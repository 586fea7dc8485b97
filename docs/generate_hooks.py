"""Writes docs/hooks.md from sovplatform/hookspecs.py: `python docs/generate_hooks.py`, or `make docs`."""

from __future__ import annotations

import inspect
from pathlib import Path

from sovplatform import hookspecs
from sovplatform.plugins.discovery import BUILT_IN, GROUP

HEAD = """# Hooks

A plugin is a distribution with an entry point in the group `{group}`, which names the module that has its hooks:

```toml
[project.entry-points.{group}]
acme = "acme_sov"
```

A hook is a function of that module, marked with `@sovplatform.hookspecs.hookimpl`. Nothing is imported because it is
installed: `pilot.yaml` lists the plugin under `plugins` ({built_in} need no listing). A listed plugin that is
missing, that fails to load, or that has a hook which is not on this page stops the program.
`sovctl plugin list` shows what is installed; `examples/third_party_provider` is a plugin to copy.
"""


def page() -> str:
    """The whole page."""
    names = [name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec")]
    head = HEAD.format(group=GROUP, built_in=", ".join(f"`{name}`" for name in BUILT_IN))
    return "\n".join([head, *(_section(name) for name in names)])


def _section(name: str) -> str:
    hook = getattr(hookspecs, name)
    signature = str(inspect.signature(hook)).replace("'", "")
    first = getattr(hook, f"{hookspecs.PROJECT}_spec")["firstresult"]
    asked = "Only the plugin that has the provider's name is asked." if first else "Every plugin that is loaded is asked."
    return f"## `{name}`\n\n```python\ndef {name}{signature}\n```\n\n{inspect.getdoc(hook)}\n\n{asked}\n"


if __name__ == "__main__":
    Path(__file__).with_name("hooks.md").write_text(page())
