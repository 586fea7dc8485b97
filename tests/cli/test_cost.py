"""`sovctl cost`: tables in 80 columns, and a denial when a month is over the budget."""

import json
import re
from datetime import date
from pathlib import Path

import pytest

from sovplatform.cli.cost import money, print_estimate
from sovplatform.cli.main import main
from sovplatform.infrastructure.estimate import CostEstimate, CostLine, CostSource, CostTotal, NotPriced
from sovplatform.pilot import BudgetSpec
from sovplatform.scaffold import Blueprint, Place, make_pilot


@pytest.fixture(scope="module")
def pilot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pilot whose only bill is for machines of its own."""
    directory = tmp_path_factory.mktemp("pilots") / "demo"
    make_pilot(
        directory, Blueprint(name="demo", sovereign=(Place("onprem", "DE"),), fabric=Place("onprem", "US"), example="fintech")
    )
    file = directory / "pilot.yaml"
    file.write_text(file.read_text() + "\ninfrastructure:\n  budget: {amount: 1000}\n  serving: {nodes_min: 1, nodes_max: 2}\n")
    prices = directory / "prices"
    prices.mkdir()
    own = {"item": "machine:cpu", "location": "*", "unit": "hour", "currency": "EUR", "low": 1, "high": 1}
    dated = {"as_of": date.today().isoformat(), "source": "https://wiki.example/servers"}
    (prices / "onprem.json").write_text(
        json.dumps({"prices": [{**own, **dated}], "free": ["helm_release", "kubernetes_*", "vault_*"]})
    )
    return directory


def test_over_the_budget_the_cost_is_shown_and_denied(pilot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", str(pilot), "cost"]) == 3
    said = capsys.readouterr()
    assert "730 to 1,460 EUR" in said.out
    assert "serving-pool: 730 to 1,460 h of own machines" in said.out
    assert "https://wiki.example/servers" in said.out
    denied = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert denied == ["error: a month may cost 1,460 EUR, over the budget of 1,000 EUR"]


def test_what_nobody_has_a_price_of_is_denied_until_it_has_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "demo"
    make_pilot(directory, Blueprint(name="demo", sovereign=(Place("gcp", "FR"),), fabric=Place("onprem", "US")))
    file = directory / "pilot.yaml"
    file.write_text(file.read_text().replace("gpu: none ", "gpu: H100 ", 1))
    assert main(["-C", str(directory), "cost"]) == 3
    assert "error: nobody knows what a month costs: there is no price of a3-highgpu-8g, reserved (fr)" in capsys.readouterr().err
    one = {"item": "instance:a3-highgpu-8g", "location": "*", "unit": "hour", "currency": "EUR", "low": 1, "high": 1, "gpus": 8}
    dated = {"as_of": date.today().isoformat(), "source": "https://wiki.example/offer"}
    (directory / "prices").mkdir()
    (directory / "prices" / "gcp.json").write_text(json.dumps({"beside_ours": True, "prices": [{**one, **dated}]}))
    assert main(["-C", str(directory), "cost", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["budget"]["within"] is True


def test_the_estimate_is_json_line_by_line_and_within_the_budget_no_error(
    pilot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = pilot / "pilot.yaml"
    before = file.read_text()
    file.write_text(before.replace("amount: 1000", "amount: 1460"))
    try:
        assert main(["-C", str(pilot), "cost", "--json"]) == 0
    finally:
        file.write_text(before)
    found = CostEstimate.from_json(capsys.readouterr().out)
    assert [line.source for line in found.lines] == ["https://wiki.example/servers"]
    assert found.total.month_high == 1460
    assert found.budget is not None
    assert (found.budget.within, found.budget.amount, found.budget.currency) == (True, 1460, "EUR")


def test_an_unknown_region_is_a_mistake_that_names_the_known(pilot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", str(pilot), "cost", "--region", "mars"]) == 2
    assert re.search(r"use one of: de, \w+", capsys.readouterr().err)


def test_an_estimate_fits_80_columns_and_tells_everything(capsys: pytest.CaptureFixture[str]) -> None:
    line = CostLine(
        stack="de-week3",
        region="a-region-with-a-long-name",
        part="training-pool",
        what="p4d.24xlarge or another of 3, spot",
        quantity_low=12.5,
        quantity_high=292_000,
        unit="hour",
        unit_price_low=5,
        unit_price_high=8,
        currency="USD",
        month_low=62.5,
        month_high=2_336_000,
        month_on_demand=5_000_000,
        as_of=date(2026, 11, 1),
        dated="reading",
        source=f"https://prices.example/{'list/' * 30}",
        stands_for="eu-central-1",
    )
    total = CostTotal(region=line.region, month_low=62.5, month_high=2_336_000, month_on_demand=5_000_000)
    print_estimate(
        CostEstimate(
            pilot="demo",
            currency="EUR",
            lines=(line,),
            totals=(total,),
            total=total,
            not_priced=(
                NotPriced(what="google_logging_project_bucket_config", reason="by the gigabyte " * 9, regions=("de", "fr")),
            ),
            sources=(CostSource(as_of=line.as_of, dated=line.dated, source=line.source, regions=(line.region,)),),
            warnings=("prices are old " * 12,),
        ),
        BudgetSpec(amount=20_000),
    )
    text = capsys.readouterr().out
    assert max(len(row) for row in text.splitlines()) <= 80
    for word in (
        "62 to 2,336,000 EUR",
        "20,000",
        "12.5 to 292,000 h of",
        "5,000,000",
        "prices of eu-central-1",
        "bucket_config",
        "2026-11-01",
        "read",
    ):
        assert word in text


@pytest.mark.parametrize(("amount", "text"), [(0, "0"), (0.994, "0.99"), (9.5, "9.50"), (1234.5, "1,234")])
def test_money_is_readable(amount: float, text: str) -> None:
    assert money(amount) == text


def line_of(region: str, **changed: object) -> CostLine:
    given = {
        "stack": f"{region}-week4",
        "region": region,
        "part": "region-keys",
        "what": "KMS keys",
        "quantity_low": 1,
        "quantity_high": 1,
        "unit": "month",
        "unit_price_low": 1,
        "unit_price_high": 1,
        "currency": "EUR",
        "month_low": 1,
        "month_high": 1,
        "month_on_demand": 1,
        "as_of": date(2026, 11, 1),
        "dated": "source",
        "source": "https://prices.example/keys",
    }
    return CostLine.model_validate({**given, **changed})


def of_lines(*lines: CostLine, **changed: object) -> CostEstimate:
    totals = [CostTotal(region=line.region, month_low=1, month_high=1, month_on_demand=1) for line in lines]
    given = {"pilot": "demo", "currency": "EUR", "lines": lines, "totals": totals, "total": totals[0], "not_priced": ()}
    return CostEstimate.model_validate({**given, "sources": (), **changed})


def test_sites_that_are_alike_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    sites = [line_of(f"edge-{number}") for number in range(12)]
    print_estimate(of_lines(line_of("de", quantity_high=2), *sites), BudgetSpec(amount=9))
    text = capsys.readouterr().out
    assert text.count("region-keys: 1 KMS key\n") == 1
    assert "region-keys: 1 to 2 KMS keys" in text
    assert "Each of 12 regions that are alike" in text
    assert "edge-11" in text.split("they are")[1]


def test_names_of_places_are_not_broken(capsys: pytest.CaptureFixture[str]) -> None:
    print_estimate(of_lines(line_of("de", stands_for="eu-central-1", what="x" * 45)), BudgetSpec(amount=9))
    assert "eu-central-1" in capsys.readouterr().out


def test_what_is_said_of_one_regions_prices_is_not_said_of_anothers() -> None:
    note = {"text": "those of Frankfurt stand for it", "regions": ("de",)}
    old = {"as_of": date(2020, 1, 1), "dated": "source", "source": "https://prices.example", "regions": ("de",)}
    found = of_lines(line_of("de"), line_of("fr"), notes=(note,), sources=(old,), at=date(2026, 11, 24))
    assert found.of("fr", {"fr"}).warnings == ()
    assert found.of("de", {"de"}).warnings == (
        note["text"],
        "1 of 1 sources of prices are older than 400 days, the oldest of 2020-01-01",
    )
