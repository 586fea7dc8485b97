"""Acceptance: a destination believes nothing that it can check, and takes in each thing once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sovplatform.errors import Denied
from sovplatform.pilot import BorderSpec
from sovplatform.policy.engine import PolicyEngine
from sovplatform.records import Crossing, Decision, Kind, Role, SignedDecision, TensorSpec
from tests.fixtures.border import ALLOW, CONTRACT, PEER, RAW, World


def refused(
    world: World,
    signed: SignedDecision,
    crossing: Crossing,
    folder: Path,
    reason: str,
    *,
    peer: str = PEER,
    at: str = "us",
    **changes: Any,
) -> None:
    """The destination refuses for that reason, and records it; nothing is accepted."""
    before = len(world.events("channel.accepted", at))
    with pytest.raises(Denied) as caught:
        world.acceptance(at, **changes).accept(signed, crossing, folder, peer=peer)
    assert reason in "; ".join(caught.value.reasons)
    assert reason in "; ".join(world.events("channel.refused", at)[-1]["reasons"])
    assert len(world.events("channel.accepted", at)) == before


def resign(world: World, decision: Decision, key: str = "decisions", by: str = "de", **changes: Any) -> SignedDecision:
    changed = decision.model_copy(update=changes)
    return SignedDecision(decision=changed, signature=world.keystores[by].sign(key, changed.canonical()))


def test_what_the_gate_allowed_is_accepted_and_recorded(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    acceptance = world.acceptance()
    acceptance.screen(signed, crossing, peer=PEER)
    acceptance.accept(signed, crossing, folder, peer=PEER)
    [entry] = world.events("channel.accepted", "us")
    assert (entry["decision"], entry["artifact"], entry["peer"]) == (signed.decision.id, crossing.artifact.digest, PEER)


def test_the_same_delivery_again_is_accepted_without_a_second_entry(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    for _ in range(2):
        world.acceptance().accept(signed, crossing, folder, peer=PEER)
    world.advance(1000)  # the answer to the first delivery may have been lost
    world.acceptance().accept(signed, crossing, folder, peer=PEER)
    assert len(world.events("channel.accepted", "us")) == 1


def test_threads_that_deliver_at_once_make_one_entry(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    acceptance = world.acceptance()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: acceptance.accept(signed, crossing, folder, peer=PEER), range(6)))
    assert len(world.events("channel.accepted", "us")) == 1


@pytest.mark.parametrize(
    "peer",
    [
        "spiffe://fr.demo.sov/border",
        "spiffe://de.demo.sov/job/train",
        "spiffe://de.demo.sov/border/x",
        "spiffe://de.demo.sov.evil/border",
        "",
    ],
)
def test_another_peer_than_the_sources_border_is_refused(world: World, peer: str) -> None:
    signed, crossing, folder = world.allowed_update()
    refused(world, signed, crossing, folder, "the peer is not the border of region de", peer=peer)


def test_a_denying_decision_is_refused(world: World) -> None:
    crossing, folder = world.update()
    signed = world.gate().decide(crossing, folder)
    refused(world, signed, crossing, folder, "denies the crossing")


def test_a_decision_turned_into_a_yes_is_refused(world: World) -> None:
    crossing, folder = world.update()
    signed = world.gate().decide(crossing, folder)
    forged = signed.model_copy(update={"decision": signed.decision.model_copy(update={"allow": True})})
    refused(world, forged, crossing, folder, "signature does not verify")


@pytest.mark.parametrize(("key", "by"), [("artifacts", "de"), ("decisions", "fr"), ("decisions", "us")])
def test_a_decision_signed_with_any_other_key_is_refused(world: World, key: str, by: str) -> None:
    signed, crossing, folder = world.allowed_update()
    refused(world, resign(world, signed.decision, key, by), crossing, folder, "signature does not verify")


def test_an_expired_decision_is_refused(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    world.advance(300)
    refused(world, signed, crossing, folder, "the decision expired")


def test_a_decision_of_the_future_is_refused(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    world.advance(-3600)
    refused(world, signed, crossing, folder, "of the future")


def test_a_decision_that_holds_for_ever_is_refused(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    forever = signed.decision.expires_at.replace(year=2999)
    refused(world, resign(world, signed.decision, expires_at=forever), crossing, folder, "holds for too long")


def test_a_decision_for_one_destination_is_refused_at_another(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    refused(world, signed, crossing, folder, "it is not for region fr", at="fr")
    moved = crossing.model_copy(update={"destination": "fr"})
    refused(world, signed, moved, folder, "about another destination", at="fr")


def test_a_decision_for_another_purpose_is_refused(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    refused(world, signed, crossing.model_copy(update={"purpose": "resale"}), folder, "about another purpose")


def test_a_decision_about_another_artifact_is_refused(world: World) -> None:
    signed, _, _ = world.allowed_update()
    other, folder = world.update({"w": np.zeros(20, np.float32), "b": np.ones(1, np.float32)}, step=1)
    refused(world, signed, other, folder, "about another artifact")


def test_an_identifier_used_for_another_artifact_is_refused(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    world.acceptance().accept(signed, crossing, folder, peer=PEER)
    other, other_folder = world.update(step=1)
    second = world.gate().decide(other, other_folder)
    refused(
        world, resign(world, second.decision, id=signed.decision.id), other, other_folder, "already used for another artifact"
    )


@pytest.mark.parametrize("identifier", ["", "../../x-x-x-x", "a" * 65, "a/b-c-d-e-f"])
def test_an_identifier_that_could_be_a_path_is_refused(world: World, identifier: str) -> None:
    signed, crossing, folder = world.allowed_update()
    refused(world, resign(world, signed.decision, id=identifier), crossing, folder, "identifier is malformed")


def test_screening_refuses_before_any_file_is_there(world: World) -> None:
    signed, crossing, _ = world.allowed_update()
    with pytest.raises(Denied, match="not the border"):
        world.acceptance().screen(signed, crossing, peer="spiffe://fr.demo.sov/border")
    assert len(world.events("channel.refused", "us")) == 1


def test_a_file_changed_on_the_way_is_refused(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    file = folder / "tensors.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    refused(world, signed, crossing, folder, "another digest")


def test_an_artifact_whose_producers_signature_was_dropped_is_refused(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    refused(world, signed, crossing.model_copy(update={"signature": None}), folder, "not signed")


def test_a_lying_gate_does_not_get_a_label_past_the_destination(world: World) -> None:
    """The source's gate may be broken: the destination checks the label against its own jurisdiction."""
    signed, _, folder = world.allowed_update()
    artifact = world.seal(folder, label=RAW, privacy=None)
    crossing = world.crossing(artifact)
    lie = resign(world, signed.decision, artifact=artifact.digest, label=RAW)
    refused(world, lie, crossing, folder, "does not let it rest in US")
    assert "carries no evidence" in "; ".join(world.events("channel.refused", "us")[-1]["reasons"])


