"""AwsRegion: one region of AWS in one account; its place is proved before anything there is used."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from sov_aws.locations import LOCATIONS, SUFFIXES, default_region, partition_of
from sov_aws.settings import AwsSettings
from sovplatform.backends.aws_api import AwsApi, AwsPlace
from sovplatform.backends.aws_api import partition_of as partition_by_botocore
from sovplatform.errors import Denied, SovError, Unavailable, Unsupported
from sovplatform.interfaces import KeyStore, Region, Registry, Server, Trainer
from sovplatform.records import Finding, RegionSpec, RegionStatus

_LATER = "it needs the region's Kubernetes cluster, which this version does not manage yet"


class AwsRegion(Region):
    """Managed by AWS and Terraform, so there is nothing to start. What it asks of AWS to prove its place needs no right."""

    def __init__(self, spec: RegionSpec, pilot: str) -> None:
        super().__init__(spec)
        self.pilot = pilot
        self.settings = AwsSettings.of(spec)
        self._api = AwsApi(self.place)

    def check(self) -> Sequence[Finding]:
        if importlib.util.find_spec("boto3") is None:
            return [Finding(check="libraries", ok=False, detail="no boto3", remedy="pip install 'sovplatform-aws-sovereign'")]
        place = self._check_place()
        return [place, self._check_account()] if place.ok else [place]

    def status(self) -> RegionStatus:
        problems = tuple(finding.detail for finding in self.check() if not finding.ok)
        region, suffix = self.settings.region, SUFFIXES.get(self.settings.partition, "")
        endpoints = {"kms": self.settings.endpoint or f"https://kms.{region}.{suffix}"} if not problems else {}
        return RegionStatus(region=self.spec.name, up=not problems, endpoints=endpoints, problems=problems)

    def keystore(self) -> KeyStore:
        """Keys in AWS KMS; asked for, the place is proved again.

        Raises:
            Denied: the credentials, or the AWS region, are not those of this region.
            Unavailable: the place could not be proved.
        """
        from sovplatform.backends.awskms import AwsKeyStore

        for finding in self.check():
            if not finding.ok:
                kind = Denied if finding.check == "place" else Unavailable
                raise kind(f"region {self.spec.name} is not used: {finding.detail}", remedy=finding.remedy)
        prefix = f"sov/{self.pilot}/{self.spec.name}"
        return AwsKeyStore(self.place, region=self.spec.name, jurisdiction=self.spec.jurisdiction, prefix=prefix)

    def registry(self) -> Registry:
        raise Unsupported("a registry on aws", reason=_LATER, remedy="use provider onprem for this region")

    def trainer(self) -> Trainer:
        raise Unsupported("a trainer on aws", reason=_LATER, remedy="use provider onprem for this region")

    def server(self) -> Server:
        raise Unsupported("a server on aws", reason=_LATER, remedy="use provider onprem for this region")

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
            reasons = f": {'; '.join(err.reasons)}" if isinstance(err, Denied) and err.reasons else ""
            return Finding(check="credentials", ok=False, detail=err.message + reasons, remedy=err.remedy or "see the message")
        if found != wanted:
            detail = f"the credentials are of account {found[1]} in {found[0]}, not of {wanted[1]} in {wanted[0]}"
            remedy = f"log in to account {wanted[1]}, or set `profile` to one that is"
            return Finding(check="place", ok=False, detail=detail, remedy=remedy)
        return Finding(check="account", ok=True, detail=f"account {found[1]} in {found[0]}")
