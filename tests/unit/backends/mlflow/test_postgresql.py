"""The conformance suite of registries, on MLflow with its tables in a real PostgreSQL."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovplatform.backends.mlflow import MLflowRegistry
from sovplatform.errors import Unavailable
from sovplatform.testing.conformance import RegistryConformance
from tests.fixtures import postgresql


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    place = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        with postgresql.running(place, "registry") as uri:
            yield uri
    finally:
        shutil.rmtree(place)


@pytest.fixture(scope="module")
def opened(database: str, tmp_path_factory: pytest.TempPathFactory) -> MLflowRegistry:
    return MLflowRegistry(database, tmp_path_factory.mktemp("registry") / "models", "de")


class TestMLflowRegistryOnPostgreSQL(RegistryConformance):
    @pytest.fixture
    def registry(self, opened: MLflowRegistry) -> MLflowRegistry:
        return opened


def test_what_one_program_registered_another_one_finds(opened: MLflowRegistry, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.onnx").write_bytes(b"weights")
    digest = "sha256:" + "2" * 64
    made = opened.register("shared", tmp_path / "model", artifact=digest, signature="{}", provenance="{}")
    assert MLflowRegistry(opened.uri, opened.artifact_root, "de").versions("shared") == (made,)


def test_a_database_that_is_not_there_is_told_without_a_long_wait(database: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be opened"):
        MLflowRegistry(f"{database}-nowhere", tmp_path, "de").versions("credit")
