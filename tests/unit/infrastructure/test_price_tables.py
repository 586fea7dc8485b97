"""Tables of prices: ours are whole and say where they are from; a pilot may bring its own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sovplatform.errors import ConfigError
from sovplatform.infrastructure.pricing import Prices
from sovplatform.platform import Platform
from sovplatform.scaffold import Blueprint, Place, make_pilot
from tests.fixtures.prices import TODAY, price


def test_every_price_of_ours_has_a_source_and_a_date_and_every_factor_too() -> None:
    prices = Prices.load()
    assert {"aws", "gcp", "onprem"} <= set(prices.tables)
    for one in prices.tables.values():
        for item in one.prices:
            assert re.match(r"https?://\S+\.\S+/\S|description of the Python package \S+ \d", item.source)
            assert item.as_of <= TODAY
            assert item.low <= item.high
        keys = [(item.item, item.location) for item in one.prices]
        assert len(keys) == len(set(keys))
        for other in one.elsewhere:
            assert other.note
            assert (other.low, other.high) == (1, 1) or (other.source and other.as_of)
    assert all(rate.source for rate in prices.rates.rates)


def test_a_table_of_the_pilot_takes_the_place_of_ours(tmp_path: Path) -> None:
    own = tmp_path / "prices"
    own.mkdir()
    (own / "onprem.json").write_text(json.dumps({"prices": [price("machine:cpu", 0.07, location="*")]}))
    prices = Prices.load(own)
    quote = prices.quote("onprem", "machine:cpu", "anywhere")
    assert quote is not None
    assert (quote.high, quote.stands_for) == (0.07, "")
    assert prices.quote("aws", "cluster", "us-east-1") is not None


def test_a_table_of_the_pilot_may_stand_beside_ours_and_counts_first(tmp_path: Path) -> None:
    own = [price("instance:p6.huge", 90), price("cluster", 7, location="us-east-1")]
    (tmp_path / "aws.json").write_text(json.dumps({"beside_ours": True, "prices": own}))
    ours, both = Prices.load(), Prices.load(tmp_path)
    huge, cluster = both.quote("aws", "instance:p6.huge", "here"), both.quote("aws", "cluster", "us-east-1")
    assert huge is not None
    assert cluster is not None
    assert (huge.high, cluster.high) == (90, 7)
    assert both.quote("aws", "key", "us-east-1") == ours.quote("aws", "key", "us-east-1") is not None
    assert both.by_use("aws_cloudtrail") == ours.by_use("aws_cloudtrail") != ""


BAD = {
    "no json": ("{", "the file"),
    "no source": ({"prices": [{**price("a", 1), "source": ""}]}, "prices.0.source"),
    "no date": ({"prices": [{key: value for key, value in price("a", 1).items() if key != "as_of"}]}, "prices.0.as_of"),
    "a negative price": ({"prices": [price("a", -1)]}, "prices.0.low"),
    "an unknown unit": ({"prices": [price("a", 1, unit="day")]}, "prices.0.unit"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_table_that_is_none_is_named_with_what_is_wrong(case: str, tmp_path: Path) -> None:
    given, where = BAD[case]
    (tmp_path / "aws.json").write_text(given if isinstance(given, str) else json.dumps(given))
    with pytest.raises(ConfigError) as caught:
        Prices.load(tmp_path)
    assert "aws.json" in caught.value.message
    assert where in caught.value.message
    assert "cost.md" in caught.value.remedy


def test_all_that_our_providers_make_is_priced_or_said_to_be_free_or_by_use(tmp_path: Path) -> None:
    sovereign = (Place("aws", "DE"), Place("gcp", "DE"), Place("onprem", "FR"), Place("edge", "DE"))
    make_pilot(tmp_path / "demo", Blueprint(name="demo", sovereign=sovereign, fabric=Place("gcp", "US")))
    platform = Platform.open(tmp_path / "demo", infrastructure=True)
    found = platform.infrastructure.cost()
    unknown = [item for item in found.not_priced if "not known" in item.reason]
    assert unknown == []
    assert {line.what for line in found.lines} >= {
        "EKS cluster",
        "GKE cluster",
        "g6.xlarge, reserved",
        "g2-standard-8, spot",
        "own machines",
    }
    assert all(line.month_low <= line.month_high <= line.month_on_demand for line in found.lines)
    assert any("European Sovereign Cloud" in text for text in found.warnings)
