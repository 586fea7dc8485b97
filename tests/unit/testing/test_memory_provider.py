"""The in-memory provider passes the suite, by subclassing it as any provider does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sovplatform.errors import ConfigError
from sovplatform.interfaces import KeyStore, Region, Registry, Server, Trainer
from sovplatform.records import RegionSpec, Role
from sovplatform.testing.conformance import (
    KeyStoreConformance,
    RegionConformance,
    RegistryConformance,
    ServerConformance,
    TrainerConformance,
)
from sovplatform.testing.memory import MemoryKeyStore, MemoryRegion, MemoryRegistry, MemoryServer, MemoryTrainer
from sovplatform.testing.memory.region import verify_served

SPEC = RegionSpec(name="de", jurisdiction="DE", role=Role.sovereign, provider="memory")


class TestMemoryKeyStore(KeyStoreConformance):
    @pytest.fixture
    def keystore(self) -> KeyStore:
        return MemoryKeyStore("de", "DE")

    @pytest.fixture
    def foreign_keystore(self) -> KeyStore:
        return MemoryKeyStore("fr", "FR")


class TestMemoryRegistry(RegistryConformance):
    @pytest.fixture
    def registry(self) -> Registry:
        return MemoryRegistry("de")


class TestMemoryTrainer(TrainerConformance):
    local = True

    @pytest.fixture
    def trainer(self) -> Iterator[Trainer]:
        trainer = MemoryTrainer()
        yield trainer
        trainer.close()


class TestMemoryServer(ServerConformance):
    @pytest.fixture
    def server(self) -> Server:
        return MemoryServer(verify_served)


class TestMemoryRegion(RegionConformance):
    def make_region(self, home: Path) -> Region:
        return MemoryRegion(SPEC, "demo")


def test_a_memory_region_that_says_it_is_elsewhere_does_not_pass_its_check() -> None:
    region = MemoryRegion(SPEC.model_copy(update={"settings": {"located": "US"}}), "demo")
    (finding,) = region.check()
    assert not finding.ok
    assert "US" in finding.detail


def test_a_memory_region_has_no_other_setting() -> None:
    with pytest.raises(ConfigError, match="zone"):
        MemoryRegion(SPEC.model_copy(update={"settings": {"zone": "1"}}), "demo")
