"""The built-in rules: the cases that `opa test` runs, run in the interpreter that the gate uses.

rego-cpp cannot yet evaluate `with input as …` over rules that depend on others, so the cases are read from the test modules and
each is given to the engine as its input.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from sovplatform.policy.engine import RULES, PolicyEngine
from sovplatform.policy.program import package_of, rule_files

MODULES = [path.stem for path in rule_files(RULES) if path.with_name(f"{path.stem}_test.rego").exists()]
"""A package may have further modules, called after it; what they say is tried with the package's own tests."""
NAMED = re.compile(r'"rule": "([a-z.]+)"')


def cases_of(module: str) -> dict[str, dict[str, Any]]:
    from regopy import Interpreter

    interpreter = Interpreter()
    text = (RULES / f"{module}_test.rego").read_text("utf-8")
    data, _, _ = text.partition("\ndenied(document)")  # what follows is for `opa test`
    interpreter.add_module(module, data)
    output = interpreter.query(f"cases=data.sovplatform.{module}_test.cases")
    assert output.ok()
    return dict(output.results[0]["cases"])


CASES = [(module, name, case) for module in MODULES for name, case in cases_of(module).items()]


@pytest.fixture(scope="module")
def engine() -> PolicyEngine:
    return PolicyEngine()


@pytest.mark.parametrize(("module", "name", "case"), CASES, ids=[f"{module}: {name}" for module, name, _ in CASES])
def test_case(engine: PolicyEngine, module: str, name: str, case: dict[str, Any]) -> None:
    verdict = engine.evaluate(f"sovplatform.{module}", case["input"])
    assert verdict.allow is case["allow"], name
    if not case["allow"]:
        assert set(case["rules"] or ["policy.undecided"]) <= set(verdict.rules)


@pytest.mark.parametrize("module", MODULES)
def test_every_rule_has_a_case(module: str) -> None:
    named = set(NAMED.findall((RULES / f"{module}.rego").read_text("utf-8")))
    tried = {rule for owner, _, case in CASES if owner == module for rule in case["rules"]}
    assert named
    assert named <= tried


@pytest.mark.parametrize("path", rule_files(RULES), ids=lambda path: path.stem)
def test_a_module_is_named_after_its_package(path: Any) -> None:
    package = package_of(path).removeprefix("sovplatform.")
    assert path.stem == package or path.stem.startswith(f"{package}_")
    assert path.with_name(f"{package}_test.rego").exists()


def test_every_rule_is_documented() -> None:
    pages = [RULES.parents[2] / "docs" / name for name in ("policy.md", "infrastructure/policy.md")]
    page = "".join(path.read_text("utf-8") for path in pages)
    rules = {rule for module in MODULES for rule in NAMED.findall((RULES / f"{module}.rego").read_text("utf-8"))}
    assert [rule for rule in sorted(rules) if f"`{rule}`" not in page] == []


TRAP = re.compile(
    r"\bnot (?=.*(?: in |\())"
    r"(?=.*(?:\.(?:values|refs|documents)[.\[]|\.(?:mixed|partial|blocks|attached|outside|opaque|ignores|walls|hollow|objects|unread|doors)\b))"
    r"|\bnot \w+\([^()]*\) [=<>!]"
)


@pytest.mark.parametrize(
    "line",
    [
        "not value in r.values[path]",
        "not said_in(r.values[path], said)",
        "not want.path in r.partial",
        "not among(way, r.walls)",
        'not r.values.member[0] in {"allUsers"}',
        "not country(place) == input.region.jurisdiction",
    ],
)
def test_the_trap_is_seen(line: str) -> None:
    assert TRAP.search(line)


@pytest.mark.parametrize("path", rule_files(RULES), ids=lambda path: path.stem)
def test_stock_opa_denies_the_same(path: Any) -> None:
    """OPA takes a reference out of a negated call: where it is undefined, the whole is undefined there, and true only in here."""
    assert [line.strip() for line in path.read_text("utf-8").splitlines() if TRAP.search(line.partition("#")[0])] == []
