"""The provider `gcp`: regions of Google Cloud, each in one location of one project, with keys of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sovplatform.hookspecs import hookimpl
from sovplatform.interfaces import Region
from sovplatform.records import RegionSpec

NAME = "gcp"


@hookimpl
def sov_provider_name() -> str:
    return NAME


@hookimpl
def sov_make_region(spec: RegionSpec, pilot: str, home: Path) -> Region | None:
    if spec.provider != NAME:
        return None
    from sov_gcp.region import GcpRegion

    return GcpRegion(spec, pilot)


@hookimpl
def sov_jurisdictions() -> Sequence[str]:
    from sov_gcp.locations import LOCATIONS

    return sorted(set(LOCATIONS.values()))


@hookimpl
def sov_stack_forms(provider: str) -> str | None:
    return "sov_gcp.stack:GcpForms" if provider == NAME else None