def test_a_lying_gate_does_not_get_other_tensors_past_the_destination(world: World) -> None:
    other = CONTRACT.model_copy(update={"tensors": {"rows": TensorSpec(dtype="F32", shape=(999,))}})
    world.reserve()
    crossing, folder = world.update({"rows": np.zeros(999, np.float32)})
    signed = world.gate(contract=other).decide(crossing, folder)
    assert signed.decision.allow
    refused(world, signed, crossing, folder, "not registered")


def test_a_kind_that_the_destination_has_no_rule_for_is_refused(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    only_models = BorderSpec(allow=tuple(rule for rule in ALLOW if rule.kind == Kind.model.value))
    refused(world, signed, crossing, folder, "no rule of this region for kind update", border=only_models)


def test_the_destinations_own_rules_can_refuse(world: World, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "r.rego").write_text(
        'package sovplatform.channel\n\nimport rego.v1\n\ndeny contains "not on Sundays" if input.artifact.kind == "update"\n'
    )
    signed, crossing, folder = world.allowed_update()
    refused(world, signed, crossing, folder, "not on Sundays", policy=PolicyEngine([rules]))


def test_a_source_that_was_dropped_from_trust_is_refused(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    rest = {name: trust for name, trust in world.trust.regions.items() if name != "de"}
    world.trust = world.trust.model_copy(update={"regions": rest})
    refused(world, signed, crossing, folder, "no key of the gate of region de is pinned")


def test_a_source_that_claims_another_jurisdiction_is_refused(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    lie = resign(world, signed.decision, source_jurisdiction="FR")
    refused(world, lie, crossing, folder, "another source jurisdiction")


def test_models_go_the_other_way(world: World) -> None:
    folder = world.tensors()
    crossing = world.crossing(world.seal(folder, Kind.model, source="us"), "us", "de")
    signed = world.gate("us").decide(crossing, folder)
    world.acceptance("de").accept(signed, crossing, folder, peer="spiffe://us.demo.sov/border")
    assert world.trust.regions["us"].role is Role.global_
    assert len(world.events("channel.accepted", "de")) == 1
