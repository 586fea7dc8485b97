"""Where what is planned comes from: the plan's own word on its providers, and what in it nobody synthesised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sovplatform.infrastructure.flattening import trusted
from sovplatform.infrastructure.written import constants

_SETTINGS = ("backend", "required_providers", "required_version")


def providers(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of each provider, by the name that resources use, as it was planned: `cdk.tf.json` may say another."""
    found = plan.get("configuration", {}).get("provider_config", {})
    return {str(trusted(name)): constants(one.get("expressions", {})) or {} for name, one in found.items()}


def sources(plan: Mapping[str, Any]) -> list[str]:
    """The registry addresses of all providers that the plan uses, without the registry: `hashicorp/aws`."""
    configured = [str(one.get("full_name", "")) for one in plan.get("configuration", {}).get("provider_config", {}).values()]
    used = [str(one.get("provider_name", "")) for one in plan.get("resource_changes", ())]
    return sorted({str(trusted("/".join(name.split("/")[-2:]))) for name in (*configured, *used) if name})


def strays(plan: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[str]:
    """What is planned but was not synthesised, and settings of Terraform that no stack of ours has."""
    written = {(kind, name) for kind, named in body.get("resource", {}).items() for name in named}
    for change in plan.get("resource_changes", ()):
        made = not {"delete", "forget"} & set(change["change"]["actions"]) or "create" in change["change"]["actions"]
        if change["mode"] == "managed" and made and (change["type"], change["name"]) not in written:
            yield f"{trusted(change['address'])}, which was not synthesised"
    settings = body.get("terraform") or {}
    for one in settings if isinstance(settings, list) else [settings]:
        yield from (f"terraform.{trusted(name)}" for name in one if name not in _SETTINGS)


def gone(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What somebody deleted behind Terraform's back; the plan would make it anew, empty, and say nothing of what it held."""
    return [
        {"type": str(trusted(one["type"])), "name": str(trusted(one["name"])), "replaced": True}
        for one in plan.get("resource_drift", ())
        if "delete" in one["change"]["actions"]
    ]
