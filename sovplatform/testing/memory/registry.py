"""Model versions in this process's memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sovplatform.errors import Conflict, NotFound
from sovplatform.interfaces.registry import Registry
from sovplatform.records import ModelVersion, now


@dataclass
class _Model:
    versions: list[ModelVersion] = field(default_factory=list)
    files: list[dict[str, bytes]] = field(default_factory=list)
    aliases: dict[str, int] = field(default_factory=dict)


class MemoryRegistry(Registry):
    """The models of one region, in a dictionary; they end with the process. Safe to share between threads."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._models: dict[str, _Model] = {}
        self._lock = threading.Lock()

    def register(
        self, name: str, directory: Path, *, artifact: str, signature: str, provenance: str, tags: Mapping[str, str] = {}
    ) -> ModelVersion:
        """As `Registry.register`."""
        if not directory.is_dir():
            raise NotFound(f"no directory {directory.name} to register as model {name}", remedy="give the model's directory")
        files = {path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
        with self._lock:
            model = self._models.setdefault(name, _Model())
            for known in model.versions:
                if known.artifact == artifact:
                    return self._with_aliases(model, known)
            made = ModelVersion(
                name=name,
                version=len(model.versions) + 1,
                artifact=artifact,
                signature=signature,
                provenance=provenance,
                uri=f"memory://{self.region}/{name}/{len(model.versions) + 1}",
                created_at=now(),
                tags=dict(tags),
            )
            model.versions.append(made)
            model.files.append(files)
        return made

    def get(self, name: str, version: int) -> ModelVersion:
        """As `Registry.get`."""
        model = self._model(name, version)
        return self._with_aliases(model, model.versions[version - 1])

    def versions(self, name: str) -> tuple[ModelVersion, ...]:
        """As `Registry.versions`."""
        model = self._models.get(name)
        return tuple(self._with_aliases(model, version) for version in model.versions) if model else ()

    def fetch(self, name: str, version: int, destination: Path) -> Path:
        """As `Registry.fetch`."""
        model = self._model(name, version)
        if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
            raise Conflict(f"{destination} exists and is not empty", remedy="give a new directory")
        for path, content in model.files[version - 1].items():
            target = destination / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return destination

    def set_alias(self, name: str, alias: str, version: int) -> ModelVersion:
        """As `Registry.set_alias`."""
        with self._lock:
            self._model(name, version).aliases[alias] = version
        return self.get(name, version)

    def resolve(self, name: str, alias: str) -> ModelVersion:
        """As `Registry.resolve`."""
        model = self._models.get(name)
        if model is None or alias not in model.aliases:
            raise NotFound(f"model {name} has no alias {alias}", remedy="set it with set_alias")
        return self.get(name, model.aliases[alias])

    def _model(self, name: str, version: int) -> _Model:
        model = self._models.get(name)
        if model is None or not 1 <= version <= len(model.versions):
            raise NotFound(f"no version {version} of model {name} in region {self.region}", remedy="register it first")
        return model

    @staticmethod
    def _with_aliases(model: _Model, version: ModelVersion) -> ModelVersion:
        aliases = sorted(alias for alias, number in model.aliases.items() if number == version.version)
        return version.model_copy(update={"aliases": tuple(aliases)})
