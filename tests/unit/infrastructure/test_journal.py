"""The operator's journal: written once, verified before it is believed."""

from __future__ import annotations

import os
import socket
import sqlite3
import stat
from pathlib import Path
from unittest.mock import Mock

import pytest

from sovplatform.errors import LedgerCorrupt
from sovplatform.infrastructure.journal import Journal, login
from sovplatform.ledger.bundle import digests, export, verify_bundle
from sovplatform.ledger.report import report_bundle
from sovplatform.records import Trust


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "infrastructure", "demo")


def test_what_is_recorded_is_found_and_verifies(journal: Journal) -> None:
    journal.record("infrastructure.judged", "de-week1", {"allow": True}, key="judged/1")
    found = journal.find("judged/1")
    assert found is not None
    assert found.details == {"allow": True}
    report = journal.verify()
    assert report is not None
    assert (report.region, report.size, report.verified) == ("operator", 1, True)


def test_before_anything_is_recorded_there_is_nothing_to_find_or_verify(journal: Journal) -> None:
    assert journal.find("judged/1") is None
    assert journal.verify() is None


def test_the_key_is_the_operators_alone(journal: Journal) -> None:
    journal.record("infrastructure.judged", "de-week1", {})
    assert stat.S_IMODE((journal.path.parent / "ledger.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


def test_a_changed_verdict_is_not_believed(journal: Journal) -> None:
    journal.record("infrastructure.judged", "de-week1", {"allow": False}, key="judged/1")
    with sqlite3.connect(journal.path) as connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute("UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), 'false', 'true') AS BLOB)")
    with pytest.raises(LedgerCorrupt, match="journal does not verify"):
        journal.find("judged/1")


def test_a_verdict_written_without_the_key_is_not_believed(journal: Journal, tmp_path: Path) -> None:
    journal.record("infrastructure.judged", "de-week1", {"allow": False}, key="judged/1")
    forged = Journal(tmp_path / "forged", "demo")
    forged.record("infrastructure.judged", "de-week1", {"allow": True}, key="judged/1")
    forged.path.replace(journal.path)
    with pytest.raises(LedgerCorrupt):
        journal.find("judged/1")


def test_a_lost_key_is_not_replaced_in_silence(journal: Journal) -> None:
    journal.record("infrastructure.judged", "de-week1", {})
    (journal.path.parent / "ledger.key").unlink()
    with pytest.raises(LedgerCorrupt, match="key of the operator's journal"):
        journal.record("infrastructure.judged", "de-week2", {})


def test_a_stack_stands_from_its_first_apply_until_it_is_destroyed(journal: Journal) -> None:
    journal.record("infrastructure.judged", "de-week1", {})
    assert not journal.stands("de-week1")
    for event, stands in (("apply.began", True), ("apply.broke", True), ("destroy.began", True), ("destroy.done", False)):
        journal.record(f"infrastructure.{event}", "de-week1", {})
        assert journal.stands("de-week1") is stands
    assert not journal.stands("de-week2")


def test_whoever_acts_is_named_with_their_machine(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    assert journal.record("infrastructure.judged", "de-week1", {}).actor == f"ada@{socket.gethostname()}"
    monkeypatch.setattr("getpass.getuser", Mock(side_effect=KeyError("no such user")))
    assert journal.record("infrastructure.judged", "de-week2", {}).actor.startswith(f"{os.getuid()}@")


def test_an_auditor_takes_it_away_and_finds_what_was_changed_in_it(journal: Journal, tmp_path: Path) -> None:
    changes = {"create": 37, "update": 0, "replace": 0, "delete": 0}
    journal.record("infrastructure.judged", "de-week1", {"plan": "sha256:12", "allow": True, "rules": [], "changes": changes})
    journal.record("infrastructure.judged", "fr-week1", {"plan": "sha256:34", "allow": False, "rules": ["key.own"]})
    journal.record("infrastructure.apply.done", "de-week1", {"plan": "sha256:12"})
    trust, ledger = Trust(pilot="demo", regions={}), journal.ledger()
    assert ledger is not None
    bundle = export({}, trust, tmp_path / "bundle", operator=ledger)
    (report,) = verify_bundle(bundle)
    assert (report.region, report.size, report.verified) == ("operator", 3, True)
    assert digests(trust, ledger)["operator/key.pem"] in (bundle / "README.txt").read_text()

    audit = report_bundle(bundle)
    assert audit.verified
    for told in (audit.html(), audit.markdown()):
        for word in ("de-week1", "apply done", "37 to create", "DENIED; key.own", login()):
            assert word in told.replace("\\", ""), word

    entries = bundle / "operator" / "entries.jsonl"
    entries.write_bytes(entries.read_bytes().replace(b"false", b"true"))
    (changed,) = verify_bundle(bundle)
    assert not changed.verified
    assert "Everything verified" not in report_bundle(bundle).html()
    (bundle / "operator" / "key.pem").unlink()
    with pytest.raises(LedgerCorrupt, match="key of the operator's journal"):
        verify_bundle(bundle)


def test_a_journal_without_its_public_key_is_not_handed_out(journal: Journal) -> None:
    assert journal.ledger() is None
    journal.record("infrastructure.judged", "de-week1", {})
    (journal.path.parent / "ledger.pub").unlink()
    with pytest.raises(LedgerCorrupt, match="public key"):
        journal.ledger()
