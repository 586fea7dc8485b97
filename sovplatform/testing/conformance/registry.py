"""What every Registry must do."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

import pytest

from sovplatform.errors import Conflict, NotFound
from sovplatform.interfaces import Registry
from sovplatform.records import ModelVersion
from sovplatform.testing.conformance.waiting import missing

FILES = {"model.onnx": bytes(range(256)) * 16, "parts/weights.safetensors": b"\0\xff", "empty": b""}


def digest(content: str) -> str:
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"


class RegistryConformance:
    """Must override: the fixture `registry` (any scope; models of random names are made in it)."""

    @pytest.fixture
    def registry(self) -> Registry:
        raise missing("registry")

    @pytest.fixture
    def model(self) -> str:
        """A name that no model has."""
        return f"conformance-{uuid.uuid4().hex[:12]}"

    @pytest.fixture
    def directory(self, tmp_path: Path) -> Path:
        """The files of a model."""
        directory = tmp_path / "model"
        for path, content in FILES.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(content)
        return directory

    def register(self, registry: Registry, model: str, directory: Path, content: str = "1") -> ModelVersion:
        """Register the directory, known by a digest that is made from `content`."""
        return registry.register(
            model, directory, artifact=digest(content), signature=f'{{"of":"{content}"}}', provenance="{}", tags={"run": "r1"}
        )

    def test_a_version_keeps_what_was_registered(self, registry: Registry, model: str, directory: Path) -> None:
        made = self.register(registry, model, directory)
        assert (made.name, made.version, made.artifact) == (model, 1, digest("1"))
        assert (made.signature, made.provenance, dict(made.tags)) == ('{"of":"1"}', "{}", {"run": "r1"})
        assert registry.get(model, 1) == made

    def test_versions_count_up_from_one_oldest_first(self, registry: Registry, model: str, directory: Path) -> None:
        for content in ("1", "2", "3"):
            self.register(registry, model, directory, content)
        assert [version.version for version in registry.versions(model)] == [1, 2, 3]
        assert [version.artifact for version in registry.versions(model)] == [digest("1"), digest("2"), digest("3")]

    def test_registering_one_digest_twice_is_one_version(self, registry: Registry, model: str, directory: Path) -> None:
        first = self.register(registry, model, directory)
        assert self.register(registry, model, directory) == first
        assert len(registry.versions(model)) == 1

    def test_a_registered_version_does_not_follow_its_directory(
        self, registry: Registry, model: str, directory: Path, tmp_path: Path
    ) -> None:
        self.register(registry, model, directory)
        (directory / "model.onnx").write_bytes(b"changed afterwards")
        fetched = registry.fetch(model, 1, tmp_path / "fetched")
        assert (fetched / "model.onnx").read_bytes() == FILES["model.onnx"]

    def test_fetching_gives_the_files_byte_for_byte_and_no_other(
        self, registry: Registry, model: str, directory: Path, tmp_path: Path
    ) -> None:
        self.register(registry, model, directory)
        fetched = registry.fetch(model, 1, tmp_path / "fetched")
        found = {path.relative_to(fetched).as_posix(): path.read_bytes() for path in fetched.rglob("*") if path.is_file()}
        assert fetched == tmp_path / "fetched"
        assert found == FILES

    def test_fetching_over_something_is_a_conflict(self, registry: Registry, model: str, directory: Path, tmp_path: Path) -> None:
        self.register(registry, model, directory)
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "mine").write_text("precious")
        with pytest.raises(Conflict):
            registry.fetch(model, 1, tmp_path / "full")
        assert (tmp_path / "full" / "mine").read_text() == "precious"

    def test_an_alias_moves(self, registry: Registry, model: str, directory: Path) -> None:
        for content in ("1", "2"):
            self.register(registry, model, directory, content)
        assert registry.set_alias(model, "champion", 1).aliases == ("champion",)
        registry.set_alias(model, "champion", 2)
        assert registry.resolve(model, "champion").version == 2
        assert registry.get(model, 1).aliases == ()
        assert registry.get(model, 2).aliases == ("champion",)

    def test_a_model_that_is_not_there_has_no_versions(self, registry: Registry, model: str) -> None:
        assert registry.versions(model) == ()

    def test_what_is_not_there_is_not_found(self, registry: Registry, model: str, directory: Path, tmp_path: Path) -> None:
        with pytest.raises(NotFound):
            registry.get(model, 1)
        self.register(registry, model, directory)
        with pytest.raises(NotFound):
            registry.get(model, 2)
        with pytest.raises(NotFound):
            registry.fetch(model, 2, tmp_path / "fetched")
        with pytest.raises(NotFound):
            registry.set_alias(model, "champion", 2)
        with pytest.raises(NotFound):
            registry.resolve(model, "champion")

    def test_a_directory_that_is_not_there_is_not_found(self, registry: Registry, model: str, tmp_path: Path) -> None:
        with pytest.raises(NotFound):
            self.register(registry, model, tmp_path / "nowhere")
        assert registry.versions(model) == ()
