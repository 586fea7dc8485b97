"""The audit report tells what the ledgers hold, says whether to believe it, and lets nothing in them become markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sovplatform.ledger import Ledger
from sovplatform.ledger.bundle import export
from sovplatform.ledger.figures import size_text
from sovplatform.ledger.report import Report, report, report_bundle
from sovplatform.records import Trust

EVIL = "<script>alert('x')</script>|`\"&"
ARTIFACT = "sha256:" + "a" * 64
VOID = {"meta", "br", "circle", "rect", "path", "input"}


class Page(HTMLParser):
    """Checks that tags are closed in order, and keeps the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def cross(source: Any, ledger: Ledger, target: Any, other: Ledger, *, artifact: str = ARTIFACT, size: int = 2100) -> None:
    """One artifact crosses, and both sides record it."""
    told = {
        "artifact": artifact,
        "kind": "update",
        "source": source.name,
        "destination": target.name,
        "size": size,
        "decision": "d",
    }
    ledger.append("gate.allowed", artifact, actor="border", details=told)
    other.append("channel.accepted", artifact, actor="border", details=told)
    ledger.append("gate.delivered", "update", actor="border", details={**told, "checkpoint": target.seal(other)})


@pytest.fixture
def life(place: Any, peer: Any) -> None:
    """A short life of two regions: a crossing, refusals, privacy, a release."""
    with place.open() as mine, peer.open() as theirs:
        cross(place, mine, peer, theirs)
        denied = {"kind": "dataset", "source": "de", "destination": "fr", "size": 9, "reasons": ["datasets stay", EVIL]}
        mine.append("gate.denied", "sha256:2", actor="border", details=denied)
        mine.append("gate.denied", "sha256:2", actor="border", details=denied)
        plan = {
            "reservation": "run-1",
            "dataset": "credit",
            "partition": "train",
            "steps": 40,
            "delta": 1e-5,
            "noise_multiplier": 3.1,
        }
        mine.append("privacy.reserved", "run-1", actor="border", details={"plan": plan, "epsilon": 1.97, "limit": 3.0})
        for step in range(7):
            mine.append("privacy.released", ARTIFACT, actor="border", details={"reservation": "run-1", "step": step})
        mine.append("privacy.refused", "run-2", actor="border", details={"plan": plan, "reasons": ["over budget"]})
        mine.append("release.proposed", "credit-de-v1", actor="operator", details={"artifact": ARTIFACT, "proposer": "erika"})
        mine.append("release.approved", "credit-de-v1", actor="operator", details={"approvers": ["max"]})
        mine.append("release.promoted", "credit-de-v1", actor="operator", details={"actor": "max"})
        place.seal(mine)
        peer.seal(theirs)


@pytest.fixture
def made(life: None, place: Any, peer: Any, trust: Trust) -> Report:
    return report({"de": place.path, "fr": peer.path}, trust)


def test_the_page_tells_what_left_what_was_refused_what_was_spent_and_who_approved(made: Report) -> None:
    assert made.verified
    text = re.sub(r"\s+", " ", Page(made.html()).text)
    for told in (
        "Everything verified.",
        "2.1 kB",
        "datasets stay",
        "ε 1.97 of 3",
        "7 of 40",
        "over budget",
        "erika",
        "max",
        "promoted by max",
        "both sides agree on 1 crossing",
    ):
        assert told in text
    region = made.account.regions[0]
    assert [(flow.destination, flow.kind, flow.count, flow.bytes) for flow in region.left] == [("fr", "update", 1, 2100)]
    assert [(item.count, item.kind) for item in region.tally.refusals] == [(2, "dataset")]


def test_markdown_tells_the_same(made: Report) -> None:
    text = made.markdown()
    for told in (
        "| fr | update | 1 | 2.1 kB |",
        "datasets stay",
        "| credit | de | 1.97 | 3 | 1e-05 |",
        "erika | max |",
        "promoted by max",
    ):
        assert told in text


