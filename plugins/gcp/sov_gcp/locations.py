"""The locations of Google Cloud and under whose law each is: data, from https://cloud.google.com/about/locations (2026-11)."""

from __future__ import annotations

from sovplatform.errors import ConfigError

JURISDICTIONS = {
    "africa-south1": "ZA",
    "asia-east1": "TW",
    "asia-east2": "HK",
    "asia-northeast1": "JP",
    "asia-northeast2": "JP",
    "asia-northeast3": "KR",
    "asia-south1": "IN",
    "asia-south2": "IN",
    "asia-southeast1": "SG",
    "asia-southeast2": "ID",
    "australia-southeast1": "AU",
    "australia-southeast2": "AU",
    "europe-central2": "PL",
    "europe-north1": "FI",
    "europe-north2": "SE",
    "europe-southwest1": "ES",
    "europe-west1": "BE",
    "europe-west10": "DE",
    "europe-west12": "IT",
    "europe-west2": "GB",
    "europe-west3": "DE",
    "europe-west4": "NL",
    "europe-west6": "CH",
    "europe-west8": "IT",
    "europe-west9": "FR",
    "me-central1": "QA",
    "me-central2": "SA",
    "me-west1": "IL",
    "northamerica-northeast1": "CA",
    "northamerica-northeast2": "CA",
    "northamerica-south1": "MX",
    "southamerica-east1": "BR",
    "southamerica-west1": "CL",
    "us-central1": "US",
    "us-east1": "US",
    "us-east4": "US",
    "us-east5": "US",
    "us-south1": "US",
    "us-west1": "US",
    "us-west2": "US",
    "us-west3": "US",
    "us-west4": "US",
}
"""Single locations only: a multi-region such as `eu` or `us` is many places, some under another law."""

PREFERRED = {"AU": "australia-southeast1", "CA": "northamerica-northeast1", "DE": "europe-west3", "IN": "asia-south1"} | {
    "IT": "europe-west8",
    "JP": "asia-northeast1",
    "US": "us-central1",
}
"""The location that a region gets which names none, where its jurisdiction has several."""


def location_of(region: str, jurisdiction: str, location: str = "") -> str:
    """The location that a region is in: the one it names, or one of its jurisdiction.

    Raises:
        ConfigError: there is no such location, it is under another law, or the jurisdiction has none.
    """
    own = sorted(name for name, law in JURISDICTIONS.items() if law == jurisdiction)
    remedy = f"use one of {', '.join(own)}" if own else "use another provider there"
    if not own:
        raise ConfigError(f"region {region}: Google Cloud has no location in {jurisdiction}", remedy=remedy)
    if not location:
        return PREFERRED.get(jurisdiction, own[0])
    if location not in JURISDICTIONS:
        raise ConfigError(f"region {region}: '{location}' is no single location of Google Cloud", remedy=remedy)
    if location not in own:
        law = JURISDICTIONS[location]
        raise ConfigError(f"region {region}: location {location} is in {law}, not in {jurisdiction}", remedy=remedy)
    return location
