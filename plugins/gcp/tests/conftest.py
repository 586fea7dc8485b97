"""Regions on Google Cloud, and the fixtures that this provider's tests share with those of its backend."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sov_gcp.stack import GcpForms

from sovplatform.records import RegionSpec, Role

sys.path.insert(0, str(Path(__file__).parents[3] / "tests"))

from fixtures.gcp import cloud_kms, emulator, gcp  # noqa: F401
from fixtures.sites import EARLIER, Site

FULL = {
    "project": "acme-eu-12345",
    "organization": "123456789012",
    "workload_parent": "4567",
    "access_policy": "99887766",
    "operators": ["serviceAccount:deploy@acme.iam.gserviceaccount.com"],
    "billing_account": "012345-6789AB-CDEF01",
    "operator_ranges": ["10.9.0.0/24"],
    "security_group": "gke-security-groups@acme.example",
    "seal_protection": "SOFTWARE",
}

MakeSite = Callable[..., Site]


@pytest.fixture
def site() -> MakeSite:
    def make(jurisdiction: str = "DE", role: str = "sovereign", pilot: str = "demo", name: str = "de", **settings: Any) -> Site:
        region = RegionSpec(name=name, jurisdiction=jurisdiction, role=Role(role), provider="gcp", settings=settings)
        budget = {"amount": 1234.5, "contact": "it@example.org"} if settings.get("billing_account") else None
        return Site(GcpForms(region, pilot), budget, EARLIER)

    return make
