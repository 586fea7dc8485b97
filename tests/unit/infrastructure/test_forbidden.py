"""What no stack may have: what a plan cannot decide, somebody else's providers, and a second one that works elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from sovplatform.infrastructure.forbidden import forbidden
from sovplatform.infrastructure.offline.plan import plan_offline
from sovplatform.infrastructure.terraform import Terraform
from tests.unit.infrastructure.conftest import WriteStack

AWS = {"source": "hashicorp/aws", "version": "~> 6.0"}


def found(resource: Any = None, **body: Any) -> list[str]:
    return list(forbidden({}, {"resource": {"aws_kms_key": {"x": resource or {}}}, **body}))


@pytest.mark.parametrize(
    "value",
    [
        '${timestamp() == "" ? false : true}',
        "${aws_kms_key.x.multi_region}${uuid()}",
        '%{ if timestamp() != "" }true%{ endif }',
        "${ {a = aws_kms_key.x.arn}.a }",
        "${aws_kms_key.x.tags[uuid()]}",
        "$$${uuid()}",
    ],
)
def test_a_value_that_is_computed_is_refused(value: str) -> None:
    assert found({"tags": [{"multi": value}]}) == ["computed tags.multi of aws_kms_key.x"]


def test_a_name_that_is_computed_is_refused() -> None:
    assert found({"tags": {"${uuid()}": "x"}}) == ["computed a name in tags of aws_kms_key.x"]


@pytest.mark.parametrize("value", ["a${var.x}b${aws_kms_key.x.arn}", "${data.aws_region.here.ids[0]}", "$${uuid()}", "50%", "{}"])
def test_a_reference_and_an_escaped_template_are_not_computed(value: str) -> None:
    assert found({"description": value, "//": {"metadata": "${uuid()}"}}) == []


def test_a_block_that_is_repeated_is_refused() -> None:
    block = {"ingress": {"for_each": "${aws_vpc.main.tags}", "content": {"cidr_blocks": ["0.0.0.0/0"]}}}
    assert found({"dynamic": block}) == ["repetition in a block of aws_kms_key.x"]


def test_a_second_provider_is_refused() -> None:
    assert found(provider={"aws": [{"region": "eusc-de-east-1"}]}) == []
    assert found(provider={"aws": [{"region": "eusc-de-east-1"}, {"alias": "x"}]}) == ["second provider aws"]
    assert found(provider={"aws": {"alias": "x", "region": "eusc-de-east-1"}}) == ["second provider aws"]


def test_a_provider_of_somebody_else_is_refused() -> None:
    assert found(terraform={"required_providers": {"aws": AWS}}) == []
    assert found(terraform=[{"required_providers": {"aws": {"source": "evil/aws"}}}]) == ["provider aws of evil/aws"]
    assert found(terraform={"required_providers": {"aws": "~> 6.0"}}) == ["provider aws of None"]


def test_a_state_in_a_cloud_of_terraforms_is_refused() -> None:
    assert found(terraform={"backend": {"s3": {}}, "cloud": {"organization": "x"}}) == ["terraform.cloud"]


def change(name: str, *actions: str) -> dict[str, Any]:
    address = f"aws_kms_key.{name}"
    return {"address": address, "mode": "managed", "type": "aws_kms_key", "name": name, "change": {"actions": list(actions)}}


def test_what_was_not_synthesised_is_refused_unless_it_goes() -> None:
    changes = [change("x", "create"), change("extra", "create"), change("old", "delete"), change("other", "delete", "create")]
    body = {"resource": {"aws_kms_key": {"x": {}}}}
    assert list(forbidden({"resource_changes": changes}, body)) == [
        "aws_kms_key.extra, which was not synthesised",
        "aws_kms_key.other, which was not synthesised",
    ]


def test_what_a_real_plan_leaves_undecided_is_refused(terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack) -> None:
    """Terraform says only that it is not known yet, so nothing in the plan tells of it."""
    aws["resource"]["aws_kms_key"]["data"]["multi_region"] = '${timestamp() == "" ? false : true}'
    plan = plan_offline(terraform, {"de-week1": write_stack(aws)}, variables={"de-week1": {"account": "1"}})["de-week1"].json
    [key] = [one for one in plan["resource_changes"] if one["address"] == "aws_kms_key.data"]
    assert "multi_region" not in key["change"]["after"]
    assert "computed multi_region of aws_kms_key.data" in list(forbidden(plan, aws))


def test_a_provider_reads_a_certificate_and_computes_nothing_else() -> None:
    host = {"host": "${aws_eks_cluster.x.endpoint}", "cluster_ca_certificate": "${base64decode(aws_eks_cluster.x.ca[0].data)}"}
    assert found(provider={"kubernetes": [host]}) == []
    host["host"] = '${timestamp() == "" ? aws_eks_cluster.x.endpoint : aws_s3_bucket.x.id}'
    assert found(provider={"kubernetes": [host]}) == ["computed host of provider kubernetes"]
