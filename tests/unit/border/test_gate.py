"""The gate: what it lets out, what it refuses, and that it says and does each thing once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sovplatform import signing
from sovplatform.errors import LedgerUnwritable, NotFound
from sovplatform.labels import Label, Sensitivity
from sovplatform.ledger import Ledger
from sovplatform.pilot import BorderSpec
from sovplatform.policy.engine import PolicyEngine
from sovplatform.records import Crossing, Kind, SignedDecision
from sovplatform.testing.memory import MemoryKeyStore
from tests.fixtures.border import ALLOW, CONTRACT, FREE, PLAN, RAW, World, evidence, region_config


def denied(world: World, crossing: Crossing, folder: Path, reason: str, **changes: object) -> SignedDecision:
    """The gate says no for that reason, signs it, records it, and spends nothing."""
    signed = world.gate(crossing.source if crossing.source in world.ledgers else "de", **changes).decide(crossing, folder)
    assert not signed.decision.allow
    assert reason in "; ".join(signed.decision.reasons)
    own = world.trust.regions[crossing.source if crossing.source in world.ledgers else "de"]
    signing.verify(signed.signature, signed.decision.canonical(), own.keys["decisions"])
    assert world.events("gate.denied", own.region)[-1]["decision"] == signed.decision.id
    assert world.events("gate.allowed", own.region) == []
    return signed


# -- yes ----------------------------------------------------------------------------------------------------------


def test_a_good_update_is_allowed_signed_and_recorded(world: World) -> None:
    signed, crossing, _ = world.allowed_update()
    decision = signed.decision
    assert decision.rules == ("export.update.sovereign-global",)
    assert (decision.source_jurisdiction, decision.destination_jurisdiction) == ("DE", "US")
    assert (decision.expires_at - decision.issued_at).total_seconds() == 300
    signing.verify(signed.signature, decision.canonical(), world.trust.regions["de"].keys["decisions"])
    [entry] = world.events("gate.allowed")
    assert entry["artifact"] == crossing.artifact.digest == decision.artifact
    assert SignedDecision.model_validate(entry["signed"]) == signed


def test_parameters_go_out_to_the_sovereign_regions(world: World) -> None:
    folder = world.tensors()
    artifact = world.seal(folder, Kind.model, source="us", name="parameters")
    assert world.gate("us").decide(world.crossing(artifact, "us", "de"), folder).decision.allow


def test_statistics_with_evidence_are_allowed(world: World) -> None:
    world.reserve()
    folder = world.tensors({"h": np.zeros((2, 10), np.float32)})
    artifact = world.seal(folder, Kind.statistics, privacy=evidence())
    assert world.gate().decide(world.crossing(artifact), folder).decision.allow


def test_asking_again_gives_the_same_decision_and_no_second_entry(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    size = world.ledgers["de"].size
    assert world.gate().decide(crossing, folder) == signed
    assert world.ledgers["de"].size == size


def test_an_expired_decision_is_made_anew_without_a_second_spend(world: World) -> None:
    signed, crossing, folder = world.allowed_update()
    world.advance(301)
    again = world.gate().decide(crossing, folder)
    assert again.decision.allow
    assert again.decision.id != signed.decision.id
    assert len(world.events("gate.allowed")) == 2
    assert len(world.events("privacy.released")) == 1


def test_threads_that_ask_at_once_get_one_decision(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    gate = world.gate()
    with ThreadPoolExecutor(8) as pool:
        decisions = {signed.decision.id for signed in pool.map(lambda _: gate.decide(crossing, folder), range(8))}
    assert len(decisions) == 1
    assert len(world.events("gate.allowed")) == 1
    assert len(world.events("privacy.released")) == 1


def test_a_no_is_recorded_each_time(world: World) -> None:
    crossing, folder = world.update()
    first, second = (denied(world, crossing, folder, "never reserved") for _ in range(2))
    assert first.decision.id != second.decision.id
    assert len(world.events("gate.denied")) == 2


# -- what cannot be recorded or signed does not happen -----------------------------------------------------------------


def test_without_a_ledger_there_is_no_decision(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    world.ledgers["de"].close()
    gate_ledger = Ledger.open(world.root / "de.db", "de.demo.sov/ledger", read_only=True)
    world.ledgers["de"] = gate_ledger
    with pytest.raises(LedgerUnwritable):
        world.gate().decide(crossing, folder)


def test_without_the_key_there_is_no_decision(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    gate = world.gate()
    gate._keystore = MemoryKeyStore("de", "DE")
    with pytest.raises(NotFound):
        gate.decide(crossing, folder)
    assert world.events("gate.allowed") == []


# -- the manifest and the files ------------------------------------------------------------------------------------


def test_a_file_that_was_changed_after_sealing_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    file = folder / "tensors.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    denied(world, crossing, folder, "tensors.safetensors has another digest")


def test_a_file_that_was_changed_after_a_yes_is_refused_on_asking_again(world: World) -> None:
    _, crossing, folder = world.allowed_update()
    (folder / "tensors.safetensors").write_bytes(b"something else")
    again = world.gate().decide(crossing, folder)
    assert not again.decision.allow


def test_an_undeclared_file_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    (folder / "rows.csv").write_text("name,iban\n")
    denied(world, crossing, folder, "1 files are not in its manifest")


@pytest.mark.parametrize(
    "path", ["../secret.safetensors", "/etc/x.safetensors", "a/b.safetensors", ".x.safetensors", "manifest.json", "x"]
)
def test_a_manifest_that_names_odd_paths_is_refused_unread(world: World, path: str) -> None:
    world.reserve()
    crossing, folder = world.update()
    [entry] = crossing.artifact.files
    artifact = crossing.artifact.model_copy(update={"files": (entry.model_copy(update={"path": path}),)})
    denied(world, world.crossing(artifact), folder, "its manifest declares")


def test_a_link_to_a_file_elsewhere_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    file = folder / "tensors.safetensors"
    file.rename(world.root / "elsewhere")
    file.symlink_to(world.root / "elsewhere")
    denied(world, crossing, folder, "is a link")


def test_a_directory_that_is_a_link_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    link = world.root / "link"
    link.symlink_to(folder)
    denied(world, crossing, link, "a link or cannot be read")


def test_a_pipe_in_place_of_a_file_is_refused_without_waiting(world: World) -> None:
    import os

    world.reserve()
    crossing, folder = world.update()
    (folder / "tensors.safetensors").unlink()
    os.mkfifo(folder / "tensors.safetensors")
    denied(world, crossing, folder, "not a plain file")


def test_a_missing_directory_is_a_denial(world: World) -> None:
    world.reserve()
    crossing, _ = world.update()
    denied(world, crossing, world.root / "nowhere", "cannot be read")


# -- what the artifact is --------------------------------------------------------------------------------------------


def test_raw_data_is_refused_even_when_a_rule_lets_it(world: World) -> None:
    folder = world.folder()
    (folder / "rows.csv").write_text("a,b\n1,2\n")
    artifact = world.seal(folder, Kind.dataset, label=RAW)
    signed = denied(world, world.crossing(artifact), folder, "raw data never crosses")
    assert {"data.raw", "label.residency", "inspection.format"} <= set(signed.decision.rules)


def test_a_kind_without_an_export_rule_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    border = BorderSpec(allow=tuple(rule for rule in ALLOW if rule.kind != "update"))
    denied(world, crossing, folder, "no export rule for kind update", border=border)


def test_an_update_over_the_size_limit_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    border = BorderSpec(allow=tuple(rule.model_copy(update={"max_bytes": 100}) for rule in ALLOW))
    denied(world, crossing, folder, "more than the export rule allows", border=border)


def test_a_declared_size_that_is_too_small_does_not_pass_the_limit(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    [entry] = crossing.artifact.files
    artifact = crossing.artifact.model_copy(update={"files": (entry.model_copy(update={"size": 1}),)})
    denied(world, world.crossing(artifact), folder, "has another size")


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        (
            {"w": np.ones(20, np.float32), "b": np.zeros(1, np.float32), "x": np.zeros(1, np.float32)},
            "1 tensors are not registered",
        ),
        ({"w": np.ones(20, np.float32)}, "1 tensors of task credit are missing"),
        ({"w": np.ones(21, np.float32), "b": np.zeros(1, np.float32)}, "tensor w is F32[21], registered is F32[20]"),
        ({"w": np.ones(20, np.float64), "b": np.zeros(1, np.float32)}, "tensor w is F64[20]"),
        ({"w": np.full(20, np.nan, np.float32), "b": np.zeros(1, np.float32)}, "not finite"),
        ({"w": np.full(20, np.inf, np.float32), "b": np.zeros(1, np.float32)}, "not finite"),
    ],
)
def test_other_tensors_than_registered_are_smuggling(world: World, tensors: dict[str, np.ndarray], reason: str) -> None:
    world.reserve()
    crossing, folder = world.update(tensors)
    denied(world, crossing, folder, reason)


def test_an_update_for_another_task_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update(task="churn")
    denied(world, crossing, folder, "another task")


def test_statistics_without_a_registered_shape_are_refused(world: World) -> None:
    world.reserve()
    folder = world.tensors({"h": np.zeros((2, 10), np.float32)})
    artifact = world.seal(folder, Kind.statistics, privacy=evidence())
    denied(world, world.crossing(artifact), folder, "no tensors are registered", statistics=None)


def test_model_parameters_of_another_shape_are_refused(world: World) -> None:
    folder = world.tensors({"w": np.ones(99, np.float32), "b": np.zeros(1, np.float32)})
    artifact = world.seal(folder, Kind.model, source="us")
    denied(world, world.crossing(artifact, "us", "de"), folder, "tensor w is F32[99]")


def test_a_pickle_under_another_name_is_refused(world: World) -> None:
    import pickle

    world.reserve()
    folder = world.folder()
    (folder / "tensors.safetensors").write_bytes(pickle.dumps({"w": [1.0] * 100}))
    denied(world, world.crossing(world.seal(folder, privacy=evidence())), folder, "a pickle")


# -- labels ----------------------------------------------------------------------------------------------------------


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


# -- who ---------------------------------------------------------------------------------------------------------------


def test_an_unsigned_artifact_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    denied(world, crossing.model_copy(update={"signature": None}), folder, "not signed")


def test_another_regions_signature_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    foreign = world.keystores["fr"].sign("artifacts", crossing.artifact.digest.encode())
    denied(world, crossing.model_copy(update={"signature": foreign}), folder, "does not verify")


def test_a_signature_of_another_artifact_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    other, _ = world.update({"w": np.zeros(20, np.float32), "b": np.zeros(1, np.float32)})
    denied(world, crossing.model_copy(update={"signature": other.signature}), folder, "does not verify")


def test_the_gates_own_key_is_not_a_producers(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    wrong = world.keystores["de"].sign("decisions", crossing.artifact.digest.encode())
    denied(world, crossing.model_copy(update={"signature": wrong}), folder, "does not verify")


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


# -- privacy -----------------------------------------------------------------------------------------------------------


def test_one_step_is_not_released_twice_with_fresh_noise(world: World) -> None:
    """Two noised versions of one gradient average the noise away."""
    world.allowed_update()
    fresh, folder = world.update({"w": np.full(20, 1.1, np.float32), "b": np.zeros(1, np.float32)})
    again = world.gate().decide(fresh, folder)
    assert not again.decision.allow
    assert "already released, with other noise" in "; ".join(again.decision.reasons)


def test_threads_that_race_for_one_step_release_one(world: World) -> None:
    world.reserve()
    made = [world.update({"w": np.full(20, n, np.float32), "b": np.zeros(1, np.float32)}) for n in range(6)]
    gate, barrier = world.gate(), threading.Barrier(6)

    def decide(item: tuple[Crossing, Path]) -> bool:
        barrier.wait(10)
        return gate.decide(*item).decision.allow

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(decide, made)) == 1
    assert len(world.events("privacy.released")) == 1
    assert len(world.events("gate.allowed")) == 1


def test_a_step_is_not_spent_by_a_denied_crossing(world: World) -> None:
    world.reserve()
    crossing, folder = world.update(task="churn")
    denied(world, crossing, folder, "another task")
    assert world.events("privacy.released") == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"noise_multiplier": 4.0}, "noise multiplier is not the reserved one"),
        ({"clip_norm": 9.0}, "clip norm is not the reserved one"),
        ({"sampling_rate": 0.5}, "sampling rate is not the reserved one"),
        ({"mechanism": "laplace"}, "mechanism is not the reserved one"),
        ({"partition": "holdout"}, "partition is not the reserved one"),
        ({"reservation": "another"}, "never reserved"),
        ({"dataset": "credit-fr"}, "not one of region de"),
    ],
)
def test_evidence_that_disagrees_with_its_reservation_is_refused(world: World, changes: dict[str, object], reason: str) -> None:
    world.reserve()
    crossing, folder = world.update(privacy=evidence(**changes))
    denied(world, crossing, folder, reason)


def test_a_step_beyond_the_reservation_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update(step=PLAN.steps)
    denied(world, crossing, folder, "beyond the 4 reserved")


# -- what others add -------------------------------------------------------------------------------------------------


def test_further_rules_can_deny(world: World, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "night.rego").write_text(
        "package sovplatform.border\n\nimport rego.v1\n\n"
        'deny contains {"rule": "bank.us", "msg": "it does not deal with the US"} if input.destination.jurisdiction == "US"\n'
    )
    world.reserve()
    crossing, folder = world.update()
    signed = denied(world, crossing, folder, "does not deal with the US", policy=PolicyEngine([rules]))
    assert signed.decision.rules == ("bank.us",)


def test_every_decision_names_the_configuration_it_was_made_under(world: World) -> None:
    signed, _, _ = world.allowed_update()
    assert signed.decision.evidence["config"] == region_config("de").digest
    assert signed.decision.label == FREE
    assert CONTRACT.task == "credit"


def test_a_forged_entry_in_the_decisions_place_is_not_believed(world: World) -> None:
    """Whoever could write into the ledger still has not the gate's key."""
    from sovplatform.border import gate as module

    world.reserve()
    crossing, folder = world.update()
    forged = world.keystores["fr"]
    other, _, _ = world.allowed_update(step=1)
    subject = world.gate()._subject(crossing, folder)
    fake = other.model_copy(update={"signature": forged.sign("decisions", other.decision.canonical())})
    world.ledgers["de"].append(
        "gate.allowed",
        crossing.artifact.digest,
        actor="mallory",
        details={"signed": fake.model_dump(mode="json")},
        key=module._key(subject, 0),
    )
    signed = world.gate().decide(crossing, folder)
    assert signed.decision.allow
    assert signed.decision.artifact == crossing.artifact.digest
