"""What the tables of types leave open is closed: each was allowed once, and is denied by its own rule."""

from __future__ import annotations

from typing import Any

import pytest

from sovplatform.infrastructure.judgement import judge_document
from sovplatform.infrastructure.named import notes
from sovplatform.policy.engine import PolicyEngine
from tests.fixtures.judged import Document, aws, cluster, google, labels, statement, thing

BUCKET, KEY, ROLE = ("aws_s3_bucket", "audit"), ("aws_kms_key", "data"), ("aws_iam_role", "nodes")
CHART = ("helm_release", "argo")


def denied_by(engine: PolicyEngine, given: Document) -> set[str]:
    given["notes"] = notes(given["resources"])
    judgement = judge_document(given, "de-week2", "sha256:0", engine)
    assert judgement.allow is (judgement.denials == ())
    return {denial.rule for denial in judgement.denials}


def changed(given: Document, at: tuple[str, str], **facts: Any) -> Document:
    for fact, value in facts.items():
        told = given["resources"][at[0]][at[1]]
        told[fact] = {**told[fact], **value} if isinstance(value, dict) and isinstance(told.get(fact), dict) else value
    return given


def policy(argument: str, **more: Any) -> dict[str, Any]:
    return {argument: [statement(**more)]}


@pytest.mark.parametrize(
    ("rule", "at", "facts"),
    [
        ("replication.store", BUCKET, {"blocks": {"replication_configuration": 1}}),
        ("public.store", BUCKET, {"blocks": {"website": 1}}),
        ("key.imported", KEY, {"values": {"origin": ["EXTERNAL"]}}),
        ("key.imported", KEY, {"values": {"custom_key_store_id": ["cks-1"]}}),
        ("key.imported", KEY, {"values": {"xks_key_id": ["x"]}}),
        ("guardrail.weak", KEY, {"values": {"bypass_policy_lockout_safety_check": [True]}}),
        ("guardrail.weak", KEY, {"values": {"is_enabled": [False]}}),
        ("iam.owner", ROLE, {"values": {"managed_policy_arns": ["arn:aws-eusc:iam::aws:policy/ReadOnlyAccess"]}}),
        ("iam.stranger", ROLE, {"documents": policy("assume_role_policy", principals=["AWS:222222222222"])}),
        ("iam.stranger", ROLE, {"documents": policy("assume_role_policy", principals=["Federated:accounts.google.com"])}),
        ("value.unreadable", ("aws_launch_template", "t"), {"values": {"user_data": ["IyEvYmluL3No"]}}),
        (
            "iam.owner",
            ("aws_iam_role_policy_attachment", "pull"),
            {"values": {"policy_arn": ["arn:aws-eusc:iam::aws:policy/service-role/AmazonEC2RoleforSSM"]}},
        ),
        (
            "iam.owner",
            ("aws_iam_role_policy", "own"),
            {"documents": policy("policy", actions=["iam:PassRole"], resources=["*"])},
        ),
    ],
)
def test_an_argument_that_undoes_the_others_is_denied(
    engine: PolicyEngine, rule: str, at: tuple[str, str], facts: dict[str, Any]
) -> None:
    assert denied_by(engine, changed(aws(), at, **facts)) == {rule}


def test_tls_must_be_demanded_of_this_very_bucket(engine: PolicyEngine) -> None:
    given = aws()
    attached = given["resources"]["aws_s3_bucket"]["audit"]["attached"]["aws_s3_bucket_policy"][0]
    attached["documents"]["policy"][0]["resources"] = ["arn:aws-eusc:s3:::another", "arn:aws-eusc:s3:::another/*"]
    assert denied_by(engine, given) == {"tls.absent"}


