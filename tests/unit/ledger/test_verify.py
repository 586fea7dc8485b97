"""Verification finds whatever is done to a ledger's file."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sovplatform.errors import ConfigError, LedgerCorrupt
from sovplatform.ledger import Ledger, merkle
from sovplatform.ledger.verify import verify

ACTOR = "spiffe://de.demo.sov/border"


def report(place: Any, *, key: str = "", witnesses: tuple[str, ...] = ()) -> Any:
    return verify(place.path, origin=place.origin, public_key=key or place.key.pem, witnesses=witnesses)


def tamper(path: Path, *statements: str, rehash: bool = False) -> None:
    """Do to the file what somebody with write access can; `rehash` makes the stored tree fit again."""
    connection = sqlite3.connect(path, isolation_level=None)
    triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    if rehash:
        frontier = merkle.Frontier()
        for index, body in connection.execute("SELECT idx, body FROM entries ORDER BY idx").fetchall():
            connection.execute("UPDATE entries SET nodes = ? WHERE idx = ?", (frontier.push(merkle.leaf_hash(body)), index))
    connection.close()


CHANGE = "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), '\"size\":5', '\"size\":6') AS BLOB) WHERE idx = 5"
SWAP = (
    "UPDATE entries SET body = CASE idx WHEN 3 THEN (SELECT body FROM entries WHERE idx = 4) "
    "ELSE (SELECT body FROM entries WHERE idx = 3) END WHERE idx IN (3, 4)"
)


def test_an_untouched_ledger_verifies(place: Any) -> None:
    place.fill(20, every=3)
    found = report(place)
    assert (found.verified, found.problem, found.size, found.region) == (True, "", 20, "de")
    with place.open() as ledger:
        assert found.root == ledger.root().hex()


def test_a_ledger_verifies_while_its_writer_has_it_open(place: Any) -> None:
    place.fill(5)
    with place.open() as ledger:
        assert report(place).verified
        ledger.append("job.started", "j", actor=ACTOR)
        assert report(place).problem == "1 entries after the last checkpoint are not sealed"
        place.seal(ledger)
        assert report(place).verified


@pytest.mark.parametrize("rehash", [False, True])
@pytest.mark.parametrize(
    ("statements", "plain", "clever"),
    [
        ((CHANGE,), "entry 5 is not what was recorded", "something after entry 4 was changed"),
        (("DELETE FROM entries WHERE idx = 5",), "entry 5 is missing", "entry 5 is missing"),
        (
            ("DELETE FROM entries WHERE idx = 5", "UPDATE entries SET idx = idx - 1 WHERE idx > 5"),
            "entry 5 is not what was recorded",
            "entry 5 was moved",
        ),
        ((SWAP,), "entry 3 is not what was recorded", "entry 3 was moved"),
        (("DELETE FROM entries WHERE idx >= 18",), "the end was cut off", "the end was cut off"),
        (("DELETE FROM entries",), "the end was cut off", "the end was cut off"),
        (
            ("UPDATE entries SET event = 'gate.denied' WHERE idx = 2",),
            "entry 2 was moved, or filed",
            "entry 2 was moved, or filed",
        ),
        (("UPDATE entries SET key = NULL WHERE idx = 2",), "entry 2 was moved, or filed", "entry 2 was moved, or filed"),
        (("UPDATE entries SET body = x'7b7d' WHERE idx = 2",), "entry 2 is not what", "entry 2 is no entry"),
        (("UPDATE entries SET body = 'text' WHERE idx = 2",), "entry 2 is not what", ""),
        (("DROP TABLE checkpoints",), "cannot be read", ""),
        (("DELETE FROM ledger",), "this is the ledger of", ""),
        (("UPDATE checkpoints SET note = x'fffe'",), "checkpoint", ""),
    ],
)
def test_tampering_is_found(place: Any, statements: tuple[str, ...], plain: str, clever: str, rehash: bool) -> None:
    if rehash and not clever:
        return
    place.fill(20, every=4)
    tamper(place.path, *statements, rehash=rehash)
    found = report(place)
    assert not found.verified
    assert (clever if rehash else plain) in found.problem


def test_a_change_in_the_stored_tree_alone_is_found(place: Any) -> None:
    place.fill(8)
    tamper(place.path, "UPDATE entries SET nodes = zeroblob(32) WHERE idx = 4")
    assert report(place).problem == "entry 4 is not what was recorded"


def test_an_inserted_entry_is_found(place: Any) -> None:
    notes = place.fill(6)
    tamper(place.path, "INSERT INTO entries SELECT 6, event, NULL, body, nodes FROM entries WHERE idx = 5", rehash=True)
    found = report(place, witnesses=tuple(notes))
    assert "entry 6 was moved" in found.problem
    assert "1 entries after the last checkpoint are not sealed" in found.problem


def test_an_unsealed_tail_and_a_never_sealed_ledger_are_told(place: Any) -> None:
    with place.open() as ledger:
        assert "no valid checkpoint" in report(place).problem
        for number in range(3):
            ledger.append("job.step", str(number), actor=ACTOR)
        assert "no valid checkpoint: 3 entries are not sealed" in report(place).problem
        place.seal(ledger)
        for number in range(2):
            ledger.append("job.step", str(number), actor=ACTOR)
    found = report(place)
    assert (found.verified, found.problem) == (False, "2 entries after the last checkpoint are not sealed")


def test_a_ledger_sealed_by_another_key_does_not_verify(place: Any, other_key: Any) -> None:
    place.fill(3)
    found = report(place, key=other_key.pem)
    assert not found.verified
    assert "signed by another key" in found.problem
    assert "no valid checkpoint" in found.problem


def test_a_rotated_key_verifies_with_both_and_a_wrong_one_does_not(place: Any, other_key: Any) -> None:
    place.fill(3)
    with place.open() as ledger:
        ledger.append("region.rotated", "ledger", actor=ACTOR)
        ledger.seal(other_key.sign, place.origin, other_key.pem)
    assert verify(place.path, origin=place.origin, public_key=[place.key.pem, other_key.pem]).verified
    assert not report(place).verified
    with pytest.raises(ConfigError):
        report(place, key="no key")


def test_a_ledger_put_back_to_an_older_copy_is_found_by_a_witness(place: Any, tmp_path: Path) -> None:
    place.fill(5)
    shutil.copy(place.path, tmp_path / "old.db")
    newest = place.fill(5)[-1]
    shutil.copy(tmp_path / "old.db", place.path)
    assert report(place).verified
    found = report(place, witnesses=(newest,))
    assert not found.verified
    assert "a witness's checkpoint of 10 entries is signed, but there are only 5" in found.problem


def test_checkpoints_rolled_back_alone_are_found(place: Any) -> None:
    notes = place.fill(10, every=5)
    tamper(place.path, "DELETE FROM checkpoints WHERE size = 10")
    assert report(place).problem == "5 entries after the last checkpoint are not sealed"
    assert "checkpoints were rolled back: a witness holds one of 10" in report(place, witnesses=tuple(notes)).problem


def test_two_histories_under_one_key_are_found_by_a_witness(place: Any, tmp_path: Path) -> None:
    place.fill(4)
    shutil.copy(place.path, tmp_path / "fork.db")
    kept = place.fill(3)[-1]
    shutil.copy(tmp_path / "fork.db", place.path)
    with place.open() as ledger:
        for number in range(5):
            ledger.append("job.other", str(number), actor=ACTOR)
        place.seal(ledger)
    assert report(place).verified
    assert "a witness's checkpoint of 7 entries does not fit" in report(place, witnesses=(kept,)).problem


def test_a_false_checkpoint_among_true_ones_is_found(place: Any) -> None:
    place.fill(10, every=2)
    with place.open() as ledger:
        note = ledger.checkpoints()[1].note
    forged = note.replace("\n4\n", "\n6\n", 1).replace("'", "''")
    tamper(place.path, f"UPDATE checkpoints SET note = '{forged}' WHERE number = 2")  # noqa: S608
    assert "checkpoint 1" in report(place).problem
    tamper(place.path, "UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE number = 4) WHERE number = 2")
    assert "not in the order" in report(place).problem


@pytest.mark.parametrize(
    "make", [lambda path: None, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"x" * 9000)]
)
def test_a_missing_empty_or_foreign_file_is_a_finding(place: Any, make: Callable[[Path], object]) -> None:
    make(place.path)
    found = report(place)
    assert not found.verified
    assert found.problem


def test_every_flipped_byte_of_the_file_is_found_or_harmless(place: Any, tmp_path: Path) -> None:
    place.fill(30, every=10)
    sound = report(place)
    data = place.path.read_bytes()
    copy = tmp_path / "flipped.db"
    with Ledger.open(place.path, place.origin, read_only=True) as ledger:
        entries = list(ledger.entries())
    for offset in range(0, len(data), 211):
        copy.write_bytes(data[:offset] + bytes([data[offset] ^ 0x20]) + data[offset + 1 :])
        found = verify(copy, origin=place.origin, public_key=place.key.pem)
        if found.verified:
            assert found == sound
            try:
                with Ledger.open(copy, place.origin, read_only=True) as ledger:
                    assert list(ledger.entries()) == entries
            except LedgerCorrupt:
                pass


def test_a_writer_refuses_a_ledger_that_does_not_fit_its_checkpoint(place: Any) -> None:
    place.fill(9)
    tamper(place.path, "DELETE FROM entries WHERE idx = 8")
    with pytest.raises(LedgerCorrupt, match="newest checkpoint"):
        place.open()
