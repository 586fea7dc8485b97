"""The provider `edge`: many small sites that serve, each a cluster of its own (such as k3s) under its own jurisdiction."""

from __future__ import annotations

from sovplatform.hookspecs import hookimpl

NAME = "edge"


@hookimpl
def sov_provider_name() -> str:
    return NAME


@hookimpl
def sov_stack_forms(provider: str) -> str | None:
    return "sov_edge.stack:EdgeForms" if provider == NAME else None