def bucket_policy(given: Document) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = given["resources"]["aws_s3_bucket"]["audit"]["attached"]["aws_s3_bucket_policy"][0]["documents"][
        "policy"
    ]
    return told


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"actions": ["s3:GetBucketAcl"]}, {"resources": ["arn:aws-eusc:s3:::another", "arn:aws-eusc:s3:::another/*"]}),
        ({"actions": ["s3:GetBucketAcl"]}, {"principals": ["AWS:arn:aws-eusc:iam::111111111111:role/x"]}),
        ({"not": ["NotAction"], "actions": []}, {"conditions": ["Bool aws:SecureTransport false", "StringEquals aws:a b"]}),
        ({"resources": ["${aws_s3_bucket.audit.arn}"]}, {"resources": ["${aws_s3_bucket.audit.arn}/*"]}),
    ],
)
def test_tls_is_demanded_by_one_statement_that_does_all_of_it(
    engine: PolicyEngine, one: dict[str, Any], other: dict[str, Any]
) -> None:
    given = aws()
    [tls] = bucket_policy(given)
    bucket_policy(given)[:] = [{**tls, **one}, {**tls, **other}]
    assert denied_by(engine, given) == {"tls.absent"}


@pytest.mark.parametrize(
    ("resources", "denied"),
    [
        (["${aws_s3_bucket.audit.arn}/*"], set()),
        (["${aws_s3_bucket.audit.arn}"], {"store.unlocked"}),
        (["${aws_s3_bucket.audit.arn}/x/*"], {"store.unlocked"}),
        (["arn:aws-eusc:s3:::another/*"], {"store.unlocked"}),
    ],
)
def test_a_lock_that_can_be_lifted_is_so_for_nobody_and_no_object(
    engine: PolicyEngine, resources: list[str], denied: set[str]
) -> None:
    given = aws()
    [lock] = given["resources"]["aws_s3_bucket"]["audit"]["attached"]["aws_s3_bucket_object_lock_configuration"]
    lock["values"]["rule.default_retention.mode"] = ["GOVERNANCE"]
    kept = statement("Deny", principals=["AWS:*"], actions=["s3:BypassGovernanceRetention"], resources=resources)
    bucket_policy(given).append(kept)
    assert denied_by(engine, given) == denied


def test_the_guardrails_of_the_stack_bound_a_role_when_they_deny_all_other_places(engine: PolicyEngine) -> None:
    given = changed(aws(), ROLE, refs={"permissions_boundary": ["aws_iam_policy.guardrails.arn"]})
    everything = statement(actions=["*"], resources=["*"])
    elsewhere = ["StringNotEquals aws:RequestedRegion eusc-de-east-1"]
    deny = statement("Deny", actions=["*"], resources=["*"], conditions=elsewhere)
    guardrails = thing({"tags": labels()}, documents={"policy": [everything, deny]})
    given["resources"]["aws_iam_policy"] = {"guardrails": guardrails}
    assert denied_by(engine, given) == set()
    guardrails["documents"]["policy"].remove(deny)
    assert denied_by(engine, given) == {"iam.unbounded", "iam.wildcard"}


@pytest.mark.parametrize(
    "service",
    [
        "com.amazonaws.eusc-de-east-1.vpce-svc-0",
        "com.amazonaws.vpce.eusc-de-east-1.vpce-svc-0",
        "com.example.eusc-de-east-1.s3",
    ],
)
def test_an_endpoint_leads_to_a_service_of_the_cloud(engine: PolicyEngine, service: str) -> None:
    given = aws()
    given["resources"]["aws_vpc_endpoint"] = {"x": thing({"tags": labels(), "service_name": service})}
    assert denied_by(engine, given) == {"reference.foreign"}
    given["resources"]["aws_vpc_endpoint"]["x"]["values"]["service_name"] = ["eu.amazonaws.eusc-de-east-1.ecr.api"]
    assert denied_by(engine, given) == set()


def test_what_is_told_of_a_bucket_of_this_stack_is_allowed(engine: PolicyEngine) -> None:
    given = aws()
    given["resources"]["aws_s3_bucket_policy"] = {"x": thing({}, refs={"bucket": ["aws_s3_bucket.audit.id"]})}
    assert denied_by(engine, given) == set()


