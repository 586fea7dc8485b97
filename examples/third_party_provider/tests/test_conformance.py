"""The suite, given acme's services. `RegionConformance` sees that the two services acme does not have say why."""

from pathlib import Path

import pytest
from acme_sov.keystore import AcmeKeyStore
from acme_sov.region import AcmeRegion
from acme_sov.registry import AcmeRegistry

from sovplatform.interfaces import KeyStore, Region, Registry
from sovplatform.records import RegionSpec, Role
from sovplatform.testing.conformance import KeyStoreConformance, RegionConformance, RegistryConformance

SPEC = RegionSpec(name="de", jurisdiction="DE", role=Role.sovereign, provider="acme")


class TestAcmeKeyStore(KeyStoreConformance):
    @pytest.fixture
    def keystore(self, tmp_path: Path) -> KeyStore:
        return AcmeKeyStore(tmp_path / "de", bytes(32), "de", "DE")

    @pytest.fixture
    def foreign_keystore(self, tmp_path: Path) -> KeyStore:
        return AcmeKeyStore(tmp_path / "fr", bytes(32), "fr", "FR")


class TestAcmeRegistry(RegistryConformance):
    @pytest.fixture
    def registry(self, tmp_path: Path) -> Registry:
        return AcmeRegistry(tmp_path / "models")


class TestAcmeRegion(RegionConformance):
    def make_region(self, home: Path) -> Region:
        return AcmeRegion(SPEC, "demo", home)


def test_private_keys_are_not_in_the_files(tmp_path: Path) -> None:
    region = AcmeRegion(SPEC, "demo", tmp_path)
    region.start()
    stored = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() and file.parent.parent.name == "keys"]
    assert len(stored) == 5
    assert not any(b"PRIVATE" in content or content.startswith(b"0\x81") for content in stored)
