"""The provider `aws`: one region of AWS in one account, in any partition, first of all its European Sovereign Cloud."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sovplatform.hookspecs import hookimpl
from sovplatform.interfaces import Region
from sovplatform.records import RegionSpec

NAME = "aws"


@hookimpl
def sov_provider_name() -> str:
    return NAME


@hookimpl
def sov_make_region(spec: RegionSpec, pilot: str, home: Path) -> Region | None:
    if spec.provider != NAME:
        return None
    from sov_aws.region import AwsRegion

    return AwsRegion(spec, pilot)


@hookimpl
def sov_jurisdictions() -> Sequence[str]:
    from sov_aws.locations import LOCATIONS

    return sorted(set(LOCATIONS.values()))


@hookimpl
def sov_stack_forms(provider: str) -> str | None:
    return "sov_aws.stack:AwsForms" if provider == NAME else None