@pytest.mark.parametrize(
    "values",
    [
        {"repository": ["https://charts.example"]},
        {"repository": ["oci://registry.example/sovereign"]},  # begins like the mirror, and is another
        {"chart": ["https://charts.example/argo-cd.tgz"]},
        {"chart": ["./argo-cd"]},
    ],
)
def test_a_chart_from_elsewhere_is_denied(engine: PolicyEngine, values: dict[str, Any]) -> None:
    assert denied_by(engine, changed(cluster(), CHART, values=values)) == {"chart.source"}


@pytest.mark.parametrize("repository", ["https://charts.jetstack.io", "oci://registry.example/sov/charts"])
def test_a_chart_that_is_known_or_mirrored_is_allowed(engine: PolicyEngine, repository: str) -> None:
    assert denied_by(engine, changed(cluster(), CHART, values={"repository": [repository]})) == set()


def test_vault_gives_nobody_its_own_settings(engine: PolicyEngine) -> None:
    given = cluster()
    rights = policy("policy", actions=["update"], resources=["sys/policies/acl/x"])
    given["resources"]["vault_policy"] = {"x": thing({"name": "x"}, documents=rights)}
    assert denied_by(engine, given) == {"iam.wildcard"}


def test_a_key_of_software_is_denied(engine: PolicyEngine) -> None:
    facts = {"values": {"version_template.protection_level": ["SOFTWARE"]}}
    assert denied_by(engine, changed(google(), ("google_kms_crypto_key", "data"), **facts)) == {"key.protection"}


def test_a_right_to_all_data_of_a_project_is_denied(engine: PolicyEngine) -> None:
    given = google()
    member = thing({"role": "roles/storage.objectViewer"}, refs={"member": ["google_service_account.x.member"]})
    given["resources"]["google_project_iam_member"] = {"x": member}
    assert denied_by(engine, given) == {"iam.owner"}


def test_a_week_that_is_another_is_denied(engine: PolicyEngine) -> None:
    given = aws()
    marks = given["resources"]["aws_kms_key"]["data"]["marks"]
    marks["tags"] = marks["tags"].replace("sov-week=2", "sov-week=3")
    assert denied_by(engine, given) == {"label.missing"}


def test_a_provider_of_somebody_else_is_denied(engine: PolicyEngine) -> None:
    assert denied_by(engine, {**aws(), "sources": ["hashicorp/aws", "elsewhere/aws"]}) == {"provider.source"}


def test_the_state_goes_through_no_other_endpoint(engine: PolicyEngine) -> None:
    given = aws()
    given["backend"]["configuration"]["endpoints.s3"] = ["https://s3.example"]
    assert denied_by(engine, given) == {"state.outside"}


@pytest.mark.parametrize(
    ("level", "algorithm", "purpose", "denied"),
    [
        ("HSM_SINGLE_TENANT", "GOOGLE_SYMMETRIC_ENCRYPTION", "ENCRYPT_DECRYPT", set()),
        ("SOFTWARE", "EC_SIGN_ED25519", "ASYMMETRIC_SIGN", set()),
        ("SOFTWARE", "EC_SIGN_P256_SHA256", "ASYMMETRIC_SIGN", {"key.protection"}),
        ("SOFTWARE", "EC_SIGN_ED25519", "ENCRYPT_DECRYPT", {"key.protection"}),
    ],
)
def test_software_holds_no_key_but_one_that_seals(
    engine: PolicyEngine, level: str, algorithm: str, purpose: str, denied: set[str]
) -> None:
    values = {"version_template.protection_level": [level], "version_template.algorithm": [algorithm], "purpose": [purpose]}
    assert denied_by(engine, changed(google(), ("google_kms_crypto_key", "data"), values=values)) == denied
