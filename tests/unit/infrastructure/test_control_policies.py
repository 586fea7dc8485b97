"""A service control policy is allowed when it forbids what it is there to forbid, and is attached; else it is denied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sovplatform.infrastructure.judgement import judge_document, judging
from sovplatform.infrastructure.named import notes
from sovplatform.policy.engine import PolicyEngine
from tests.fixtures.judged import Document, aws, labels, statement, thing

KIND = "aws_organizations_policy"
ELSEWHERE = ["StringNotEquals aws:RequestedRegion eusc-de-east-1"]
Break = Callable[[Document], object]


@pytest.fixture(scope="module")
def engine() -> PolicyEngine:
    return judging()


def guarded() -> Document:
    """A stack with a control policy, attached."""
    given = aws()
    deny = statement("Deny", actions=["*"], resources=["*"], conditions=ELSEWHERE)
    keys = statement("Deny", actions=["kms:ReplicateKey"], resources=["*"])
    attachment = thing({"target_id": "r-ab12"}, refs={"policy_id": [f"{KIND}.guardrails.id"]})
    policy = thing({"type": "SERVICE_CONTROL_POLICY", "tags": labels()}, documents={"content": [deny, keys]})
    policy["attached"] = {"aws_organizations_policy_attachment": [attachment]}
    given["resources"] |= {KIND: {"guardrails": policy}, "aws_organizations_policy_attachment": {"guardrails": attachment}}
    return given


def policy_of(given: Document) -> Any:
    return given["resources"][KIND]["guardrails"]


def says(index: int, **more: Any) -> Break:
    return lambda given: policy_of(given)["documents"]["content"][index].update(more)


def denied_by(engine: PolicyEngine, given: Document) -> set[str]:
    given["notes"] = notes(given["resources"])
    judgement = judge_document(given, "de-week1", "sha256:0", engine)
    assert judgement.allow is (judgement.denials == ())
    return {denial.rule for denial in judgement.denials}


def test_one_that_forbids_and_is_attached_is_allowed(engine: PolicyEngine) -> None:
    assert denied_by(engine, guarded()) == set()


def test_services_that_answer_elsewhere_may_be_left_out(engine: PolicyEngine) -> None:
    given = guarded()
    says(0, actions=[], **{"not": ["NotAction"], "not_actions": ["iam:*", "sts:*"]})(given)
    assert denied_by(engine, given) == set()


BROKEN: dict[str, Break] = {
    "it allows everything": lambda given: policy_of(given)["documents"]["content"].append(
        statement(actions=["*"], resources=["*"])
    ),
    "it allows something": says(1, effect="Allow"),
    "it forbids no place": lambda given: policy_of(given)["documents"]["content"].pop(0),
    "it forbids another place": says(0, conditions=["StringNotEquals aws:RequestedRegion us-east-1"]),
    "it forbids places under a condition": says(0, conditions=[*ELSEWHERE, "StringEquals aws:PrincipalTag/x y"]),
    "it forbids places where a tag may be missing": says(
        0, conditions=["StringNotEqualsIfExists aws:RequestedRegion eusc-de-east-1"]
    ),
    "it forbids a part": says(0, actions=["s3:*"]),
    "it forbids all but data": says(0, actions=[], **{"not": ["NotAction"], "not_actions": ["iam:*", "s3:*"]}),
    "it forbids one store": says(0, resources=["arn:aws-eusc:s3:::one"]),
    "it is not read": lambda given: policy_of(given).update(documents={}),
    "it is of another type": lambda given: policy_of(given)["values"].update(type=["TAG_POLICY"]),
    "it has no type": lambda given: policy_of(given)["values"].pop("type"),
    "it is not attached": lambda given: policy_of(given).update(attached={}),
    "it is attached to nobody": lambda given: policy_of(given)["attached"]["aws_organizations_policy_attachment"][0][
        "values"
    ].clear(),
}


@pytest.mark.parametrize("case", BROKEN)
def test_one_that_is_broken_is_denied(engine: PolicyEngine, case: str) -> None:
    given = guarded()
    BROKEN[case](given)
    assert "guardrail.weak" in denied_by(engine, given)


def test_what_is_attached_is_of_this_stack(engine: PolicyEngine) -> None:
    given = guarded()
    given["resources"]["aws_organizations_policy_attachment"]["guardrails"]["refs"] = {}
    assert denied_by(engine, given) == {"guardrail.weak"}


def test_it_bears_labels_and_names_nothing_elsewhere(engine: PolicyEngine) -> None:
    given = guarded()
    policy_of(given)["marks"] = {}
    policy_of(given)["mentions"] = ["us-east-1"]
    assert denied_by(engine, given) == {"label.missing", "reference.foreign"}


def test_a_role_is_bounded_beside_a_control_policy(engine: PolicyEngine) -> None:
    given = guarded()
    given["resources"]["aws_iam_role"]["nodes"]["refs"] = {}
    assert denied_by(engine, given) == {"iam.unbounded"}
