"""The provider `edge`: many small sites that serve, each a cluster of its own (such as k3s) under its own jurisdiction."""

from __future__ import annotations

from pathlib import Path

from sovplatform.hookspecs import hookimpl
from sovplatform.interfaces import Region
from sovplatform.records import RegionSpec

NAME = "edge"


@hookimpl
def sov_provider_name() -> str:
    return NAME


@hookimpl
def sov_make_region(spec: RegionSpec, pilot: str, home: Path) -> Region | None:
    if spec.provider != NAME:
        return None
    from sov_edge.region import EdgeRegion

    return EdgeRegion(spec, pilot)


@hookimpl
def sov_stack_forms(provider: str) -> str | None:
    return "sov_edge.stack:EdgeForms" if provider == NAME else None
