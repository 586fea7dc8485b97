"""MLflowRegistry: models of one region in MLflow's registry, on SQLite, PostgreSQL or a tracking server, by URI.

MLflow keeps versions, aliases, signature and provenance (as tags); the files rest in `ModelFiles`.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sovplatform.backends.mlflow_files import ModelFiles
from sovplatform.backends.mlflow_schema import DISTRIBUTION, prepare
from sovplatform.backends.slim import slim_import
from sovplatform.errors import ConfigError, NotFound, Unavailable
from sovplatform.interfaces.registry import Registry
from sovplatform.records import ModelVersion

_OWN = "sov."
_ARTIFACT, _FILES, _SIGNATURE, _PROVENANCE = (_OWN + name for name in ("artifact", "files", "signature", "provenance"))
_SQLITE = "sqlite:///"
_LONGEST = 100_000
_PAGE = 200


class MLflowRegistry(Registry):
    """`uri` is what MLflow takes: `sqlite:////abs/path`, `postgresql://…`, or `https://…` of a tracking server.

    `artifact_root` holds the files, for all who share the registry. Nothing is opened before the first call. A process
    that makes many calls should keep one registry: the first takes seconds, for MLflow's import.
    """

    def __init__(self, uri: str, artifact_root: Path, region: str = "") -> None:
        self.uri = uri
        self.artifact_root = artifact_root
        self.region = region
        self._files = ModelFiles(artifact_root)
        self._opened: Any = None
        self._opening = threading.Lock()

    def register(
        self, name: str, directory: Path, *, artifact: str, signature: str, provenance: str, tags: Mapping[str, str] = {}
    ) -> ModelVersion:
        """As `Registry.register`.

        Raises:
            ConfigError: a name or tag that MLflow does not take.
            Denied: the directory holds a link or a special file.
        """
        _check_tags(name, signature, provenance, tags)
        with self._files.locked(), _translated(f"model {name}"):
            for known in self.versions(name):
                if known.artifact == artifact:
                    return known
            files = self._files.keep(directory)
            own = {_ARTIFACT: artifact, _FILES: files, _SIGNATURE: signature, _PROVENANCE: provenance}
            self._create_model(name)
            # not a path: a tracking server refuses its own clients' paths, and the files are found by their digest
            source = f"sov-registry:///{files.removeprefix('sha256:')}"
            made = self._store().create_model_version(name, source, tags=_entities({**tags, **own}))
            return _version(made)

    def get(self, name: str, version: int) -> ModelVersion:
        """As `Registry.get`."""
        return _version(self._row(name, version))

    def versions(self, name: str) -> tuple[ModelVersion, ...]:
        """As `Registry.versions`."""
        _check_name(name)
        found: list[Any] = []
        token = None
        with _translated(f"model {name}"):
            while True:
                page = self._store().search_model_versions(f"name = '{name}'", _PAGE, page_token=token)
                found += page
                token = page.token
                if not token:
                    break
        rows = sorted((row for row in found if row.name == name), key=lambda row: int(row.version))
        # a search does not say which aliases a version has
        return tuple(_version(row, row.aliases or self._row(name, int(row.version)).aliases) for row in rows)

    def fetch(self, name: str, version: int, destination: Path) -> Path:
        """As `Registry.fetch`.

        Raises:
            SignatureInvalid: a stored file is not what was registered.
        """
        row = self._row(name, version)
        self._files.fetch(dict(row.tags).get(_FILES, ""), destination, f"version {version} of model {name}")
        return destination

    def set_alias(self, name: str, alias: str, version: int) -> ModelVersion:
        """As `Registry.set_alias`. MLflow does not take `latest` and names like `v1`, which is a ConfigError."""
        self._row(name, version)
        with _translated(f"alias {alias} of model {name}"):
            self._store().set_registered_model_alias(name, alias, str(version))
        return self.get(name, version)

    def resolve(self, name: str, alias: str) -> ModelVersion:
        """As `Registry.resolve`."""
        _check_name(name)
        with _translated(f"alias {alias} of model {name}", missing="INVALID_PARAMETER_VALUE"):
            return _version(self._store().get_model_version_by_alias(name, alias))

    def _row(self, name: str, version: int) -> Any:
        _check_name(name)
        with _translated(f"version {version} of model {name}", missing="INVALID_PARAMETER_VALUE"):
            row = self._store().get_model_version(name, str(version))
        if _ARTIFACT not in row.tags:
            raise NotFound(f"version {version} of model {name} was not registered by sovplatform", remedy="register it again")
        return row

    def _create_model(self, name: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._store().create_registered_model(name)
        except MlflowException as err:
            if err.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _store(self) -> Any:
        """MLflow's store for the URI, opened once."""
        with self._opening:
            if self._opened is None:
                _import_mlflow()
                self._opened = self._open()
            return self._opened

    def _open(self) -> Any:
        import sqlalchemy
        from mlflow.exceptions import MlflowException
        from mlflow.tracking._model_registry.utils import _get_store

        if self.uri.startswith(_SQLITE):
            prepare(Path(self.uri.removeprefix(_SQLITE)), lambda path: _migrate(f"{_SQLITE}{path}"))
        try:
            if not self.uri.startswith(("http://", "https://")):
                _probe(self.uri)
            return _get_store(self.uri, self.uri)  # type: ignore[no-untyped-call]
        except ImportError as err:
            raise ConfigError(
                f"the database driver {err.name} is not installed", remedy="for PostgreSQL: pip install psycopg"
            ) from err
        except (sqlalchemy.exc.SQLAlchemyError, MlflowException, OSError) as err:
            raise Unavailable(
                f"the model registry of region {self.region or 'here'} cannot be opened: {type(err).__name__}",
                remedy="check its address and that it is up",
            ) from err


