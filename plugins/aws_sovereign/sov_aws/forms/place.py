"""Place: where forms are made, and the names that things have there; the only file that spells an ARN or an endpoint."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from sov_aws.locations import SUFFIXES, misplaced
from sov_aws.settings import AwsSettings
from sov_aws.terraform_settings import TerraformSettings
from sovplatform.backends.terraform.forms import shortened
from sovplatform.constructs import Construct
from sovplatform.errors import SettingError
from sovplatform.records import Record, RegionSpec

Arguments = dict[str, JsonValue]

PLACEHOLDER = "000000000000"
"""Stands for the account of a pilot that names none yet. No account has it, so Terraform's provider refuses it in a real plan."""

ZONES: Mapping[str, str] = {"ap-northeast-1": "acd", "ca-central-1": "abd", "us-west-1": "ab"}
"""The zones of regions whose zones are not a, b and c: DescribeInstanceTypeOfferings by zone, as shipped with moto 5.2.5."""

_OF_PARTITION: Mapping[str, str] = {"aws-cn": "logs"}
"""Services whose principal ends with the partition's own suffix. In aws-eusc none does: IAM there refuses `ec2.amazonaws.eu`
(https://github.com/pulumi/pulumi-eks/issues/2341)."""


class Place(Record):
    """A region of a pilot on AWS: one account, one partition, one AWS region."""

    pilot: str
    region: RegionSpec
    settings: AwsSettings
    terraform: TerraformSettings

    @classmethod
    def of(cls, pilot: str, region: RegionSpec) -> Place:
        """Raises ConfigError for a wrong setting, or a place that does not exist, or outside the region's jurisdiction."""
        place = cls(pilot=pilot, region=region, settings=AwsSettings.of(region), terraform=TerraformSettings.of(region))
        wrong = misplaced(place.location, place.partition, region.jurisdiction)
        if wrong is not None:
            raise SettingError(region.name, [wrong])
        _check_zones(place)
        _check_partitions(place)
        return place

    @property
    def location(self) -> str:
        return self.settings.region

    @property
    def partition(self) -> str:
        return self.settings.partition

    @property
    def suffix(self) -> str:
        """What the names of the partition's endpoints end with."""
        return SUFFIXES[self.partition]

    @property
    def account(self) -> str:
        return self.settings.account or PLACEHOLDER

    @property
    def zones(self) -> tuple[str, ...]:
        return self.terraform.zones or zones_of(self.location)

    def arn(self, service: str, resource: str, *, account: str | None = None, everywhere: bool = False) -> str:
        """An ARN of this partition; IAM's and S3's have no region, and those of AWS's own policies `aws` for an account."""
        region = "" if everywhere or service in ("iam", "s3", "budgets", "organizations") else self.location
        owner = "" if service == "s3" else self.account if account is None else account
        return f"arn:{self.partition}:{service}:{region}:{owner}:{resource}"

    def endpoint(self, service: str) -> str:
        """The address of a service in the region."""
        return f"https://{service}.{self.location}.{self.suffix}"

    def principal(self, service: str, *, regional: bool = False) -> str:
        """A service as policies name it."""
        suffix = self.suffix if _OF_PARTITION.get(self.partition) == service else "amazonaws.com"
        return f"{service}.{self.location}.{suffix}" if regional else f"{service}.{suffix}"

    @property
    def registry(self) -> str:
        """What the names of the region's container repositories begin with."""
        return self.named(limit=64)

    @property
    def mirror(self) -> str:
        """Where a cluster without a way out finds charts and images: in the region's own registry."""
        return f"oci://{self.account}.dkr.ecr.{self.location}.{self.suffix}/{self.registry}"

    def named(self, *parts: str, limit: int = 54) -> str:
        """A name for a thing of this region in its account."""
        return shortened("-".join((self.pilot, self.region.name, *parts)), limit)

    def alias(self, name: str) -> str:
        """A key's alias, as the region's key store has it."""
        return f"alias/sov/{self.pilot}/{self.region.name}/{name}"

    def bucket(self, kind: str) -> str:
        """Names of buckets are shared by all accounts of a partition: the account's number is in them."""
        return shortened(f"{self.account}-{self.named(kind, limit=200)}", 63)


def zones_of(location: str) -> tuple[str, ...]:
    """Up to three availability zones of an AWS region."""
    return tuple(f"{location}{letter}" for letter in ZONES.get(location, "abc"))


def tags(construct: Construct, **more: str) -> dict[str, JsonValue]:
    """A construct's labels as tags; AWS allows all characters that labels have."""
    return {**construct.labels, **{name.replace("_", "-"): value for name, value in more.items()}}


def _check_zones(place: Place) -> None:
    foreign = [zone for zone in place.zones if zone.removeprefix(place.location) not in set("abcdef")]
    if foreign or not 2 <= len(place.zones) <= 3 or len(set(place.zones)) != len(place.zones):
        raise SettingError.of(
            place.region.name,
            "zones",
            f"the zones {', '.join(place.zones)} are not two or three of {place.location}",
            remedy=f"write zones such as {', '.join(zones_of(place.location))}",
        )


def _check_partitions(place: Place) -> None:
    """Accounts and roles of a partition are unknown in all others, so nothing may refer across."""
    for operator in place.terraform.operators:
        _, partition, _, _, account, _ = operator.split(":", 5)
        if partition != place.partition:
            raise SettingError.of(
                place.region.name,
                "operators",
                f"operator {operator} is of partition {partition}, not of {place.partition}",
                remedy=f"name a role of the account in {place.partition}",
            )
        if place.settings.account and account != place.settings.account:
            raise SettingError.of(
                place.region.name,
                "operators",
                f"operator {operator} is of account {account}, not of {place.settings.account}",
                remedy=f"name a role of account {place.settings.account}; it may be assumed from another",
            )
