"""The conformance suite: one pytest class per interface, pinning what the interface's docstrings promise.

A provider subclasses a class, overrides what its docstring says it must, and has pytest run it:

    class TestKeyStore(KeyStoreConformance):
        @pytest.fixture
        def keystore(self): return AcmeKeyStore(...)

A service that the provider does not have needs no class: `RegionConformance` sees to it that the region says why.
"""

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in ("keystore", "region", "registry", "server", "trainer")))

from sovplatform.testing.conformance.keystore import KeyStoreConformance
from sovplatform.testing.conformance.region import RegionConformance
from sovplatform.testing.conformance.registry import RegistryConformance
from sovplatform.testing.conformance.server import ServerConformance
from sovplatform.testing.conformance.trainer import TrainerConformance

__all__ = [
    "KeyStoreConformance",
    "RegionConformance",
    "RegistryConformance",
    "ServerConformance",
    "TrainerConformance",
]
