"""Guardrails, network and budget on AWS: what may not happen, where nothing leads out, and who is told."""

from __future__ import annotations

from typing import Any

import pytest
from moto.iam.policy_validation import IAMPolicyDocumentValidator
from sov_aws.forms.guardrails import POLICY_CHARACTERS
from sov_aws.forms.network import retention

from plugins.aws_sovereign.tests.sites import CHINA, FULL, GLOBAL, GOVERNMENT, REGIONS, rules, site
from sovplatform import constructs
from sovplatform.errors import ConfigError, Unsupported

FULL_CHINA = {**CHINA, "budget": 8000}


@pytest.mark.parametrize("settings", [{}, FULL])
def test_the_guardrails_are_a_boundary_of_every_role(settings: dict[str, Any]) -> None:
    one = site(**settings)
    made = one.made(constructs.Guardrails)
    assert ("aws_organizations_policy.guardrails" in made) is bool(settings)
    boundary = rules(made["aws_iam_policy.guardrails"]["policy"])
    assert boundary["Most"]["Effect"] == "Allow"
    assert "*" not in boundary["Most"]["Action"]
    roles = [it for it in one.everything if it.type == "aws_iam_role"]
    assert len(roles) >= 9
    assert {str(it.arguments["permissions_boundary"]) for it in roles} == {
        "${aws_iam_policy.guardrails.arn}",
        "${var.guardrails_boundary}",
    }


def test_with_an_organization_they_are_a_control_policy_too() -> None:
    one = site(**FULL)
    made = one.made(constructs.Guardrails)
    policy = made["aws_organizations_policy.guardrails"]
    assert policy["type"] == "SERVICE_CONTROL_POLICY"
    assert "Most" not in rules(policy["content"])
    assert made["aws_organizations_policy_attachment.guardrails"]["target_id"] == "ou-ab12-cdefgh34"


@pytest.mark.parametrize("region", REGIONS)
def test_guardrails_fit_into_a_policy_and_iam_accepts_their_language(region: dict[str, Any]) -> None:
    made = site(**region).made(constructs.Guardrails)
    for kind, key in (("aws_organizations_policy", "content"), ("aws_iam_policy", "policy")):
        if f"{kind}.guardrails" in made:
            text = str(made[f"{kind}.guardrails"][key]).replace("$${", "${")
            assert len(text) <= POLICY_CHARACTERS[kind]
            IAMPolicyDocumentValidator(text).validate()


def test_guardrails_deny_what_leads_out() -> None:
    boundary = rules(site().made(constructs.Guardrails)["aws_iam_policy.guardrails"]["policy"])
    assert boundary["OtherRegions"]["Condition"] == {"StringNotEquals": {"aws:RequestedRegion": "eusc-de-east-1"}}
    assert boundary["OtherPartitions"]["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": "arn:aws-eusc:*:*:*:*"}}
    denied = {action for rule in boundary.values() if rule["Effect"] == "Deny" for action in _actions(rule)}
    assert denied >= {
        "kms:ReplicateKey",
        "kms:CreateKey",
        "ec2:DisableEbsEncryptionByDefault",
        "s3:PutReplicationConfiguration",
        "s3:PutAccountPublicAccessBlock",
        "ec2:CreateInternetGateway",
        "cloudtrail:StopLogging",
    }


def _actions(rule: dict[str, Any]) -> list[str]:
    actions = rule.get("Action", [])
    return [actions] if isinstance(actions, str) else actions


def test_services_that_are_global_stay_reachable_where_they_are_in_another_region() -> None:
    us = rules(site(**GLOBAL).made(constructs.Guardrails)["aws_iam_policy.guardrails"]["policy"])
    assert "iam:*" in us["OtherRegions"]["NotAction"]
    assert "Action" not in us["OtherRegions"]
    assert rules(site().made(constructs.Guardrails)["aws_iam_policy.guardrails"]["policy"])["OtherRegions"]["Action"] == "*"


def test_only_operators_change_audit_and_public_access() -> None:
    policy = rules(site(**FULL).made(constructs.Guardrails)["aws_organizations_policy.guardrails"]["content"])
    others = {"ArnNotLike": {"aws:PrincipalArn": FULL["operators"]}}
    assert policy["AuditIsKept"]["Condition"] == policy["NothingPublic"]["Condition"] == others
    assert "Condition" not in rules(site().made(constructs.Guardrails)["aws_iam_policy.guardrails"]["policy"])["AuditIsKept"]


def test_the_accounts_defaults_keep_data_in() -> None:
    made = site().made(constructs.Guardrails)
    assert set(made["aws_s3_account_public_access_block.account"].values()) == {True}
    assert made["aws_ebs_encryption_by_default.account"] == {"enabled": True}
    assert made["aws_ebs_snapshot_block_public_access.account"] == {"state": "block-all-sharing"}
    metadata = made["aws_ec2_instance_metadata_defaults.account"]
    assert (metadata["http_tokens"], metadata["http_put_response_hop_limit"]) == ("required", 1)


def test_the_network_has_a_subnet_in_each_zone_and_no_route_out() -> None:
    made = site().made(constructs.LandingZone, cidr="10.3.0.0/16")
    subnets = {name: it["cidr_block"] for name, it in made.items() if name.startswith("aws_subnet.")}
    assert subnets == {
        "aws_subnet.private_a": "10.3.0.0/18",
        "aws_subnet.private_b": "10.3.64.0/18",
        "aws_subnet.private_c": "10.3.128.0/18",
    }
    assert "route" not in made["aws_route_table.private"]
    assert made["aws_default_security_group.closed"].keys() == {"vpc_id", "tags"}


