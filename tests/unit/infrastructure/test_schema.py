"""The schema contract: what it accepts and what it refuses, without Terraform."""

from typing import Any

import pytest

from sovplatform.errors import NotFound
from sovplatform.infrastructure import schema


def _told(stack: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in schema.check(stack)]


def test_correct_stacks_have_no_problems(aws: dict[str, Any], platform: dict[str, Any]) -> None:
    assert _told(aws) == []
    assert _told(platform) == []


def test_an_unknown_attribute_is_told_with_its_construct(aws: dict[str, Any]) -> None:
    aws["resource"]["aws_vpc"]["main"]["cidr"] = "10.0.0.0/8"
    (problem,) = schema.check(aws)
    assert problem == schema.Problem("aws_vpc.main", "cidr", "there is no such attribute or block", "de-week1/landing-zone/vpc")


def test_a_missing_attribute_inside_a_block_is_told_with_its_path(aws: dict[str, Any]) -> None:
    del aws["resource"]["aws_eks_cluster"]["main"]["encryption_config"][0]["provider"]["key_arn"]
    (problem,) = schema.check(aws)
    assert (problem.address, problem.path) == ("aws_eks_cluster.main", "encryption_config.provider")
    assert "'key_arn' is missing" in problem.message


def test_a_missing_block_is_told(aws: dict[str, Any]) -> None:
    del aws["resource"]["aws_eks_cluster"]["main"]["vpc_config"]
    assert _told(aws) == [
        "aws_eks_cluster.main (made by de-week1/cluster/eks): the block 'vpc_config' is missing, and it is required"
    ]


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("tags", ["a"], "tags: wants a mapping, not a list"),
        ("tags", {"a": ["b"]}, "tags[a]: wants text, not a list"),
        ("enable_dns_support", "perhaps", 'enable_dns_support: wants true or false, not "perhaps"'),
        ("ipv4_netmask_length", True, "ipv4_netmask_length: wants a number, not true"),
        ("arn", "arn:aws-eusc:x", "arn: only the provider sets it"),
    ],
)
def test_a_wrong_type_is_told(aws: dict[str, Any], attribute: str, value: object, message: str) -> None:
    aws["resource"]["aws_vpc"]["main"][attribute] = value
    assert _told(aws) == [f"aws_vpc.main (made by de-week1/landing-zone/vpc): {message}"]


@pytest.mark.parametrize("value", ["${var.account}", None, "8", 8])
def test_what_terraform_converts_is_accepted(aws: dict[str, Any], value: object) -> None:
    aws["resource"]["aws_vpc"]["main"]["ipv4_netmask_length"] = value
    assert _told(aws) == []


def test_an_escaped_expression_is_text(aws: dict[str, Any]) -> None:
    aws["resource"]["aws_vpc"]["main"]["ipv4_netmask_length"] = "$${x}"
    assert len(_told(aws)) == 1


def test_an_object_of_an_old_kind_wants_all_its_attributes(aws: dict[str, Any]) -> None:
    aws["resource"]["aws_security_group"] = {"g": {"ingress": [{"from_port": 1, "to_prt": 2}]}}
    told = _told(aws)
    assert "aws_security_group.g: ingress[0].to_prt: there is no such attribute" in told
    assert "aws_security_group.g: ingress[0]: 'to_port' is missing: write null when there is none" in told


def test_dynamic_blocks_are_checked_inside(aws: dict[str, Any]) -> None:
    bucket = aws["resource"]["aws_s3_bucket_server_side_encryption_configuration"]["raw"]
    bucket["dynamic"] = {"rule": {"for_each": "${var.rules}", "content": {"bucket_key": True}}}
    del bucket["rule"]
    (problem,) = schema.check(aws)
    assert problem.path == "rule.bucket_key"


def test_too_many_blocks_are_told(aws: dict[str, Any]) -> None:
    cluster = aws["resource"]["aws_eks_cluster"]["main"]
    cluster["vpc_config"] = [cluster["vpc_config"]] * 2
    assert any("at most 1 such block" in told for told in _told(aws))


def test_a_type_without_schema_is_told(aws: dict[str, Any]) -> None:
    aws["resource"]["aws_castle"] = {"x": {}}
    aws["provider"]["acme"] = [{}]
    assert sorted(_told(aws)) == [
        "aws_castle.x: there is no schema of aws_castle.x",
        "provider.acme: there is no schema of provider.acme",
    ]


def test_a_provider_block_is_checked_too(aws: dict[str, Any]) -> None:
    aws["provider"]["aws"][0]["regoin"] = "x"
    assert _told(aws) == ["provider.aws: regoin: there is no such attribute or block"]


def test_an_unknown_provider_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"no schema of the Terraform provider 'acme'"):
        schema.load("acme")
