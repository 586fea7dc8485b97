"""The provider `gcp`: one region of Google Cloud in one project."""

from __future__ import annotations

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
