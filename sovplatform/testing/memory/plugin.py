"""The hooks of the in-memory provider. It is built in nowhere: a pilot that wants it lists `memory` under `plugins`."""

from __future__ import annotations

from pathlib import Path

from sovplatform.hookspecs import hookimpl
from sovplatform.interfaces import Region
from sovplatform.records import RegionSpec


@hookimpl
def sov_provider_name() -> str:
    return "memory"


@hookimpl
def sov_make_region(spec: RegionSpec, pilot: str, home: Path) -> Region | None:
    from sovplatform.testing.memory.region import MemoryRegion

    return MemoryRegion(spec, pilot) if spec.provider == "memory" else None
