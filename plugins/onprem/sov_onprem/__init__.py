"""The provider `onprem`: a region on machines that you run yourself; by default, all of it on this one."""

from __future__ import annotations

from pathlib import Path

from sovplatform.hookspecs import hookimpl
from sovplatform.interfaces import Region
from sovplatform.records import RegionSpec

NAME = "onprem"


@hookimpl
def sov_provider_name() -> str:
    return NAME


@hookimpl
def sov_make_region(spec: RegionSpec, pilot: str, home: Path) -> Region | None:
    if spec.provider != NAME:
        return None
    from sov_onprem.region import OnPremRegion

    return OnPremRegion(spec, pilot, home)


@hookimpl
def sov_stack_forms(provider: str) -> str | None:
    return "sov_onprem.stack:OnPremForms" if provider == NAME else None
