"""What `pilot.yaml` may say of a region on AWS, under `settings`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sov_aws.locations import default_region, partition_of
from sov_aws.terraform_settings import TerraformSettings
from sovplatform.backends.region_settings import Endpoint, read_settings
from sovplatform.records import Record, RegionSpec


class AwsSettings(Record):
    """`account`: twelve digits, needed to use the region. `partition` and `region`: by default those of the jurisdiction; for DE
    the European Sovereign Cloud. `profile`: whose credentials, in AWS's own files. `cidr`: the region's network. `state_bucket`:
    where Terraform keeps this region's state. `endpoint`: another address of all services, for tests. What only Terraform needs
    is in `TerraformSettings`.
    """

    account: Annotated[str, Field(pattern=r"^(\d{12})?$")] = ""
    partition: str = ""
    region: str = ""
    profile: str = ""
    cidr: str = ""
    state_bucket: str = ""
    endpoint: Endpoint = ""

    @classmethod
    def of(cls, spec: RegionSpec) -> AwsSettings:
        """With defaults filled in. Raises ConfigError for a setting that there is not, or that cannot be."""
        others = TerraformSettings.model_fields
        own = {name: value for name, value in spec.settings.items() if name not in others}
        known = ", ".join((*cls.model_fields, *others))
        remedy = f"use {known}; an account, in quotes, has 12 digits, an endpoint is https or on this machine"
        given = read_settings(cls, spec, own, remedy=remedy)
        region = given.region or default_region(spec.jurisdiction, given.partition)
        partition = given.partition or (partition_of(region) if region else "")
        return given.model_copy(update={"region": region, "partition": partition})
