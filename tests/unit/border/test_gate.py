"""The gate: what it lets out, and that it says and does each thing once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sovplatform import signing
from sovplatform.errors import LedgerUnwritable, NotFound
from sovplatform.ledger import Ledger
from sovplatform.policy.engine import PolicyEngine
from sovplatform.records import Kind, SignedDecision
from sovplatform.testing.memory import MemoryKeyStore
from tests.fixtures.border import CONTRACT, FREE, World, denied, evidence, region_config

# -- yes -----------------------------------------------------------------------------------------------------------


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


# -- what cannot be recorded or signed does not happen -------------------------------------------------------------


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


# -- what others add -----------------------------------------------------------------------------------------------


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
