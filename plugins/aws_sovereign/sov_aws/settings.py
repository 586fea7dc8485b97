"""What `pilot.yaml` may say of a region on AWS, under `settings`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationError

from sov_aws.locations import default_region, partition_of
from sovplatform.errors import ConfigError
from sovplatform.records import Record, RegionSpec


class AwsSettings(Record):
    """`account`: twelve digits, needed to use the region. `partition` and `region`: by default those of the jurisdiction; for DE
    the European Sovereign Cloud. `profile`: whose credentials, in AWS's own files. `cidr`: the region's network. `state_bucket`:
    where Terraform keeps this region's state. `endpoint`: another address of all services, for tests.
    """

    account: Annotated[str, Field(pattern=r"^(\d{12})?$")] = ""
    partition: str = ""
    region: str = ""
    profile: str = ""
    cidr: str = ""
    state_bucket: str = ""
    endpoint: Annotated[str, Field(pattern=r"^(https://.*|http://(127\.0\.0\.1|localhost)(:\d+)?/?)?$")] = ""

    @classmethod
    def of(cls, spec: RegionSpec) -> AwsSettings:
        """With defaults filled in. Raises ConfigError for a setting that there is not, or that cannot be."""
        try:
            given = cls.model_validate(dict(spec.settings))
        except ValidationError as err:
            wrong = ", ".join(".".join(map(str, item["loc"])) for item in err.errors())
            known = ", ".join(cls.model_fields)
            remedy = f"use {known}; an account, in quotes, has 12 digits, an endpoint is https or on this machine"
            raise ConfigError(f"region {spec.name}: wrong settings for aws: {wrong}", remedy=remedy) from err
        region = given.region or default_region(spec.jurisdiction, given.partition)
        partition = given.partition or (partition_of(region) if region else "")
        return given.model_copy(update={"region": region, "partition": partition})
