"""The document that the rules see of a plan, and the verdict on real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sovplatform import config
from sovplatform.infrastructure.document import document
from sovplatform.infrastructure.flattening import Expressions, Facts, references, rights, statements
from sovplatform.infrastructure.judgement import judge_document
from sovplatform.infrastructure.named import Names, notes
from sovplatform.infrastructure.offline.plan import plan_offline
from sovplatform.infrastructure.parts import CHUNK
from sovplatform.infrastructure.request import SynthStack
from sovplatform.infrastructure.suspicions import outside, secrets
from sovplatform.infrastructure.terraform import Terraform
from sovplatform.pilot import Pilot
from sovplatform.policy.engine import PolicyEngine
from sovplatform.records import RegionSpec, Role
from sovplatform.scaffold import Blueprint, Place, make_pilot
from tests.fixtures.judged import aws, google, labels, statement, thing
from tests.unit.infrastructure.conftest import WriteStack


def facts_of(tree: Any, sensitive: Any = False) -> Facts:
    facts = Facts()
    facts.add(tree, sensitive=sensitive)
    return facts


def test_paths_have_no_indexes_and_what_is_empty_is_left_out() -> None:
    facts = facts_of({"a": [{"b": 1}, {"b": 2, "c": None}], "d": "", "e": [], "f": {"g/h": True}})
    assert facts.values == {"a.b": [1, 2], "f.g/h": [True]}
    assert facts.blocks == {"a": 2, "f": 1}


@pytest.mark.parametrize("value", ['say "x"', "a\\b", "a\nb", "\u202eabc", 2**60])
def test_what_the_interpreter_would_misread_becomes_a_digest_and_is_listed(value: Any) -> None:
    facts = facts_of({"a": {"b": value}})
    assert facts.values["a.b"][0].startswith("opaque:sha256:")
    assert facts.opaque == {"a.b"}


def test_a_key_that_cannot_be_read_makes_its_value_opaque() -> None:
    facts = facts_of({'a"': "public"})
    assert len(facts.opaque) == 1


def test_what_is_sensitive_is_not_told() -> None:
    facts = facts_of({"password": "hunter2", "list": ["x", "y"]}, {"password": True, "list": [False, True]})
    assert "hunter2" not in json.dumps([facts.values, facts.raw])
    assert facts.values["list"] == ["x", "opaque:sensitive"]
    assert facts.opaque == {"password", "list"}


def test_only_a_whole_reference_counts_as_one() -> None:
    expressions = Expressions()
    constant = {"constant_value": "${aws_kms_key.data.arn}"}
    choice = {"constant_value": "${var.x ? aws_kms_key.data.arn : var.y}"}
    expressions.add(
        {"key": constant, "other": choice, "rules": [{"key": constant}, {"key": choice}], "hcl": {"references": ["a.b.c", "a.b"]}}
    )
    assert expressions.refs == {"key": ["aws_kms_key.data.arn"], "rules.key": ["aws_kms_key.data.arn"]}
    assert expressions.mixed["other"] == ["var.x", "aws_kms_key.data.arn", "var.y"]
    assert expressions.mixed["hcl"] == ["a.b.c"]


def test_an_escaped_template_refers_to_nothing() -> None:
    assert list(references("$${aws_kms_key.data.arn}")) == []


def test_a_policy_is_told_in_one_form() -> None:
    text = json.dumps({"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:*", "NotResource": ["x"]}})
    assert statements(text) == [
        {
            "effect": "Allow",
            "principals": ["AWS:*"],
            "actions": ["s3:*"],
            "resources": [],
            "not": ["NotResource"],
            "not_actions": [],
            "conditions": [],
        }
    ]
    assert statements("no policy") is None


def test_a_policy_of_vault_is_told_only_when_all_of_it_is_understood() -> None:
    rule = 'path "transit/keys/+" { capabilities = ["read", "sudo"] }'
    assert rights(rule) == [{"effect": "Allow", "actions": ["read", "sudo"], "resources": ["transit/keys/+"]}]
    assert rights(f"{rule}\nsomething else") == []


@pytest.mark.parametrize("text", ["0.0.0.0/0", "8.8.8.8", "10.0.0.0/7", "::/0", "2001:db8::1"])
def test_an_address_that_is_not_private_is_outside(text: str) -> None:
    assert outside({"a": [text]}) == {"a": [text]}


@pytest.mark.parametrize("text", ["10.1.0.0/16", "192.168.0.1", "fd00::/8", "1.33", "v1.2.3", "key:value"])
def test_private_ranges_and_what_is_no_address_are_not_outside(text: str) -> None:
    assert outside({"a": [text]}) == {}


def test_what_is_called_like_a_secret_and_holds_a_text_is_one() -> None:
    found = secrets({"a.adminPassword": ["x"], "b.token": ["${var.token}"], "c.secret_key": ["x"], "d.http_tokens": ["required"]})
    assert found == ["a.adminPassword", "c.secret_key"]


def test_a_region_is_named_only_by_its_own_name() -> None:
    names = Names(pilot="bank", own="de-2", strangers=("bank-de", "bank-us"))
    assert names.mentioned(["bank-de-2-raw"]) == []
    assert names.mentioned(["bank-de-2-raw and bank-de-raw"]) == ["bank-de"]
    assert names.mentioned(["gs://bank-us-raw"]) == ["bank-us"]


def test_a_verdict_names_construct_and_address() -> None:
    given = google()
    given["resources"]["google_storage_bucket"]["audit"]["values"]["location"] = ["US"]
    [denial] = judge_document(given, "de-week2", "sha256:0", PolicyEngine()).denials
    assert (denial.rule, denial.address) == ("place.resource", "google_storage_bucket.audit")
    assert denial.construct_path == "de-week2/part/x"


def test_rules_of_a_pilot_can_only_deny(tmp_path: Path) -> None:
    (tmp_path / "own.rego").write_text(
        "package sovplatform.infrastructure\nimport rego.v1\nallow := true\n"
        'deny contains {"rule": "bank.route", "msg": "no routes", "address": concat(".", ["google_compute_route", name])} if '
        "some name, _ in input.resources.google_compute_route\n"
    )
    [denial] = judge_document(google(), "de-week2", "sha256:0", PolicyEngine([tmp_path])).denials
    assert (denial.rule, denial.address) == ("bank.route", "google_compute_route.restricted")


def test_many_resources_are_judged_in_parts_and_one_bad_one_is_found() -> None:
    given = google()
    good = given["resources"]["google_kms_key_ring"]["main"]
    rings = {f"r{number}": good for number in range(600)}
    given["resources"] = {"google_kms_key_ring": {**rings, "bad": {**good, "values": {"location": ["global"]}}}}
    given["notes"] = notes(given["resources"])
    [denial] = judge_document(given, "de-week2", "sha256:0", PolicyEngine()).denials
    assert denial.address == "google_kms_key_ring.bad"


def many(given: dict[str, Any]) -> dict[str, Any]:
    """So many key rings before its own resources that these are in another part than the first."""
    ring = thing({"location": given["locations"][0]})
    given["resources"] = {"google_kms_key_ring": {f"r{number}": ring for number in range(CHUNK)}, **given["resources"]}
    given["notes"] = notes(given["resources"])
    return given


def test_a_filter_of_a_sink_that_is_far_back_in_a_plan_may_have_quotes() -> None:
    given = google()
    given["resources"] = {"google_logging_project_sink": given["resources"]["google_logging_project_sink"]}
    assert judge_document(many(given), "de-week2", "sha256:0", PolicyEngine()).denials == ()


def test_changes_that_are_not_to_be_seen_are_denied_far_back_in_a_plan() -> None:
    given = google()
    bucket = {**given["resources"]["google_storage_bucket"]["audit"], "ignores": ["versioning"]}
    given["resources"] = {"google_storage_bucket": {"audit": bucket}}
    [denial] = judge_document(many(given), "de-week2", "sha256:0", PolicyEngine()).denials
    assert (denial.rule, denial.address) == ("plan.forbidden", "google_storage_bucket.audit")


def test_what_a_policy_of_vault_allows_is_known_far_back_in_a_plan() -> None:
    given = google()
    allowed = {"policy": rights('path "transit/sign/models" { capabilities = ["update"] }')}
    given["resources"] = {"vault_policy": {"signer": thing({}, documents=allowed)}}
    given["providers"]["vault"] = {"values": {"address": ["https://vault.example"]}, "opaque": []}
    assert judge_document(many(given), "de-week2", "sha256:0", PolicyEngine()).denials == ()


def test_a_role_may_be_bounded_by_a_policy_in_another_part_of_the_plan() -> None:
    given = aws()
    role = thing({"tags": labels()}, refs={"permissions_boundary": ["aws_iam_policy.guardrails.arn"]})
    deny = statement(
        "Deny", resources=["*"], actions=["*"], conditions=[f"StringNotEquals aws:RequestedRegion {given['locations'][0]}"]
    )
    boundary = thing({"tags": labels()}, documents={"policy": [deny, statement(actions=["*"], resources=["*"])]})
    roles = {f"r{number}": role for number in range(CHUNK)}
    given["resources"] = {"aws_iam_policy": {"guardrails": boundary}, "aws_iam_role": roles}
    given["notes"] = notes(given["resources"])
    assert judge_document(given, "de-week2", "sha256:0", PolicyEngine()).denials == ()
    boundary["documents"]["policy"].remove(deny)
    given["notes"] = notes(given["resources"])
    denied = judge_document(given, "de-week2", "sha256:0", PolicyEngine()).denials
    assert {one.address for one in denied if one.rule == "iam.unbounded"} == {f"aws_iam_role.{name}" for name in roles}


def test_what_is_noted_of_nothing_in_the_plan_is_not_lost() -> None:
    given = many(google())
    given["notes"]["secrets"] = [{"type": "google_storage_bucket", "name": "gone", "path": "password"}]
    given["notes"]["mentions"] = {"us-east1": ["google_storage_bucket.gone"]}
    denied = judge_document(given, "de-week2", "sha256:0", PolicyEngine()).denials
    assert {one.rule for one in denied} == {"secret.clear", "reference.foreign"}


@pytest.mark.parametrize("more", [0, 1])
def test_without_notes_no_part_of_a_plan_is_allowed(more: int) -> None:
    given = many(google())
    rings = given["resources"]["google_kms_key_ring"]
    given["resources"] = {"google_kms_key_ring": dict(list(rings.items())[: CHUNK - 1 + 2 * more])}
    del given["notes"]
    assert not judge_document(given, "de-week2", "sha256:0", PolicyEngine()).allow


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Pilot:
    directory = tmp_path_factory.mktemp("pilots") / "bank"
    fabric = Place("onprem", "US")
    make_pilot(directory, Blueprint(name="bank", sovereign=(Place("onprem", "DE"),), fabric=fabric, example="fintech"))
    return config.load(directory)


STACK = SynthStack(
    name="de-week1",
    region=RegionSpec(name="de", jurisdiction="DE", role=Role.sovereign, provider="aws", settings={"account": "1"}),
    week=1,
    resources=6,
    locations=("eusc-de-east-1",),
    terraform="1.14",
    opentofu="1.11",
)


def planned(kind: str, expressions: Any, after: Any, **more: Any) -> dict[str, Any]:
    """A plan of one resource, as Terraform tells of it."""
    at = {"mode": "managed", "type": kind, "name": "x", "address": f"{kind}.x"}
    change = {"actions": ["create"], "before": None, "after": after, "after_unknown": {}, "after_sensitive": {}, **more}
    configuration = {"root_module": {"resources": [{**at, "expressions": expressions}]}}
    return {"errored": False, "complete": True, "resource_changes": [{**at, "change": change}], "configuration": configuration}


def test_a_policy_that_comes_from_elsewhere_cannot_be_judged(bank: Pilot) -> None:
    plan = planned("aws_iam_policy", {"policy": {"constant_value": "${var.policy}"}}, {"name": "x"})
    assert document(plan, STACK, {}, bank)["notes"]["opaque"] == [{"type": "aws_iam_policy", "name": "x", "path": "policy"}]


def test_a_policy_that_is_known_only_after_the_apply_is_judged_as_it_is_written(bank: Pilot) -> None:
    policy = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "${aws_s3_bucket.x.arn}"}]}
    plan = planned("aws_iam_policy", {"policy": {"constant_value": json.dumps(policy)}}, {"name": "x"})
    [told] = document(plan, STACK, {}, bank)["notes"]["statements"]
    assert (told["statement"]["actions"], told["statement"]["resources"]) == (["*"], ["${aws_s3_bucket.x.arn}"])


@pytest.mark.parametrize("known", [True, False])
def test_what_a_chart_is_given_is_read_even_before_it_is_known(bank: Pilot, known: bool) -> None:
    text = json.dumps({"service": {"type": "LoadBalancer", "name": "${kubernetes_namespace_v1.x.id}"}})
    after = {"values": [text.replace("${kubernetes_namespace_v1.x.id}", "x")] if known else None}
    plan = planned("helm_release", {"values": {"constant_value": [text]}}, after)
    given = document(plan, STACK, {}, bank)
    assert given["resources"]["helm_release"]["x"]["values"]["values.service.type"] == ["LoadBalancer"]
    assert given["notes"]["opaque"] == []


def test_values_of_a_chart_that_are_no_json_cannot_be_judged(bank: Pilot) -> None:
    plan = planned("helm_release", {"values": {"constant_value": ["service: {type: LoadBalancer}"]}}, {"values": ["service: x"]})
    assert [one["path"] for one in document(plan, STACK, {}, bank)["notes"]["opaque"]] == ["values"]


def test_a_secret_is_not_written_into_the_document(bank: Pilot) -> None:
    plan = planned("aws_db_instance", {}, {"password": "hunter2"}, after_sensitive={"password": True})
    given = document(plan, STACK, {}, bank)
    assert "hunter2" not in json.dumps(given)
    assert [one["path"] for one in given["notes"]["opaque"]] == ["password"]


def test_what_is_replaced_is_among_what_is_deleted_and_what_is_made(bank: Pilot) -> None:
    given = document(planned("aws_kms_key", {}, {}, actions=["delete", "create"]), STACK, {}, bank)
    assert given["deletes"] == [{"type": "aws_kms_key", "name": "x", "replaced": True}]
    assert "x" in given["resources"]["aws_kms_key"]


@pytest.mark.parametrize(
    "body",
    [
        {"module": {"x": {}}},
        {"import": []},
        {"resource": {"aws_vpc": {"x": {"provisioner": {"local-exec": {"command": "true"}}}}}},
    ],
)
def test_what_was_not_synthesised_is_told(bank: Pilot, body: dict[str, Any]) -> None:
    assert document(planned("aws_vpc", {}, {}), STACK, body, bank)["forbidden"]


def test_a_part_of_a_stack_is_not_the_whole(bank: Pilot) -> None:
    assert document(planned("aws_vpc", {}, {}), STACK, {"resource": {"aws_vpc": {"x": {}}}}, bank)["complete"] is True
    assert document(planned("aws_vpc", {}, {}), STACK, {"resource": {"aws_vpc": {"y": {}}}}, bank)["complete"] is False


def test_a_real_plan_is_judged_with_its_constructs(
    terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack, bank: Pilot
) -> None:
    """The stack is a rough one: its keys are its own, and much else is missing."""
    plan = plan_offline(terraform, {"de-week1": write_stack(aws)}, variables={"de-week1": {"account": "1"}})["de-week1"]
    given = document(plan.json, STACK, aws, bank)
    encryption = given["resources"]["aws_s3_bucket_server_side_encryption_configuration"]["raw"]
    assert encryption["refs"]["rule.apply_server_side_encryption_by_default.kms_master_key_id"] == ["aws_kms_key.data.arn"]
    judgement = judge_document(given, STACK.name, plan.digest, PolicyEngine())
    assert not judgement.allow
    assert judgement.plan == plan.digest
    denials = {(one.rule, one.address, one.construct_path) for one in judgement.denials}
    assert ("tls.absent", "aws_s3_bucket.raw", "de-week1/raw/bucket") in denials
    assert ("label.missing", "aws_vpc.main", "de-week1/landing-zone/vpc") in denials
    assert ("state.outside", "de-week1", "de-week1") in denials
    assert "plan.incomplete" not in {one.rule for one in judgement.denials}
    assert "key.own" not in {one.rule for one in judgement.denials}
    assert given["notes"]["opaque"] == []
    only_some = {**plan.json, "resource_changes": plan.json["resource_changes"][1:]}
    assert document(only_some, STACK, aws, bank)["complete"] is False
