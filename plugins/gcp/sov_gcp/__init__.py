"""The provider `gcp`: regions of Google Cloud, each in one location, with keys of its own."""

from __future__ import annotations

from sovplatform.hookspecs import hookimpl

NAME = "gcp"


@hookimpl
def sov_provider_name() -> str:
    return NAME


@hookimpl
def sov_stack_forms(provider: str) -> str | None:
    return "sov_gcp.stack:GcpForms" if provider == NAME else None
