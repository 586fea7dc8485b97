"""Whatever is appended to a node's ledger is soon under a signed checkpoint, whoever appended it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sovplatform.errors import Unavailable
from sovplatform.ledger import Ledger
from sovplatform.ledger.verify import verify
from sovplatform.node.sealing import KEY, Sealer
from sovplatform.records import KeyPurpose, Signature
from sovplatform.testing.conformance.waiting import until
from sovplatform.testing.memory.keystore import MemoryKeyStore

ORIGIN = "de.demo.sov/ledger"
ACTOR = "spiffe://de.demo.sov/border"


class Keys(MemoryKeyStore):
    """A key service that is away for the first few signatures."""

    away = 0

    def sign(self, name: str, data: bytes) -> Signature:
        if self.away:
            self.away -= 1
            raise Unavailable("the key service does not answer", remedy="wait")
        return super().sign(name, data)


@pytest.fixture
def keys() -> Keys:
    made = Keys("de", "DE")
    made.create(KEY, KeyPurpose.seal)
    return made


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger.db", ORIGIN) as made:
        yield made


def public(keys: Keys) -> str:
    return next(iter(keys.facts(KEY).public_keys.values()))


def test_an_append_by_anybody_is_sealed(ledger: Ledger, keys: Keys) -> None:
    sealer = Sealer(ledger, keys, public(keys))
    ledger.append("channel.refused", "sha256:0", actor=ACTOR)
    until(lambda: verify(ledger.path, origin=ORIGIN, public_key=public(keys)).verified, 10, "the entry is sealed")
    sealer.stop()


def test_a_seal_that_fails_is_tried_again_without_another_entry(ledger: Ledger, keys: Keys) -> None:
    keys.away = 2
    sealer = Sealer(ledger, keys, public(keys))
    ledger.append("channel.refused", "sha256:0", actor=ACTOR)
    until(lambda: verify(ledger.path, origin=ORIGIN, public_key=public(keys)).verified, 10, "the entry is sealed")
    assert keys.away == 0
    sealer.stop()
