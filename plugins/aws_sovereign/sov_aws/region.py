"""AwsRegion: one region of AWS in one account; its place is proved before anything there is used."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence

from sov_aws.locations import SUFFIXES, misplaced
from sov_aws.settings import AwsSettings
from sovplatform.backends.aws_api import AwsApi, AwsPlace, partition_of
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
        region, partition, wanted = self.settings.region, self.settings.partition, self.spec.jurisdiction
        wrong = misplaced(region, partition, wanted)
        if wrong is not None:
            return Finding(check="place", ok=False, detail=wrong.message, remedy=wrong.remedy)
        told = partition_of(region)
        if told != partition:
            detail = f"{region} belongs to partition {told} in botocore, to {partition} here"
            return Finding(check="place", ok=False, detail=detail, remedy="install other versions of boto3 and this provider")
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
