"""Where what is planned comes from: the plan's own word on its providers, and what is gone behind its back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sovplatform.infrastructure.flattening import trusted
from sovplatform.infrastructure.written import constants


def providers(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of each provider, by the name that resources use, as it was planned: `cdk.tf.json` may say another."""
    found = plan.get("configuration", {}).get("provider_config", {})
    return {str(trusted(name)): constants(one.get("expressions", {})) or {} for name, one in found.items()}


def sources(plan: Mapping[str, Any]) -> list[str]:
    """The registry addresses of all providers that the plan uses, without the registry: `hashicorp/aws`."""
    configured = [str(one.get("full_name", "")) for one in plan.get("configuration", {}).get("provider_config", {}).values()]
    used = [str(one.get("provider_name", "")) for one in plan.get("resource_changes", ())]
    return sorted({str(trusted("/".join(name.split("/")[-2:]))) for name in (*configured, *used) if name})


def gone(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What somebody deleted behind Terraform's back; the plan would make it anew, empty, and say nothing of what it held."""
    return [
        {"type": str(trusted(one["type"])), "name": str(trusted(one["name"])), "replaced": True}
        for one in plan.get("resource_drift", ())
        if "delete" in one["change"]["actions"]
    ]
