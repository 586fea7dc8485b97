"""Where the regions of AWS are: region code to ISO 3166-1 code of the country, and the partitions that they belong to.

Source: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html and botocore's partitions.json (2026).
"""

from __future__ import annotations

from sovplatform.errors import Problem

LOCATIONS = {
    "af-south-1": "ZA",
    "ap-east-1": "HK",
    "ap-east-2": "TW",
    "ap-northeast-1": "JP",
    "ap-northeast-2": "KR",
    "ap-northeast-3": "JP",
    "ap-south-1": "IN",
    "ap-south-2": "IN",
    "ap-southeast-1": "SG",
    "ap-southeast-2": "AU",
    "ap-southeast-3": "ID",
    "ap-southeast-4": "AU",
    "ap-southeast-5": "MY",
    "ap-southeast-6": "NZ",
    "ap-southeast-7": "TH",
    "ca-central-1": "CA",
    "ca-west-1": "CA",
    "cn-north-1": "CN",
    "cn-northwest-1": "CN",
    "eu-central-1": "DE",
    "eu-central-2": "CH",
    "eu-north-1": "SE",
    "eu-south-1": "IT",
    "eu-south-2": "ES",
    "eu-west-1": "IE",
    "eu-west-2": "GB",
    "eu-west-3": "FR",
    "eusc-de-east-1": "DE",
    "il-central-1": "IL",
    "me-central-1": "AE",
    "me-south-1": "BH",
    "me-west-1": "SA",
    "mx-central-1": "MX",
    "sa-east-1": "BR",
    "sa-west-1": "CL",
    "us-east-1": "US",
    "us-east-2": "US",
    "us-gov-east-1": "US",
    "us-gov-west-1": "US",
    "us-west-1": "US",
    "us-west-2": "US",
}

SUFFIXES = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu", "aws-us-gov": "amazonaws.com"}
"""The partitions, and what the names of their endpoints end with."""

_PREFIXES = {"eusc-": "aws-eusc", "cn-": "aws-cn", "us-gov-": "aws-us-gov"}
_PREFERRED = {"DE": "eusc-de-east-1"}  # run by a company of the European Union, in accounts apart from the rest of AWS


def partition_of(region: str) -> str:
    """The partition that a region code belongs to."""
    return next((partition for prefix, partition in _PREFIXES.items() if region.startswith(prefix)), "aws")


def default_region(jurisdiction: str, partition: str = "") -> str:
    """The region to use in a jurisdiction (of a partition, when one is given); empty when AWS has none there."""
    preferred = [_PREFERRED[jurisdiction]] if jurisdiction in _PREFERRED else []
    there = [*preferred, *(code for code, country in LOCATIONS.items() if country == jurisdiction)]
    return next((code for code in there if partition in ("", partition_of(code))), "")


def misplaced(region: str, partition: str, jurisdiction: str) -> Problem | None:
    """What is wrong with a place that settings name: there is none such, or not in the jurisdiction, or not in the partition."""
    better = default_region(jurisdiction)
    remedy = f"set `region` to one in {jurisdiction}, such as {better}" if better else "use another provider there"
    if region not in LOCATIONS:
        nowhere = f"in {jurisdiction}{f' of partition {partition}' if partition else ''}"
        return Problem(("region",), f"AWS has no region {region or nowhere}", remedy)
    if LOCATIONS[region] != jurisdiction:
        return Problem(("region",), f"{region} is in {LOCATIONS[region]}, not in {jurisdiction}", remedy)
    belongs = partition_of(region)
    if belongs != partition:
        remedy = f"set `partition` to {belongs}, or leave it out"
        return Problem(("partition",), f"{region} belongs to partition {belongs}, not to {partition}", remedy)
    return None
