"""What a kubeconfig says of clusters, read before Terraform would stumble over it. Its secrets are not looked at."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sovplatform.errors import ConfigError
from sovplatform.records import Finding

_WRITE = "write it with `kubectl config view --flatten`"


def clusters(kubeconfig: str) -> Mapping[str, str]:
    """The address of the API server by context.

    Raises:
        ConfigError: it is not there, or no kubeconfig.
    """
    import yaml

    file = Path(kubeconfig).expanduser()
    try:
        content: Any = yaml.safe_load(file.read_text())
        addresses = {one["name"]: str(one["cluster"]["server"]) for one in content["clusters"]}
        return {one["name"]: addresses.get(one["context"]["cluster"], "") for one in content["contexts"]}
    except OSError as err:
        raise ConfigError(
            f"no kubeconfig at {file}", remedy=f"set `kubeconfig` to the file that leads there, or {_WRITE}"
        ) from err
    except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as err:
        raise ConfigError(f"{file} is no kubeconfig", remedy=_WRITE) from err


def check_context(kubeconfig: str, context: str) -> Finding:
    """Whether the kubeconfig leads to a cluster by that context."""
    try:
        found = clusters(kubeconfig)
    except ConfigError as err:
        return Finding(check="kubeconfig", ok=False, detail=err.message, remedy=err.remedy, setting="kubeconfig")
    if not found.get(context):
        near = difflib.get_close_matches(context, found, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        remedy = f"{hint}set `context` to one of: {', '.join(found) or 'none is there yet'}"
        detail = f"{kubeconfig} leads to no cluster by the context '{context}'"
        return Finding(check="kubeconfig", ok=False, detail=detail, remedy=remedy, setting="context")
    return Finding(check="kubeconfig", ok=True, detail=f"context '{context}' of {kubeconfig}")