def test_nothing_in_a_ledger_becomes_markup(life: None, place: Any, peer: Any, trust: Trust) -> None:
    with place.open() as ledger:
        for event in ("gate.allowed", "gate.denied", "gate.delivered", "channel.accepted", "channel.refused", "privacy.reserved"):
            names = ("kind", "source", "destination", "artifact", "decision", "dataset", "partition", "reservation", "proposer")
            details = dict.fromkeys(names, EVIL) | {"reasons": [EVIL], "epsilon": 1.0}
            ledger.append(event, EVIL, actor=EVIL, details=details)
        ledger.append("release.proposed", EVIL, actor=EVIL, details={"artifact": EVIL})
        ledger.append("release.approved", EVIL, actor=EVIL, details={"approvers": [EVIL, 7]})
        place.seal(ledger)
    made = report({"de": place.path, "fr": peer.path}, trust)
    page = Page(made.html())
    assert "script" not in page.tags
    assert not {name for name, _ in page.attributes if name.startswith("on") or name in ("src", "href")}
    assert EVIL in page.text
    text = made.markdown()
    assert "<script" not in re.sub(r"\\.", "", text)
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) in (5, 6, 7) for line in tables)


def test_details_of_a_wrong_type_do_not_stop_a_report(life: None, place: Any, peer: Any, trust: Trust) -> None:
    with place.open() as ledger:
        for event in (
            "gate.allowed",
            "gate.denied",
            "gate.delivered",
            "privacy.reserved",
            "privacy.released",
            "release.approved",
        ):
            for wrong in (
                {},
                {"kind": 5, "size": "many", "reasons": 3, "plan": [], "epsilon": None, "approvers": "x", "source": {}},
            ):
                ledger.append(event, "s", actor="a", details=wrong)
        place.seal(ledger)
    assert Page(report({"de": place.path, "fr": peer.path}, trust).html()).text


def test_a_page_needs_nothing_else(made: Report) -> None:
    html = made.html()
    assert "http" not in html
    assert "url(" not in html.replace("url(#tip)", "")
    assert {"style", "svg"} <= Page(html).tags


def test_a_broken_ledger_is_said_first(life: None, place: Any, peer: Any, trust: Trust) -> None:
    place.path.write_bytes(b"x" * 5000)
    made = report({"de": place.path, "fr": peer.path}, trust)
    assert not made.verified
    text = Page(made.html()).text
    assert text.index("A ledger does not verify.") < text.index("What crossed the borders")
    assert "**NO**" in made.markdown()


def test_a_missing_ledger_or_a_region_that_nobody_knows_is_said(life: None, place: Any, trust: Trust) -> None:
    made = report({"de": place.path, "xx": place.path}, trust)
    assert not made.verified
    text = Page(made.html()).text
    assert "fr: its ledger is missing" in text
    assert "xx: the region is not in the trust" in text


def test_a_crossing_that_only_one_side_recorded_is_said(life: None, place: Any, peer: Any, trust: Trust) -> None:
    told = {"kind": "update", "size": 5, "decision": "d"}
    smuggled = {**told, "artifact": "sha256:" + "b" * 64, "source": "de", "destination": "fr"}
    with peer.open() as ledger:
        ledger.append("channel.accepted", "x", actor="border", details=smuggled)
        lost = {**told, "artifact": "sha256:" + "c" * 64, "source": "fr", "destination": "de"}
        ledger.append("gate.delivered", "x", actor="border", details=lost)
        peer.seal(ledger)
    made = report({"de": place.path, "fr": peer.path}, trust)
    assert not made.verified
    assert all(region.ledger.verified for region in made.account.regions)
    text = Page(made.html()).text
    assert "The ledgers verify, but do not agree." in text
    assert "fr accepted update sha256:bbbbbbbbbbbb…, and de recorded no decision to let it go" in text
    assert "fr delivered update sha256:cccccccccccc…, and de recorded no acceptance" in text


def test_an_empty_pilot_has_a_report_too(place: Any, peer: Any, trust: Trust) -> None:
    for region in (place, peer):
        with region.open() as ledger:
            region.seal(ledger)
    made = report({"de": place.path, "fr": peer.path}, trust)
    assert made.verified
    assert "Nothing left this region." in Page(made.html()).text


def test_a_report_from_a_bundle_is_the_same(made: Report, place: Any, peer: Any, trust: Trust, tmp_path: Path) -> None:
    bundle = export({"de": place.path, "fr": peer.path}, trust, tmp_path / "bundle")
    again = report_bundle(bundle)
    assert again.account.regions == made.account.regions
    page = again.write(tmp_path / "out")
    assert page.read_text(encoding="utf-8") == again.html()
    assert (tmp_path / "out" / "report.md").read_text(encoding="utf-8") == again.markdown()


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (12_345, "12.3 kB"),
        (999_950, "1 MB"),
        (10**18, "1e+03 PB"),
        (2_500_000_000, "2.5 GB"),
    ],
)
def test_sizes_are_written_in_decimal_units(size: int, text: str) -> None:
    assert size_text(size) == text
