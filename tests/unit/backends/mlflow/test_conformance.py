"""The conformance suite of registries, on MLflow."""

from __future__ import annotations

import pytest

from sovplatform.backends.mlflow import MLflowRegistry
from sovplatform.testing.conformance import RegistryConformance


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> MLflowRegistry:
    root = tmp_path_factory.mktemp("registry")
    return MLflowRegistry(f"sqlite:///{root}/mlflow.db", root / "models", "de")


class TestMLflowRegistry(RegistryConformance):
    @pytest.fixture
    def registry(self, opened: MLflowRegistry) -> MLflowRegistry:
        return opened
