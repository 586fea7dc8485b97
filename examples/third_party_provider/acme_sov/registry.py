"""Model versions in directories."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from sovplatform.errors import Conflict, NotFound
from sovplatform.interfaces import Registry
from sovplatform.records import ModelVersion, now


class AcmeRegistry(Registry):
    """`directory/MODEL/VERSION/{version.json,files/}`, moved into place whole; `directory/MODEL/aliases.json`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def register(
        self, name: str, directory: Path, *, artifact: str, signature: str, provenance: str, tags: Mapping[str, str] = {}
    ) -> ModelVersion:
        if not directory.is_dir():
            raise NotFound(f"no directory {directory.name} to register as model {name}", remedy="give the model's directory")
        known = self.versions(name)
        for version in known:
            if version.artifact == artifact:
                return version
        number = len(known) + 1
        final = self._model(name) / str(number)
        made = ModelVersion(
            name=name,
            version=number,
            artifact=artifact,
            signature=signature,
            provenance=provenance,
            uri=final.as_uri(),
            created_at=now(),
            tags=dict(tags),
        )
        making = self._model(name) / f"{number}.making"
        shutil.rmtree(making, ignore_errors=True)  # left by a crash
        shutil.copytree(directory, making / "files")
        (making / "version.json").write_bytes(made.canonical())
        making.rename(final)
        return made

    def get(self, name: str, version: int) -> ModelVersion:
        try:
            made = ModelVersion.from_json((self._model(name) / str(version) / "version.json").read_bytes())
        except FileNotFoundError as err:
            raise NotFound(f"no version {version} of model {name}", remedy="register it first") from err
        aliases = sorted(alias for alias, number in self._aliases(name).items() if number == version)
        return made.model_copy(update={"aliases": tuple(aliases)})

    def versions(self, name: str) -> tuple[ModelVersion, ...]:
        numbers = sorted(int(path.name) for path in self._model(name).glob("*") if path.name.isdigit())
        return tuple(self.get(name, number) for number in numbers)

    def fetch(self, name: str, version: int, destination: Path) -> Path:
        self.get(name, version)
        if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
            raise Conflict(f"{destination} exists and is not empty", remedy="give a new directory")
        shutil.copytree(self._model(name) / str(version) / "files", destination, dirs_exist_ok=True)
        return destination

    def set_alias(self, name: str, alias: str, version: int) -> ModelVersion:
        self.get(name, version)
        changed = self._model(name) / "aliases.json.new"
        changed.write_text(json.dumps({**self._aliases(name), alias: version}))
        changed.replace(self._model(name) / "aliases.json")
        return self.get(name, version)

    def resolve(self, name: str, alias: str) -> ModelVersion:
        aliases = self._aliases(name)
        if alias not in aliases:
            raise NotFound(f"model {name} has no alias {alias}", remedy="set it with set_alias")
        return self.get(name, aliases[alias])

    def _model(self, name: str) -> Path:
        return self._directory / quote(name, safe="").replace(".", "%2E")

    def _aliases(self, name: str) -> dict[str, int]:
        file = self._model(name) / "aliases.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}
