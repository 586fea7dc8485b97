"""What leaves a region by its node: once, and only as it was when the gate saw it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sovplatform.artifacts import SIGNATURE
from sovplatform.border.channel import Envelope, Receipt, Sender
from sovplatform.errors import Denied
from sovplatform.node.crossings import Outbound
from tests.fixtures.border import PEER, World


class Beside(Sender):
    """A destination in the same process: its acceptance judges what is sent, without TLS between."""

    def __init__(self, world: World) -> None:
        self.address = "beside"
        self.sent = 0
        self._world = world

    def send(self, envelope: Envelope, directory: Path) -> Receipt:
        self.sent += 1
        self._world.acceptance().accept(envelope.signed, envelope.crossing, directory, peer=PEER)
        return Receipt(accepted=True, entry=self._world.ledgers["us"].size)

    def close(self) -> None:
        """There is no connection."""


@pytest.fixture
def beside(world: World) -> Beside:
    return Beside(world)


@pytest.fixture
def outbound(world: World, beside: Beside) -> Outbound:
    return Outbound(
        world.root,
        "de",
        gate=world.gate(),
        ledger=world.ledgers["de"],
        actor=PEER,
        channel_of=lambda destination: beside.address,
        sender=lambda destination: beside,
    )


@pytest.fixture
def update(world: World) -> Path:
    """A good update in the outbox."""
    world.reserve()
    crossing, folder = world.update()
    assert crossing.signature is not None
    (folder / SIGNATURE).write_bytes(crossing.signature.canonical())
    return Path(shutil.copytree(folder, world.root / "outbox" / "run-1" / "update"))


def test_sending_again_what_was_delivered_has_no_second_effect(
    world: World, outbound: Outbound, update: Path, beside: Beside
) -> None:
    for _ in range(2):
        outbound.send(update, "us", "training")
    assert beside.sent == 1
    assert len(world.events("gate.delivered")) == len(world.events("gate.allowed")) == 1


@pytest.mark.parametrize("change", ["byte", "more", "gone", "link"])
def test_what_was_changed_after_its_delivery_is_denied_and_recorded(
    world: World, outbound: Outbound, update: Path, beside: Beside, change: str
) -> None:
    outbound.send(update, "us", "training")
    file = update / "tensors.safetensors"
    if change == "byte":
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    elif change == "more":
        (update / "rows.csv").write_text("name\nAda\n")
    elif change == "gone":
        file.unlink()
    else:
        file.rename(world.root / "elsewhere")
        file.symlink_to(world.root / "elsewhere")
    with pytest.raises(Denied) as caught:
        outbound.send(update, "us", "training")
    assert "files:" in " ".join(caught.value.reasons)
    assert beside.sent == 1
    [denied] = world.events("gate.denied")
    assert denied["reasons"] == list(caught.value.reasons)
    assert len(world.events("gate.delivered")) == 1
