"""The hooks of the provider `acme`. This module is imported by every command that loads the plugin: keep it light."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sovplatform.hookspecs import hookimpl

if TYPE_CHECKING:
    from sovplatform.interfaces import Region
    from sovplatform.records import RegionSpec

NAME = "acme"


@hookimpl
def sov_provider_name() -> str:
    return NAME


@hookimpl
def sov_make_region(spec: RegionSpec, pilot: str, home: Path) -> Region | None:
    from acme_sov.region import AcmeRegion

    return AcmeRegion(spec, pilot, home) if spec.provider == NAME else None


@hookimpl
def sov_stack_forms(provider: str) -> str | None:
    return "acme_sov.stack:AcmeForms" if provider == NAME else None
