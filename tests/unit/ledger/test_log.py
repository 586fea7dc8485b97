"""Recording and reading: what the ledger promises while nothing goes wrong."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovplatform.errors import ConfigError, Conflict, Denied, LedgerCorrupt, LedgerUnwritable, NotFound, SignatureInvalid
from sovplatform.ledger import Entry, Ledger, merkle
from sovplatform.ledger.entry import draft

ACTOR = "spiffe://de.demo.sov/border"


def test_an_entry_reads_back_as_it_was_recorded(place: Any) -> None:
    details = {"kind": "update", "size": 1, "reasons": ["a", "ß"], "evidence": {"epsilon": 1.5, "none": None}}
    with place.open() as ledger:
        entry = ledger.append("gate.allowed", "sha256:1", actor=ACTOR, details=details, key="k")
    with Ledger.open(place.path, place.origin, read_only=True) as ledger:
        assert list(ledger.entries()) == [entry] == [ledger.find("k")]
        assert ledger.size == 1
    assert (entry.index, entry.event, entry.subject, entry.actor, entry.details) == (
        0,
        "gate.allowed",
        "sha256:1",
        ACTOR,
        details,
    )
    assert entry.at.tzinfo is not None


def test_the_root_is_the_rfc_root_over_the_canonical_entries(place: Any) -> None:
    place.fill(9)
    with place.open() as ledger:
        hashes = [merkle.leaf_hash(entry.canonical()) for entry in ledger.entries()]
        assert ledger.root() == merkle.root(hashes)
        assert [ledger.root(size) for size in range(10)] == [merkle.root(hashes[:size]) for size in range(10)]
        for size in range(1, 10):
            for index in range(size):
                proof = ledger.inclusion_proof(index, size)
                assert merkle.verify_inclusion(index, size, hashes[index], proof, ledger.root(size))
            for old in range(size + 1):
                proof = ledger.consistency_proof(old, size)
                assert merkle.verify_consistency(old, size, ledger.root(old), ledger.root(size), proof)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    subject=st.text(max_size=30),
    key=st.text(max_size=30),
    details=st.dictionaries(st.text(), json_values, max_size=4),
    index=st.integers(0, 2**40),
    at=st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)),
)
def test_the_bytes_hashed_are_the_entry_s_canonical_json(
    subject: str, key: str, details: dict[str, Any], index: int, at: datetime
) -> None:
    try:
        checked = draft("gate.allowed", subject, ACTOR, details, key)
    except ConfigError:
        return  # text that has no UTF-8, or a number that JSON cannot carry
    entry, body = checked.placed(index, at)
    assert body == entry.canonical()
    assert Entry.from_json(body) == entry


def test_the_same_key_records_once(place: Any) -> None:
    with place.open() as ledger:
        first = ledger.append("job.started", "j1", actor=ACTOR, details={"try": 1}, key="job/j1")
        assert ledger.append("job.started", "j1", actor=ACTOR, details={"try": 2}, key="job/j1") == first
        assert ledger.size == 1
    with place.open() as ledger:
        assert ledger.append("job.started", "j1", actor=ACTOR, key="job/j1") == first
        assert ledger.find("job/j1") == first
        assert ledger.find("job/j2") is None


def test_a_key_cannot_hide_another_event(place: Any) -> None:
    with place.open() as ledger:
        ledger.append("gate.allowed", "sha256:1", actor=ACTOR, key="d1")
        with pytest.raises(Conflict, match=r"stands for gate\.allowed"):
            ledger.append("gate.denied", "sha256:1", actor=ACTOR, key="d1")
        assert ledger.append("gate.denied", "sha256:1", actor=ACTOR).index == 1


def test_entries_are_selected_by_place_and_event(place: Any) -> None:
    with place.open() as ledger:
        for number in range(1200):
            ledger.append("gate.allowed" if number % 3 else "job.started", f"s{number}", actor=ACTOR)
        assert [entry.index for entry in ledger.entries()] == list(range(1200))
        assert [entry.index for entry in ledger.entries(1190, 1193)] == [1190, 1191, 1192]
        assert [entry.index for entry in ledger.entries(event="job.started")] == list(range(0, 1200, 3))
        assert sum(1 for _ in ledger.entries(event="gate.*")) == 800
        assert not list(ledger.entries(event="gat.*"))
        assert not list(ledger.entries(1200))


def test_threads_record_every_entry_once_and_in_one_order(place: Any) -> None:
    with place.open() as ledger:

        def work(name: int) -> None:
            for number in range(60):
                ledger.append("job.step", f"{name}/{number}", actor=ACTOR, key=f"{name}/{number}")
                ledger.append("job.step", f"shared/{number}", actor=ACTOR, key=f"shared/{number}")

        threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            seen = list(ledger.entries())
            assert [entry.index for entry in seen] == list(range(len(seen)))
            threads[0].join(0.01)
        subjects = [entry.subject for entry in ledger.entries()]
        assert len(subjects) == len(set(subjects)) == 6 * 60 + 60
        times = [entry.at for entry in ledger.entries()]
        assert times == sorted(times)
        assert ledger.root() == merkle.root(merkle.leaf_hash(entry.canonical()) for entry in ledger.entries())


def test_data_is_not_metadata(place: Any) -> None:
    with place.open() as ledger:
        with pytest.raises(Denied, match="metadata only"):
            ledger.append("job.ended", "j", actor=ACTOR, details={"rows": "x" * 70_000})
        assert ledger.size == 0


@pytest.mark.parametrize(
    ("event", "subject", "actor", "details"),
    [
        ("Gate", "s", "a", {}),
        ("gate", "s", "a", {}),
        ("gate.x y", "s", "a", {}),
        ("gate.x", "s" * 2000, "a", {}),
        ("gate.x", "s", "", {}),
        ("gate.x", "s", "a", {"x": float("nan")}),
        ("gate.x", "s", "a", {"x": 2**60}),
        ("gate.x", "s", "a", {"x": 1e16}),
        ("gate.x", "s", "a", {"x": b"bytes"}),
        ("gate.x", "s", "a", {"x": {1, 2}}),
        ("gate.x", "\ud800", "a", {}),
    ],
)
def test_what_is_no_json_or_malformed_is_refused_with_a_remedy(
    event: str, subject: str, actor: str, details: Any, place: Any
) -> None:
    with place.open() as ledger:
        with pytest.raises(ConfigError, match="cannot be recorded") as caught:
            ledger.append(event, subject, actor=actor, details=details)
        assert caught.value.remedy
        assert ledger.size == 0


def test_sealing_is_kept_and_done_once_for_each_state(place: Any, other_key: Any) -> None:
    with place.open() as ledger:
        assert ledger.checkpoint() is None
        ledger.append("region.started", "de", actor=ACTOR)
        first = ledger.seal(place.key.sign, place.origin, place.key.pem)
        assert (first.size, first.root_hash, first.origin) == (1, ledger.root(), place.origin)
        assert ledger.seal(place.key.sign, place.origin, place.key.pem) == first
        rotated = ledger.seal(other_key.sign, place.origin, other_key.pem)
        assert rotated.size == 1
        ledger.append("region.stopped", "de", actor=ACTOR)
        place.seal(ledger)
        assert [checkpoint.size for checkpoint in ledger.checkpoints()] == [1, 1, 2]
    with Ledger.open(place.path, place.origin, read_only=True) as ledger:
        newest = ledger.checkpoint()
        assert newest is not None
        assert newest.size == 2


def test_a_seal_by_another_key_is_not_kept(place: Any, other_key: Any) -> None:
    with place.open() as ledger:
        ledger.append("region.started", "de", actor=ACTOR)
        with pytest.raises(SignatureInvalid):
            ledger.seal(other_key.sign, place.origin, place.key.pem)
        assert ledger.checkpoint() is None


def test_a_reader_cannot_record_and_follows_the_writer(place: Any) -> None:
    place.fill(2)
    with place.open() as writer, Ledger.open(place.path, place.origin, read_only=True) as reader:
        writer.append("job.started", "j", actor=ACTOR)
        assert reader.size == 3
        assert reader.root() == writer.root()
        with pytest.raises(LedgerUnwritable, match="not open for writing"):
            reader.append("job.started", "j", actor=ACTOR)
        with pytest.raises(LedgerUnwritable):
            place.seal(reader)


def test_the_wrong_file_or_origin_is_refused(place: Any, tmp_path: Path) -> None:
    place.fill(1)
    with pytest.raises(Conflict, match="not of fr"):
        Ledger.open(place.path, "fr.demo.sov/ledger")
    with pytest.raises(Conflict, match="not of fr"):
        Ledger.open(place.path, "fr.demo.sov/ledger", read_only=True)
    with pytest.raises(NotFound):
        Ledger.open(tmp_path / "none.db", place.origin, read_only=True)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (x)")
    text = tmp_path / "text.db"
    text.write_text("not a database, but long enough to be looked at as one" * 40)
    for path in (other, text):
        with pytest.raises(LedgerCorrupt):
            Ledger.open(path, place.origin)
        with pytest.raises(LedgerCorrupt):
            Ledger.open(path, place.origin, read_only=True)


def test_what_is_not_there_cannot_be_proved(place: Any) -> None:
    place.fill(3)
    with place.open() as ledger:
        for ask in (
            lambda: ledger.inclusion_proof(3, 3),
            lambda: ledger.inclusion_proof(-1, 3),
            lambda: ledger.inclusion_proof(0, 4),
            lambda: ledger.consistency_proof(2, 4),
            lambda: ledger.consistency_proof(3, 2),
            lambda: ledger.root(4),
        ):
            with pytest.raises(NotFound):
                ask()


def test_a_closed_ledger_says_so(place: Any) -> None:
    ledger = place.open()
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerUnwritable):
        ledger.append("job.started", "j", actor=ACTOR)
    with pytest.raises(ConfigError, match="closed"):
        _ = ledger.size


def test_the_file_is_its_owner_s_only_and_append_only(place: Any) -> None:
    place.fill(3)
    assert place.path.stat().st_mode & 0o077 == 0
    with sqlite3.connect(place.path) as connection:
        for statement in (
            "UPDATE entries SET event = 'x.y'",
            "DELETE FROM entries WHERE idx = 2",
            "INSERT OR REPLACE INTO entries SELECT 1, event, key, body, nodes FROM entries WHERE idx = 2",
            "INSERT INTO entries VALUES (9, 'a.b', NULL, x'00', x'00')",
            "DELETE FROM checkpoints",
            "UPDATE ledger SET origin = 'x'",
        ):
            with pytest.raises(sqlite3.IntegrityError, match=r"append"):
                connection.execute(statement)
