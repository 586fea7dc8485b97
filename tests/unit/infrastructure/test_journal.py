"""The operator's journal: written once, verified before it is believed."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from sovplatform.errors import LedgerCorrupt
from sovplatform.infrastructure.journal import Journal


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
