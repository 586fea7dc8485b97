"""Keys of one region in this process's memory, and a small model directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from sovplatform.records import KeyPurpose
from sovplatform.testing.memory import MemoryKeyStore


class Keys(MemoryKeyStore):
    """As its base, with the newest public key at hand."""

    def pem(self, name: str) -> str:
        facts = self.facts(name)
        return facts.public_keys[str(facts.version)]


@pytest.fixture
def keystore() -> Keys:
    store = Keys("de", "DE")
    store.create("models", KeyPurpose.sign)
    store.create("other", KeyPurpose.sign)
    store.create("ledger", KeyPurpose.seal)
    return store


@pytest.fixture
def model(tmp_path: Path) -> Path:
    directory = tmp_path / "model"
    (directory / "deep").mkdir(parents=True)
    (directory / "model.onnx").write_bytes(b"weights" * 1000)
    (directory / "task.json").write_text("{}")
    (directory / "deep" / ".hidden").write_text("hidden")
    return directory
