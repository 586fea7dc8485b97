"""AwsRegion: one region of AWS in one account; its place is proved before anything there is used."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence

from sov_aws.locations import LOCATIONS, SUFFIXES, default_region, partition_of
from sov_aws.settings import AwsSettings
from sovplatform.backends.aws_api import AwsApi, AwsPlace
from sovplatform.backends.aws_api import partition_of as partition_by_botocore
from sovplatform.backends.cloud_region import CloudRegion, unproved
from sovplatform.errors import SovError
from sovplatform.interfaces import KeyStore
from sovplatform.records import Finding, RegionSpec


class AwsRegion(CloudRegion):
    """Keys in AWS KMS. What it asks of AWS to prove its place needs no right."""

    def __init__(self, spec: RegionSpec, pilot: str) -> None:
        super().__init__(spec, pilot)
        self.settings = AwsSettings.of(spec)
        self._api = AwsApi(self.place)

    def _proofs(self) -> Sequence[Callable[[], Finding]]:
        if importlib.util.find_spec("boto3") is None:
            return [
                lambda: Finding(check="libraries", ok=False, detail="no boto3", remedy="pip install 'sovplatform-aws-sovereign'")
            ]
        return [self._check_place, self._check_account]

    def _kms_address(self) -> str:
        region, suffix = self.settings.region, SUFFIXES.get(self.settings.partition, "")
        return self.settings.endpoint or f"https://kms.{region}.{suffix}"

    def _keys(self) -> KeyStore:
        from sovplatform.backends.awskms import AwsKeyStore

        prefix = f"sov/{self.pilot}/{self.spec.name}"
        return AwsKeyStore(self.place, region=self.spec.name, jurisdiction=self.spec.jurisdiction, prefix=prefix)

    @property
    def place(self) -> AwsPlace:
        """Where its services are."""
        mine = self.settings
        return AwsPlace(mine.partition, mine.region, mine.account, mine.profile, mine.endpoint)

    def _check_place(self) -> Finding:
        """The AWS region exists, is in the partition, and is in the jurisdiction."""
        region, wanted = self.settings.region, self.spec.jurisdiction
        better = default_region(wanted)
        remedy = (
            f"set `region` to one in {wanted}, such as {better}"
            if better
            else f"AWS has no region in {wanted}: use another provider"
        )
        if region not in LOCATIONS:
            wrong = (
                f"AWS has no region {region}"
                if region
                else f"AWS has no region in {wanted} of partition {self.settings.partition or 'any'}"
            )
            return Finding(check="place", ok=False, detail=wrong, remedy=remedy)
        if LOCATIONS[region] != wanted:
            return Finding(check="place", ok=False, detail=f"{region} is in {LOCATIONS[region]}, not in {wanted}", remedy=remedy)
        partition = partition_by_botocore(region)
        if not self.settings.partition == partition_of(region) == partition:
            detail = f"{region} belongs to partition {partition}, not to {self.settings.partition}"
            return Finding(check="place", ok=False, detail=detail, remedy=f"set `partition` to {partition}, or leave it out")
        return Finding(check="place", ok=True, detail=f"{region} of partition {partition} is in {wanted}")

    def _check_account(self) -> Finding:
        """The credentials are of the account and partition that the settings say."""
        if not self.settings.account:
            remedy = f"set `account` under settings of region {self.spec.name} in pilot.yaml"
            return Finding(check="account", ok=False, detail="no account is set", remedy=remedy, setting="account")
        wanted = (self.settings.partition, self.settings.account)
        try:
            found = self._api.identity()
        except SovError as err:
            return unproved("credentials", err)
        if found != wanted:
            detail = f"the credentials are of account {found[1]} in {found[0]}, not of {wanted[1]} in {wanted[0]}"
            remedy = f"log in to account {wanted[1]}, or set `profile` to one that is"
            return Finding(check="place", ok=False, detail=detail, remedy=remedy)
        return Finding(check="account", ok=True, detail=f"account {found[1]} in {found[0]}")
