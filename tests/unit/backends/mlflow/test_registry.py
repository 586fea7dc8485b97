from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sovplatform.backends.mlflow import MLflowRegistry
from sovplatform.errors import ConfigError, Conflict, Denied, NotFound, SignatureInvalid, Unavailable
from sovplatform.records import ModelVersion

ONE, TWO = ("sha256:" + digit * 64 for digit in "12")


@pytest.fixture
def registry(tmp_path: Path) -> MLflowRegistry:
    return MLflowRegistry(f"sqlite:///{tmp_path}/registry/mlflow.db", tmp_path / "registry" / "models", "de")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    directory = tmp_path / "model"
    (directory / "deep").mkdir(parents=True)
    (directory / "model.onnx").write_bytes(bytes(range(256)) * 10)
    (directory / "deep" / ".hidden").write_text("x")
    return directory


def register(registry: MLflowRegistry, model: Path, artifact: str = ONE, name: str = "credit", **tags: str) -> ModelVersion:
    return registry.register(name, model, artifact=artifact, signature='{"bundle": 1}', provenance='{"slsa": 1}', tags=tags)


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_version_is_kept_with_signature_provenance_and_tags(registry, model):
    made = register(registry, model, run="r1")
    assert (made.version, made.artifact, made.uri) == (1, ONE, "models:/credit/1")
    assert (made.signature, made.provenance, made.tags) == ('{"bundle": 1}', '{"slsa": 1}', {"run": "r1"})
    assert registry.get("credit", 1) == made
    assert registry.versions("credit") == (made,)


def test_one_digest_is_one_version(registry, model):
    assert register(registry, model, ONE).version == register(registry, model, ONE).version == 1
    assert register(registry, model, TWO).version == 2
    assert [version.artifact for version in registry.versions("credit")] == [ONE, TWO]


def test_two_at_once_make_one_version(registry, model):
    made: list[ModelVersion] = []
    twice = [threading.Thread(target=lambda: made.append(register(registry, model))) for _ in range(2)]
    for thread in twice:
        thread.start()
    for thread in twice:
        thread.join(timeout=60)
    assert [version.version for version in made] == [1, 1]


def test_fetch_gives_the_same_bytes_whatever_became_of_the_source(registry, model, tmp_path):
    register(registry, model)
    before = contents(model)
    (model / "model.onnx").write_bytes(b"changed")
    assert registry.fetch("credit", 1, tmp_path / "out") == tmp_path / "out"
    assert contents(tmp_path / "out") == before
    (tmp_path / "empty").mkdir()
    assert contents(registry.fetch("credit", 1, tmp_path / "empty")) == before
    with pytest.raises(Conflict):
        registry.fetch("credit", 1, tmp_path / "out")


@pytest.mark.parametrize("change", ["changed", "added", "missing"])
def test_a_changed_stored_file_is_detected_on_fetch(registry, model, tmp_path, change):
    register(registry, model)
    (stored,) = registry.artifact_root.rglob("model.onnx")
    if change == "changed":
        stored.chmod(0o600)
        stored.write_bytes(b"evil" + stored.read_bytes()[4:])
    elif change == "added":
        (stored.parent / "extra").write_text("x")
    else:
        stored.unlink()
    with pytest.raises(SignatureInvalid):
        registry.fetch("credit", 1, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_registering_again_repairs_the_store(registry, model, tmp_path):
    register(registry, model)
    next(registry.artifact_root.rglob("model.onnx")).unlink()
    register(registry, model, TWO)
    assert contents(registry.fetch("credit", 2, tmp_path / "out")) == contents(model)


def test_aliases_move(registry, model):
    register(registry, model, ONE)
    register(registry, model, TWO)
    assert registry.set_alias("credit", "champion", 1).aliases == ("champion",)
    assert registry.set_alias("credit", "champion", 2).version == 2
    assert registry.resolve("credit", "champion").version == 2
    assert [version.aliases for version in registry.versions("credit")] == [(), ("champion",)]


def test_what_is_not_there_is_not_found(registry, model, tmp_path):
    assert registry.versions("credit") == ()
    for missing in (
        lambda: registry.get("credit", 1),
        lambda: registry.fetch("credit", 1, tmp_path / "out"),
        lambda: registry.set_alias("credit", "champion", 1),
        lambda: registry.resolve("credit", "champion"),
        lambda: registry.get("credit' OR name != '", 1),
        lambda: register(registry, tmp_path / "nowhere"),
    ):
        with pytest.raises(NotFound):
            missing()
    register(registry, model)
    with pytest.raises(NotFound):
        registry.resolve("credit", "champion")
    with pytest.raises(NotFound):
        registry.get("credit", 2)


def test_what_mlflow_does_not_take_is_the_callers_mistake(registry, model):
    for call in (
        lambda: register(registry, model, name="a/b"),
        lambda: register(registry, model, **{"sov.artifact": TWO}),
        lambda: register(registry, model, note="x" * 100_001),
    ):
        with pytest.raises(ConfigError):
            call()
    register(registry, model)
    with pytest.raises(ConfigError):
        registry.set_alias("credit", "v1", 1)


def test_a_link_is_not_registered(registry, model):
    (model / "link").symlink_to("/etc/hostname")
    with pytest.raises(Denied):
        register(registry, model)


def test_a_registry_outlives_its_object(registry, model):
    made = register(registry, model)
    assert MLflowRegistry(registry.uri, registry.artifact_root, "de").get("credit", 1) == made


def test_making_one_opens_nothing(registry, tmp_path):
    assert not (tmp_path / "registry").exists()


def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path, model):
    (tmp_path / "mlflow.db").write_text("no database " * 100)
    with pytest.raises(Unavailable):
        register(MLflowRegistry(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "models", "de"), model)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{unused.getsockname()[1]}"
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
        try:
            with pytest.raises(Unavailable):
                register(MLflowRegistry(down, tmp_path / "models", "de"), model)
        finally:
            del os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]


def test_a_prepared_database_that_was_changed_is_made_anew(model, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    register(MLflowRegistry(f"sqlite:///{tmp_path}/a.db", tmp_path / "a", "de"), model)
    (prepared,) = (tmp_path / "cache").rglob("*.sqlite")
    with sqlite3.connect(prepared) as planted:
        planted.execute("INSERT INTO registered_models (name, workspace) VALUES ('planted', 'default')")
    planted.close()
    register(MLflowRegistry(f"sqlite:///{tmp_path}/b.db", tmp_path / "b", "de"), model)
    with sqlite3.connect(tmp_path / "b.db") as database:
        assert database.execute("SELECT name FROM registered_models").fetchall() == [("credit",)]
    database.close()


def test_stock_mlflow_reads_what_we_register(registry, model):
    register(registry, model, ONE)
    registry.set_alias("credit", "champion", 1)
    stock = (
        "import sys, mlflow; client = mlflow.MlflowClient(sys.argv[1], sys.argv[1]);"
        "found = client.get_model_version_by_alias('credit', 'champion'); print(found.version, found.tags['sov.artifact'])"
    )
    answer = subprocess.run([sys.executable, "-c", stock, registry.uri], capture_output=True, text=True, timeout=120, check=False)
    assert answer.stdout.split() == ["1", ONE], answer.stderr


def test_a_missing_driver_is_named_and_the_password_is_not(tmp_path, model):
    with pytest.raises(ConfigError, match="oracledb") as refused:
        register(MLflowRegistry("oracle+oracledb://sov:secret@127.0.0.1/x", tmp_path / "models", "de"), model)
    assert "secret" not in str(refused.value)
