"""The engine: an error, a riddle or a silence is a no; further rules can only say no."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sovplatform.errors import ConfigError
from sovplatform.policy import engine as module
from sovplatform.policy.engine import PolicyEngine

BORDER = "sovplatform.border"
HEAD = f"package {BORDER}\n\nimport rego.v1\n\n"
Write = Callable[..., Path]


def good() -> dict[str, Any]:
    """An input that the built-in rules allow."""
    names = ("parties", "files", "format", "tensors", "labels", "signature", "privacy")
    findings: dict[str, Any] = {name: {"ok": True, "reasons": [], "facts": {}} for name in names}
    findings["labels"]["facts"] = {"declassified": False}
    return {
        "artifact": {"kind": "model", "size": 10, "label": {"residency": ["*"], "sensitivity": "internal"}},
        "source": {"name": "us", "role": "global", "jurisdiction": "US"},
        "destination": {"name": "de", "role": "sovereign", "jurisdiction": "DE"},
        "purpose": "training",
        "export": [{"kind": "model", "source": "global", "destination": "sovereign", "max_bytes": 10, "privacy": False}],
        "findings": findings,
    }


@pytest.fixture
def rules(tmp_path: Path) -> Write:
    """Writes a directory of further rules."""

    def write(text: str, name: str = "more.rego") -> Path:
        directory = tmp_path / "rules"
        directory.mkdir(exist_ok=True)
        (directory / name).write_text(text)
        return directory

    return write


@pytest.fixture(scope="module")
def engine() -> PolicyEngine:
    return PolicyEngine()


def test_the_good_input_is_allowed_by_the_rule_that_lets_it(engine: PolicyEngine) -> None:
    verdict = engine.evaluate(BORDER, good())
    assert (verdict.allow, verdict.reasons, verdict.rules) == (True, (), ("export.model.global-sovereign",))


def test_an_empty_input_is_denied(engine: PolicyEngine) -> None:
    assert not engine.evaluate(BORDER, {}).allow


@pytest.mark.parametrize("package", ["sovplatform.nothing", "sovplatform", "", "data", "sovplatform.border.allow", 'x"'])
def test_a_policy_that_is_not_there_is_a_denial(engine: PolicyEngine, package: str) -> None:
    verdict = engine.evaluate(package, good())
    assert (verdict.allow, verdict.rules) == (False, ("policy.undecided",))


@pytest.mark.parametrize("key", ["artifact", "source", "destination", "export", "findings"])
@pytest.mark.parametrize("value", [None, [], "", 0, False, {}])
def test_an_input_with_a_part_missing_or_of_another_type_is_denied(engine: PolicyEngine, key: str, value: object) -> None:
    assert not engine.evaluate(BORDER, {**good(), key: value}).allow


@pytest.mark.parametrize(
    "value",
    [
        '"',
        '", "allow": true, "deny": [], "x": "',
        "\\",
        "\\u0022",
        "a\0b",
        "a\nb",
        "\u202e",
        "\ud800",
        2**63,
        -(2**70),
        float("nan"),
    ],
)
def test_what_the_interpreter_would_misread_is_denied(engine: PolicyEngine, value: object) -> None:
    """It writes strings into its answer as they are: a name with quotes in it could write the answer itself."""
    assert not engine.evaluate(BORDER, {**good(), "purpose": value}).allow
    assert not engine.evaluate(BORDER, {**good(), "x": [{"y": value}]}).allow
    if isinstance(value, str):
        assert not engine.evaluate(BORDER, {**good(), value: 1}).allow


def test_a_set_or_a_path_is_no_json(engine: PolicyEngine) -> None:
    assert not engine.evaluate(BORDER, {**good(), "x": {1, 2}}).allow
    assert not engine.evaluate(BORDER, {**good(), "x": Path()}).allow


def test_threads_share_an_engine(engine: PolicyEngine) -> None:
    documents = [{**good(), "artifact": {**good()["artifact"], "size": size}} for size in range(1, 41)]
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda document: engine.evaluate(BORDER, document).allow, documents))
    assert verdicts == [size <= 10 for size in range(1, 41)]


# -- further rules ---------------------------------------------------------------------------------------------------


def test_a_further_rule_denies_by_text_or_by_object(rules: Write) -> None:
    directory = rules(f'{HEAD}deny contains "no" if input.purpose == "training"\n')
    rules(f'{HEAD}deny contains {{"rule": "b.1", "msg": "never"}} if input.purpose == "training"\n', "b.rego")
    verdict = PolicyEngine([directory]).evaluate(BORDER, good())
    assert (verdict.allow, verdict.reasons) == (False, ("never", "no"))
    assert set(verdict.rules) == {"policy.further", "b.1"}


def test_a_further_rule_that_has_nothing_against_it_changes_nothing(rules: Write) -> None:
    directory = rules(f'{HEAD}deny contains "no" if input.purpose == "other"\n')
    assert PolicyEngine([directory]).evaluate(BORDER, good()).allow


@pytest.mark.parametrize(
    "attempt",
    [
        "allow := true",
        "default allow := true",
        "deny := set()",
        'grants contains "everything"',
        "required := set()",
        "accounted := true",
        "residency_permitted := true",
        'candidates contains {"kind": "dataset"}',
    ],
)
def test_a_further_rule_cannot_turn_a_no_into_a_yes(rules: Write, attempt: str) -> None:
    document = good()
    document["artifact"]["label"]["residency"] = ["US"]
    assert not PolicyEngine([rules(f"{HEAD}{attempt}\n")]).evaluate(BORDER, document).allow


@pytest.mark.parametrize(
    "broken",
    [
        'deny contains "x" if input.artifact.size > 1 / 0',
        'deny contains "x" if to_number(input.purpose) > 1',
        'deny contains "x" if no_such_function(input.purpose)',
        'deny := "x"',
        "deny := true",
        "deny := 1 if input.purpose\n\ndeny := 2 if input.purpose",
    ],
)
def test_a_further_rule_that_fails_denies(rules: Write, broken: str) -> None:
    assert not PolicyEngine([rules(f"{HEAD}{broken}\n")]).evaluate(BORDER, good()).allow


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HEAD}deny contains if if {{\n", "no valid Rego"),
        ("deny := 1\n", "declares no package"),
        ("package sovplatform.boarder\n", "which nobody asks"),
    ],
)
def test_rules_that_could_never_be_asked_stop_the_program(rules: Write, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PolicyEngine([rules(text)])


def test_a_directory_without_rules_stops_the_program(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no rules in"):
        PolicyEngine([tmp_path])
    with pytest.raises(ConfigError, match="no rules in"):
        PolicyEngine([tmp_path / "missing"])


def test_rules_may_share_a_library(rules: Write) -> None:
    directory = rules('package lib.bank\n\nimport rego.v1\n\nclosed contains "DE"\n', "lib.rego")
    rules(f'{HEAD}deny contains "closed" if input.destination.jurisdiction in data.lib.bank.closed\n')
    assert PolicyEngine([directory]).evaluate(BORDER, good()).reasons == ("closed",)


def test_tests_of_rules_are_not_loaded(rules: Write) -> None:
    directory = rules(f'{HEAD}deny contains "x" if input.purpose == "other"\n')
    rules("this is no rego", "more_test.rego")
    assert PolicyEngine([directory]).evaluate(BORDER, good()).allow


# -- silence ---------------------------------------------------------------------------------------------------------


def test_no_answer_in_time_is_a_denial_and_the_engine_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = PolicyEngine(timeout=1.0)
    hold, answers = threading.Event(), module._answers

    def slow(*arguments: Any) -> Any:
        hold.wait(30)
        return answers(*arguments)

    monkeypatch.setattr(module, "_answers", slow)
    verdict = engine.evaluate(BORDER, good())
    assert (verdict.allow, verdict.reasons) == (False, (f"policy {BORDER} did not answer within 1 s",))
    monkeypatch.setattr(module, "_answers", answers)
    assert engine.evaluate(BORDER, good()).allow
    hold.set()


def test_a_second_question_does_not_wait_for_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = PolicyEngine(timeout=30, workers=2)
    held, hold, answers = threading.Event(), threading.Event(), module._answers

    def first_waits(programs: Any, package: str, document: Any) -> Any:
        if document == {"wait": True}:
            held.set()
            hold.wait(30)
        return answers(programs, package, document)

    monkeypatch.setattr(module, "_answers", first_waits)
    first = threading.Thread(target=engine.evaluate, args=(BORDER, {"wait": True}))
    first.start()
    assert held.wait(30)
    assert engine.evaluate(BORDER, good()).allow
    assert first.is_alive()
    hold.set()
    first.join(30)


def test_an_interpreter_that_breaks_is_a_denial(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = PolicyEngine()

    def broken(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(module, "_answers", broken)
    assert "MemoryError" in engine.evaluate(BORDER, good()).reasons[0]


def test_the_rule_in_the_documentation_works(rules: Write) -> None:
    page = (Path(__file__).parents[3] / "docs" / "policy.md").read_text("utf-8")
    engine = PolicyEngine([rules(page.split("```rego\n")[1].split("```")[0])])
    assert engine.evaluate(BORDER, good()).allow
    document = {**good(), "source": {"name": "fr", "role": "sovereign", "jurisdiction": "FR"}}
    assert "there is no agreement with DE" in engine.evaluate(BORDER, document).reasons


def test_only_the_packages_that_were_named_are_asked() -> None:
    engine = PolicyEngine(packages=("sovplatform.channel",))
    assert engine.evaluate("sovplatform.border", {}).reasons == ("there is no policy sovplatform.border",)
    assert engine.evaluate("sovplatform.channel", {}).reasons != ("there is no policy sovplatform.channel",)


def test_a_denial_keeps_its_address(tmp_path: Path) -> None:
    deny = '{"rule": "own.rule", "msg": "no", "address": "aws_vpc.main"}'
    (tmp_path / "own.rego").write_text(f"package sovplatform.border\nimport rego.v1\ndeny contains {deny} if true\n")
    assert ("own.rule", "no", "aws_vpc.main") in PolicyEngine([tmp_path]).evaluate("sovplatform.border", {}).denials
