"""Keys and small ledgers for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sovplatform.ledger import Ledger
from sovplatform.records import RegionTrust, Role, Trust

ACTOR = "spiffe://de.demo.sov/border"


@dataclass(frozen=True)
class Key:
    """An Ed25519 key as a region's KeyStore would hold it."""

    sign: Callable[[bytes], bytes]
    pem: str


def make_key() -> Key:
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return Key(sign=private.sign, pem=pem)


@dataclass(frozen=True)
class Place:
    """A region with a ledger file and a key."""

    name: str
    path: Path
    key: Key

    @property
    def origin(self) -> str:
        return f"{self.name}.demo.sov/ledger"

    def open(self) -> Ledger:
        return Ledger.open(self.path, self.origin)

    def seal(self, ledger: Ledger) -> str:
        return ledger.seal(self.key.sign, self.origin, self.key.pem).note

    def fill(self, count: int, *, every: int = 0) -> list[str]:
        """Append `count` entries; seal after every `every` of them, and at the end. Returns the notes."""
        notes = []
        with self.open() as ledger:
            start = ledger.size
            for number in range(start, start + count):
                ledger.append("gate.allowed", f"subject-{number}", actor=ACTOR, details={"size": number}, key=f"k{number}")
                if every and (number + 1) % every == 0:
                    notes.append(self.seal(ledger))
            notes.append(self.seal(ledger))
        return notes


@pytest.fixture(scope="session")
def key() -> Key:
    return make_key()


@pytest.fixture(scope="session")
def other_key() -> Key:
    return make_key()


@pytest.fixture
def place(tmp_path: Path, key: Key) -> Place:
    return Place("de", tmp_path / "ledger.db", key)


@pytest.fixture
def peer(tmp_path: Path, other_key: Key) -> Place:
    return Place("fr", tmp_path / "peer.db", other_key)


def trust_of(*places: Place, **roles: Role) -> Trust:
    regions = {
        place.name: RegionTrust(
            region=place.name,
            jurisdiction=place.name.upper()[:2],
            role=roles.get(place.name, Role.sovereign),
            trust_domain=f"{place.name}.demo.sov",
            bundle="",
            keys={"ledger": place.key.pem},
        )
        for place in places
    }
    return Trust(pilot="demo", regions=regions)


@pytest.fixture
def trust(place: Place, peer: Place) -> Trust:
    return trust_of(place, peer)