def _import_mlflow() -> None:
    """The registry's part of MLflow: without its evaluation suite, pandas and FastAPI; and without its telemetry."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    slim_import(
        ("mlflow.tracking", "mlflow.store.model_registry.sqlalchemy_store"),
        bare=("mlflow", "mlflow.genai", "mlflow.genai.scorers", "mlflow.genai.scorers.online"),
        deferred=("pandas", "fastapi"),
        extra="mlflow",
        distribution=DISTRIBUTION,
    )


def _migrate(uri: str) -> None:
    import logging

    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

    logging.getLogger("alembic").setLevel(logging.WARNING)
    SqlAlchemyStore(uri).engine.dispose()  # type: ignore[no-untyped-call]


def _probe(uri: str) -> None:
    """One attempt to connect: MLflow itself tries ten times, for minutes."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri)
    try:
        engine.connect().close()
    finally:
        engine.dispose()


@contextlib.contextmanager
def _translated(what: str, missing: str = "") -> Iterator[None]:
    """MLflow's errors as ours. `missing` is a further code by which MLflow says that something does not exist."""
    try:
        yield
    except Exception as err:
        code = getattr(err, "error_code", None)
        if code is None:
            raise
        if code in {"RESOURCE_DOES_NOT_EXIST", missing}:
            raise NotFound(f"{what} does not exist", remedy="register it first") from err
        if code == "INVALID_PARAMETER_VALUE":
            raise ConfigError(f"{what} is not possible: {_first_line(err)}", remedy="choose another name or value") from err
        raise Unavailable(f"the model registry does not answer for {what} ({code})", remedy="try again later") from err


def _version(row: Any, aliases: Any = None) -> ModelVersion:
    tags = dict(row.tags)
    return ModelVersion(
        name=row.name,
        version=int(row.version),
        artifact=tags[_ARTIFACT],
        signature=tags[_SIGNATURE],
        provenance=tags[_PROVENANCE],
        uri=f"models:/{row.name}/{row.version}",
        created_at=datetime.fromtimestamp(row.creation_timestamp / 1000, UTC),
        aliases=tuple(sorted(aliases if aliases is not None else row.aliases)),
        tags={key: value for key, value in tags.items() if not key.startswith(_OWN)},
    )


def _entities(tags: Mapping[str, str]) -> list[Any]:
    from mlflow.entities.model_registry import ModelVersionTag

    return [ModelVersionTag(key, value) for key, value in tags.items()]  # type: ignore[no-untyped-call]


def _check_name(name: str) -> None:
    if not name or not all(letter.isalnum() or letter in "._-" for letter in name):
        raise NotFound(f"no model {name!r}", remedy="a model's name has letters, digits, dots, hyphens and underscores")


def _check_tags(name: str, signature: str, provenance: str, tags: Mapping[str, str]) -> None:
    if not name or not all(letter.isalnum() or letter in "._-" for letter in name):
        raise ConfigError(f"{name!r} is no model's name", remedy="use letters, digits, dots, hyphens and underscores")
    reserved = [key for key in tags if key.startswith(_OWN)]
    if reserved:
        raise ConfigError(f"the tag {reserved[0]} is the registry's own", remedy=f"use tags that do not start with {_OWN}")
    if max(map(len, (signature, provenance, *tags.values()))) > _LONGEST:
        raise ConfigError(
            f"model {name}: MLflow keeps at most {_LONGEST} characters in a tag", remedy="register fewer files at once"
        )


def _first_line(err: Exception) -> str:
    return str(err).strip().splitlines()[0][:200]
