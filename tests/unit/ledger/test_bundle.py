"""An auditor's bundle verifies with nothing else, and regions witness each other."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from sovplatform.errors import Conflict, LedgerCorrupt, NotFound
from sovplatform.ledger import merkle
from sovplatform.ledger.bundle import export, verify_bundle
from sovplatform.ledger.crosscheck import verify_regions
from sovplatform.records import Trust

ACTOR = "spiffe://fr.demo.sov/border"


@pytest.fixture
def bundle(place: Any, peer: Any, trust: Trust, tmp_path: Path) -> Path:
    place.fill(12, every=5)
    peer.fill(3)
    return export({"de": place.path, "fr": peer.path}, trust, tmp_path / "bundle")


def tell(peer: Any, note: str) -> None:
    """The peer records a receipt that carries another region's checkpoint."""
    with peer.open() as ledger:
        ledger.append("gate.delivered", "sha256:1", actor=ACTOR, details={"destination": "de", "checkpoint": note})
        peer.seal(ledger)


def test_a_bundle_verifies(bundle: Path) -> None:
    reports = verify_bundle(bundle)
    assert [(report.region, report.size, report.verified, report.problem) for report in reports] == [
        ("de", 12, True, ""),
        ("fr", 3, True, ""),
    ]


def test_a_bundle_can_be_checked_by_hand_as_its_readme_says(bundle: Path, place: Any) -> None:
    lines = (bundle / "ledgers/de/entries.jsonl").read_bytes().splitlines()
    newest = json.loads((bundle / "ledgers/de/checkpoints.jsonl").read_text().splitlines()[-1])
    with place.open() as ledger:
        assert merkle.root(map(merkle.leaf_hash, lines)) == ledger.root()
        assert newest == ledger.checkpoint().note
    assert (bundle / "ledgers/de/verifier.txt").read_text().splitlines()[1].startswith("de.demo.sov/ledger+")
    assert "sha256:" in (bundle / "README.txt").read_text()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b'"size":7', b'"size":8', "does not fit"),
        (b'"index":3', b'"index":4', "entry 3 was moved"),
        (b"\n", b" \n", "does not fit"),
    ],
)
def test_a_changed_entry_in_a_bundle_is_found(bundle: Path, old: bytes, new: bytes, problem: str) -> None:
    file = bundle / "ledgers/de/entries.jsonl"
    file.write_bytes(file.read_bytes().replace(old, new, 1))
    report = verify_bundle(bundle)[0]
    assert not report.verified
    assert problem in report.problem


def test_a_dropped_entry_or_ledger_in_a_bundle_is_found(bundle: Path) -> None:
    file = bundle / "ledgers/de/entries.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    shutil.rmtree(bundle / "ledgers/fr")
    first, second = verify_bundle(bundle)
    assert "the end was cut off" in first.problem
    assert (second.verified, second.problem) == (False, "its ledger is missing")


def test_a_forged_bundle_fails_against_the_auditor_s_own_trust(bundle: Path, trust: Trust, other_key: Any) -> None:
    region = trust.regions["de"]
    pinned = trust.model_copy(
        update={"regions": {**trust.regions, "de": region.model_copy(update={"keys": {"ledger": other_key.pem}})}}
    )
    assert verify_bundle(bundle)[0].verified
    assert "signed by another key" in verify_bundle(bundle, trust=pinned)[0].problem


def test_a_garbled_file_in_a_bundle_is_a_finding(bundle: Path) -> None:
    (bundle / "ledgers/de/checkpoints.jsonl").write_text("not json\n")
    (bundle / "ledgers/fr/entries.jsonl").write_bytes(b"\xff\n\n")
    first, second = verify_bundle(bundle)
    assert "cannot be read" in first.problem
    assert "entry 0 is no entry" in second.problem


def test_a_bundle_overwrites_nothing_and_leaves_nothing_half_made(bundle: Path, place: Any, trust: Trust, tmp_path: Path) -> None:
    with pytest.raises(Conflict):
        export({"de": place.path}, trust, bundle)
    with pytest.raises(NotFound):
        export({"de": tmp_path / "none.db"}, trust, tmp_path / "second")
    with pytest.raises(NotFound):
        export({"xx": place.path}, trust, tmp_path / "second")
    assert [path.name for path in tmp_path.iterdir() if "second" in path.name] == []
    with pytest.raises(NotFound):
        verify_bundle(tmp_path)


def test_a_region_rolled_back_is_found_by_what_another_region_recorded(
    place: Any, peer: Any, trust: Trust, tmp_path: Path
) -> None:
    place.fill(4)
    shutil.copy(place.path, tmp_path / "old.db")
    tell(peer, place.fill(4)[-1])
    ledgers = {"de": place.path, "fr": peer.path}
    assert all(report.verified for report in verify_regions(ledgers, trust))
    shutil.copy(tmp_path / "old.db", place.path)
    rolled, honest = verify_regions(ledgers, trust)
    assert honest.verified
    assert "only 4: the end was cut off" in rolled.problem
    assert "only 4" in verify_bundle(export(ledgers, trust, tmp_path / "bundle"))[0].problem


def test_a_ledger_that_is_not_there_is_a_finding(place: Any, trust: Trust, tmp_path: Path) -> None:
    place.fill(1)
    reports = verify_regions({"de": place.path, "fr": tmp_path / "none.db", "xx": place.path}, trust)
    assert [report.verified for report in reports] == [True, False, False]
    assert [report.problem.split(" at ")[0] for report in reports] == ["", "no ledger", "the region is not in the trust"]


@pytest.mark.parametrize("name", ["entries.jsonl", "checkpoints.jsonl"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_is_no_plain_file_in_a_bundle_is_not_opened(bundle: Path, tmp_path: Path, name: str, kind: str) -> None:
    path = bundle / "ledgers/de" / name
    outside = path.rename(tmp_path / "outside")
    if kind == "link":
        path.symlink_to(outside)
    else:
        os.mkfifo(path)
    (report, other) = verify_bundle(bundle)
    assert (report.verified, other.verified) == (False, True)
    assert "no plain file" in report.problem


def test_a_bundle_s_trust_or_ledger_that_is_a_link_is_refused(bundle: Path, tmp_path: Path) -> None:
    outside = (bundle / "ledgers/de").rename(tmp_path / "outside")
    (bundle / "ledgers/de").symlink_to(outside)
    with pytest.raises(LedgerCorrupt, match="no directory of a ledger"):
        verify_bundle(bundle)
    (bundle / "trust.json").rename(tmp_path / "trust")
    (bundle / "trust.json").symlink_to(tmp_path / "trust")
    with pytest.raises(LedgerCorrupt, match="no plain file"):
        verify_bundle(bundle)


def test_a_checkpoint_that_is_nested_too_deeply_is_a_finding(bundle: Path) -> None:
    (bundle / "ledgers/de/checkpoints.jsonl").write_text("[" * 100_000)
    assert "cannot be read" in verify_bundle(bundle)[0].problem
