"""What `sovctl plan` prints of its verdicts, and `sovctl plugin check` of promises."""

from __future__ import annotations

import pytest

from sovplatform.cli.infrastructure import _print_plan
from sovplatform.cli.plugin import _print_checked
from sovplatform.infrastructure.outcomes import Changes, Denial, PlanReport, StackPlan
from sovplatform.records import Finding


def plan(*denials: Denial, waiting: str = "") -> StackPlan:
    allow = not denials and not waiting
    return StackPlan(
        stack="de-week2", region="de", week=2, changes=Changes(create=75), allow=allow, denials=denials, waiting=waiting
    )


def test_the_verdict_is_told_with_where_to_find_what_was_judged(capsys: pytest.CaptureFixture[str]) -> None:
    _print_plan(PlanReport(pilot="eu", offline=True, stacks=(plan(), plan())))
    assert (
        capsys.readouterr().out.splitlines()[-1] == "all plans are allowed: 2; what the rules saw is in infra/STACK/judged.json"
    )


def test_a_denial_names_rule_resource_and_construct_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    address, path = "google_container_node_pool.system", "fabric-week2/cluster/google_container_node_pool.system"
    denied = Denial(rule="bank.machines", address=address, construct_path=path, message="machines are not approved")
    budget = Denial(rule="budget.over", address="de-week2", construct_path="de-week2", message="a month may cost too much")
    _print_plan(
        PlanReport(pilot="eu", offline=False, stacks=(plan(denied, budget), plan(), plan(waiting="apply de-week1 first")))
    )
    text = capsys.readouterr().out
    assert max(len(line) for line in text.splitlines()) <= 80
    assert f"({path})" in text
    assert "(de-week2)" not in text
    assert "1 of 2 plans are denied" in text
    assert "apply de-week1 first" in text


def test_of_stacks_that_all_wait_there_is_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    _print_plan(PlanReport(pilot="eu", offline=False, stacks=(plan(waiting="apply de-week1 first"),)))
    assert "plans are" not in capsys.readouterr().out


def test_promises_that_were_not_tried_for_one_reason_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    reason = "unsupported: a trainer at the edge (edge sites only serve)"
    untried = [Finding(check=f"Trainer: promise {number}", ok=True, detail=reason) for number in range(9)]
    kept, broken = Finding(check="Region: it is", ok=True), Finding(check="Trainer: it trains", ok=False, detail=reason)
    _print_checked([kept, *untried, broken])
    assert capsys.readouterr().out.splitlines() == [
        "ok     Region: it is",
        f"ok     Trainer: 9 promises: {reason}",
        f"wrong  Trainer: it trains: {reason}",
    ]
