"""Regions of the border's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sovplatform.ledger import Ledger
from sovplatform.policy.engine import PolicyEngine
from sovplatform.records import KeyPurpose, RegionTrust, Trust
from sovplatform.testing.memory import MemoryKeyStore
from tests.fixtures.border import REGIONS, World


@pytest.fixture(scope="session")
def policy() -> PolicyEngine:
    return PolicyEngine()


@pytest.fixture
def world(tmp_path: Path, policy: PolicyEngine) -> Iterator[World]:
    keystores, regions = {}, {}
    for spec in REGIONS:
        keystore = keystores[spec.name] = MemoryKeyStore(spec.name, spec.jurisdiction)
        keys = {name: keystore.create(name, KeyPurpose.sign).public_keys["1"] for name in ("decisions", "artifacts")}
        regions[spec.name] = RegionTrust(
            region=spec.name,
            jurisdiction=spec.jurisdiction,
            role=spec.role,
            trust_domain=f"{spec.name}.demo.sov",
            bundle="",
            keys=keys,
        )
    ledgers = {spec.name: Ledger.open(tmp_path / f"{spec.name}.db", f"{spec.name}.demo.sov/ledger") for spec in REGIONS}
    yield World(tmp_path, policy, ledgers, keystores, Trust(pilot="demo", regions=regions))
    for ledger in ledgers.values():
        ledger.close()
