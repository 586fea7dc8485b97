"""The gate on where an artifact is from: its labels, its lineage, its signature and its parties."""

from __future__ import annotations

import numpy as np
import pytest

from sovplatform.labels import Label, Sensitivity
from sovplatform.records import Kind
from tests.fixtures.border import RAW, World, denied

# -- labels --------------------------------------------------------------------------------------------------------


def test_a_label_that_does_not_permit_the_destination_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update(label=RAW)
    denied(world, crossing, folder, "does not let it rest in US")


def test_an_update_without_evidence_is_refused(world: World) -> None:
    crossing, folder = world.update(privacy=None)
    denied(world, crossing, folder, "no evidence")


@pytest.mark.parametrize("kind", [Kind.model, Kind.report])
def test_calling_it_another_kind_does_not_free_it_of_evidence(world: World, kind: Kind) -> None:
    folder = world.tensors() if kind is Kind.model else world.folder()
    if kind is Kind.report:
        (folder / "report.json").write_text("{}")
    denied(world, world.crossing(world.seal(folder, kind)), folder, "no evidence")


def test_evidence_about_one_dataset_does_not_raise_the_label_of_what_came_from_elsewhere(world: World) -> None:
    """An accepted artifact that must stay in Germany is not freed by being a parent of something with DP evidence."""
    world.reserve()
    pinned = Label(residency=("DE",), sensitivity=Sensitivity.confidential)
    parent = "sha256:" + "1" * 64
    world.ledgers["de"].append(
        "channel.accepted", parent, actor="spiffe://de.demo.sov/border", details={"label": pinned.model_dump(mode="json")}
    )
    crossing, folder = world.update(parents=(parent,))
    denied(world, crossing, folder, "says less than confidential@DE")


def test_a_fabric_cannot_free_what_it_was_sent(world: World) -> None:
    parent = "sha256:" + "2" * 64
    label = Label(residency=("US", "DE"), sensitivity=Sensitivity.confidential).model_dump(mode="json")
    world.ledgers["us"].append("channel.accepted", parent, actor="spiffe://us.demo.sov/border", details={"label": label})
    folder = world.tensors()
    artifact = world.seal(folder, Kind.model, source="us", parents=(parent,))
    denied(world, world.crossing(artifact, "us", "fr"), folder, "says less than")


def test_a_fabric_cannot_send_what_it_made_of_things_unknown(world: World) -> None:
    folder = world.tensors()
    artifact = world.seal(folder, Kind.model, source="us", parents=("sha256:" + "3" * 64,))
    denied(world, world.crossing(artifact, "us", "de"), folder, "never came in here")


# -- who -----------------------------------------------------------------------------------------------------------


def test_an_unsigned_artifact_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    denied(world, crossing.model_copy(update={"signature": None}), folder, "not signed")


@pytest.mark.parametrize(
    ("region", "key"), [("fr", "artifacts"), ("de", "decisions")], ids=["another region's", "the gate's own"]
)
def test_a_key_that_is_not_the_producers_is_refused(world: World, region: str, key: str) -> None:
    world.reserve()
    crossing, folder = world.update()
    foreign = world.keystores[region].sign(key, crossing.artifact.digest.encode())
    denied(world, crossing.model_copy(update={"signature": foreign}), folder, "does not verify")


def test_a_signature_of_another_artifact_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    other, _ = world.update({"w": np.zeros(20, np.float32), "b": np.zeros(1, np.float32)})
    denied(world, crossing.model_copy(update={"signature": other.signature}), folder, "does not verify")


def test_a_producer_of_another_trust_domain_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update(producer="spiffe://de.demo.sov.evil/job/train")
    denied(world, crossing, folder, "not a workload of region de")


@pytest.mark.parametrize(
    ("source", "destination", "reason"),
    [
        ("de", "mars", "region mars is not in this pilot"),
        ("de", "de", "one region"),
        ("fr", "us", "neither leaves nor enters region de"),
    ],
)
def test_a_crossing_between_wrong_parties_is_refused(world: World, source: str, destination: str, reason: str) -> None:
    world.reserve()
    crossing, folder = world.update()
    crossing = crossing.model_copy(update={"source": source, "destination": destination})
    signed = world.gate("de").decide(crossing, folder)
    assert not signed.decision.allow
    assert reason in "; ".join(signed.decision.reasons)


def test_a_peer_that_is_pinned_in_another_jurisdiction_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    moved = world.trust.regions["us"].model_copy(update={"jurisdiction": "CN"})
    world.trust = world.trust.model_copy(update={"regions": {**world.trust.regions, "us": moved}})
    denied(world, crossing, folder, "region us is not pinned")


def test_without_trust_nothing_crosses(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()

    gate = world.gate()

    def broken() -> None:
        raise OSError("gone")

    gate._trust = broken
    signed = gate.decide(crossing, folder)
    assert not signed.decision.allow
    assert "not pinned" in "; ".join(signed.decision.reasons)


@pytest.mark.parametrize("purpose", ["", "a\nb", 'x", "allow": true, "y": "', "x" * 200, "\u202etraining"])
def test_an_odd_purpose_is_refused(world: World, purpose: str) -> None:
    world.reserve()
    crossing, folder = world.update()
    signed = world.gate().decide(crossing.model_copy(update={"purpose": purpose}), folder)
    assert not signed.decision.allow


def test_another_purpose_is_another_decision(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    other = world.gate().decide(crossing.model_copy(update={"purpose": "evaluation"}), folder)
    assert other.decision.id != signed.decision.id
    assert other.decision.purpose == "evaluation"
