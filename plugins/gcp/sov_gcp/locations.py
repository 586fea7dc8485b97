"""Where the regions of Google Cloud are: region to ISO 3166-1 code of the country. Multi-regions are not one place, and not here.

Source: https://cloud.google.com/about/locations and https://cloud.google.com/kms/docs/locations (2026).
"""

from __future__ import annotations

from sovplatform.errors import Problem

LOCATIONS = {
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
    "europe-west2": "GB",
    "europe-west3": "DE",
    "europe-west4": "NL",
    "europe-west6": "CH",
    "europe-west8": "IT",
    "europe-west9": "FR",
    "europe-west10": "DE",
    "europe-west12": "IT",
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


def default_location(jurisdiction: str) -> str:
    """The region to use in a jurisdiction; empty when Google Cloud has none there."""
    return next((code for code, country in LOCATIONS.items() if country == jurisdiction), "")


def misplaced(location: str, jurisdiction: str) -> Problem | None:
    """What is wrong with a place that settings name: a multi-region such as `eu` is many places, some under another law."""
    own = sorted(code for code, country in LOCATIONS.items() if country == jurisdiction)
    if not own:
        return Problem(("location",), f"Google Cloud has no location in {jurisdiction}", "use another provider there")
    if location in own:
        return None
    there = LOCATIONS.get(location)
    wrong = f"{location} is in {there}, not in {jurisdiction}" if there else f"{location} is no single location of Google Cloud"
    return Problem(("location",), wrong, f"set `location` to one of {', '.join(own)}")
