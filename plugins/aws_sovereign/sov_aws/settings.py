"""What `pilot.yaml` may say of a region on AWS, under `settings`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sov_aws.locations import default_region, partition_of
from sov_aws.terraform_settings import TerraformSettings
from sovplatform.interfaces.settings import Endpoint, read_settings
from sovplatform.records import Record, RegionSpec


class AwsSettings(Record):
    """`account`: twelve digits, needed to use the region. `partition` and `region`: by default those of the jurisdiction; for DE
    the European Sovereign Cloud. `profile`: whose credentials, in AWS's own files. `cidr`: the region's network. `state_bucket`:
    where Terraform keeps this region's state. `endpoint`: another address of all services, for tests. What only Terraform needs
    is in `TerraformSettings`.
    """

    account: Annotated[str, Field(pattern=r"^(\d{12})?$", description="its 12 digits, in quotes")] = ""
    partition: str = ""
    region: str = ""
    profile: str = ""
    cidr: str = ""
    state_bucket: str = ""
    endpoint: Endpoint = ""

    @classmethod
    def of(cls, spec: RegionSpec) -> AwsSettings:
        """With defaults filled in. Raises SettingError for settings that there are not, or that cannot be, of Terraform too."""
        given: AwsSettings = read_settings(spec, cls, TerraformSettings)[0]
        region = given.region or default_region(spec.jurisdiction, given.partition)
        partition = given.partition or (partition_of(region) if region else "")
        return given.model_copy(update={"region": region, "partition": partition})