@pytest.mark.parametrize(
    ("cidr", "said"),
    [
        ("fd00::/64", "region de: 'fd00::/64' is no IPv4 network — write a `cidr` such as 10.3.0.0/16"),
        ("10.0.0.0/8", "region de: 10.0.0.0/8 is of the wrong size for a network on AWS — write a `cidr` from /16 to /22"),
        ("10.3.0.0/24", "wrong size"),
    ],
)
def test_a_network_that_aws_cannot_make_is_refused(cidr: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        site().made(constructs.LandingZone, cidr=cidr)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("region", "s3", "ecr", "kms"),
    [
        ({}, "com.amazonaws.eusc-de-east-1.s3", "eu.amazonaws.eusc-de-east-1.ecr.dkr", "com.amazonaws.eusc-de-east-1.kms"),
        (GLOBAL, "com.amazonaws.us-east-1.s3", "com.amazonaws.us-east-1.ecr.dkr", "com.amazonaws.us-east-1.kms"),
        (CHINA, "cn.com.amazonaws.cn-north-1.s3", "cn.com.amazonaws.cn-north-1.ecr.dkr", "com.amazonaws.cn-north-1.kms"),
    ],
)
def test_private_endpoints_have_the_names_of_their_partition(region: dict[str, Any], s3: str, ecr: str, kms: str) -> None:
    made = site(**region).made(constructs.LandingZone, cidr="10.3.0.0/16")
    names = {name.partition(".")[2]: it["service_name"] for name, it in made.items() if name.startswith("aws_vpc_endpoint.")}
    assert names.keys() == {"s3", "kms", "ecr_api", "ecr_dkr", "sts", "logs", "eks", "eks_auth", "ec2", "autoscaling"}
    assert (names["s3"], names["ecr_dkr"], names["kms"]) == (s3, ecr, kms)


def test_endpoints_serve_this_account_alone() -> None:
    made = site(**FULL).made(constructs.LandingZone, cidr="10.3.0.0/16")
    own = {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}
    assert rules(made["aws_vpc_endpoint.kms"]["policy"])["Own"]["Condition"] == own
    storage = rules(made["aws_vpc_endpoint.s3"]["policy"])
    assert storage["Own"]["Condition"]["StringEquals"]["aws:ResourceAccount"] == "123456789012"
    assert storage["Layers"]["Resource"] == "arn:aws-eusc:s3:::prod-eusc-de-east-1-starport-layer-bucket/*"
    assert "aws_vpc_endpoint.elasticloadbalancing" in made


def test_flows_are_logged_encrypted_by_a_role_that_can_do_nothing_else() -> None:
    made = site().made(constructs.LandingZone, cidr="10.3.0.0/16")
    assert made["aws_flow_log.main"]["traffic_type"] == "ALL"
    assert made["aws_cloudwatch_log_group.flows"]["kms_key_id"] == "${aws_kms_key.logs.arn}"
    assert rules(made["aws_iam_role_policy.flows"]["policy"])["Flows"]["Resource"] == "${aws_cloudwatch_log_group.flows.arn}:*"


@pytest.mark.parametrize(("days", "kept"), [(1, 1), (200, 365), (366, 400), (3653, 3653), (9999, 0)])
def test_logs_are_kept_as_long_as_asked_or_longer(days: int, kept: int) -> None:
    assert retention(days) == kept


@pytest.mark.parametrize(
    ("region", "currency", "limit"),
    [
        ({}, "EUR", ("1000.00", "EUR")),
        ({"jurisdiction": "FR", "budget": 1100}, "EUR", ("1100.00", "USD")),
        (FULL_CHINA, "EUR", ("8000.00", "CNY")),
    ],
)
def test_a_budget_is_in_the_currency_that_its_partition_bills_in(
    region: dict[str, Any], currency: str, limit: tuple[str, str]
) -> None:
    made = site(**region).made(constructs.Budget, amount=1000, currency=currency, contact="it@example.org")
    budget = made["aws_budgets_budget.month"]
    assert (budget["limit_amount"], budget["limit_unit"]) == limit
    told = [(it["notification_type"], it["threshold"]) for it in budget["notification"]]
    assert told == [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert {tuple(it["subscriber_email_addresses"]) for it in budget["notification"]} == {("it@example.org",)}


@pytest.mark.parametrize(
    ("region", "said"),
    [
        (GOVERNMENT, "partition aws-us-gov has no AWS Budgets"),
        ({"jurisdiction": "FR"}, "partition aws bills in USD; set `budget` to the amount in USD"),
    ],
)
def test_a_budget_that_cannot_be_is_answered_with_a_reason(region: dict[str, Any], said: str) -> None:
    with pytest.raises(Unsupported) as caught:
        site(**region).made(constructs.Budget, amount=1000)
    assert said in str(caught.value)


def test_more_alerts_than_a_budget_may_have_are_refused() -> None:
    with pytest.raises(ConfigError, match="6 alerts, AWS allows 5"):
        site().made(constructs.Budget, amount=1, alerts=(1, 2, 3, 4, 5, 6))
