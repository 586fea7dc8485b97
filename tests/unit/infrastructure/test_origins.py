"""Where what is planned comes from is read in the plan itself."""

from __future__ import annotations

from typing import Any

from sovplatform.infrastructure.origins import gone, providers, sources


def change(name: str = "data", *actions: str) -> dict[str, Any]:
    return {
        "address": f"aws_kms_key.{name}",
        "mode": "managed",
        "type": "aws_kms_key",
        "name": name,
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": {"actions": list(actions or ("create",))},
    }


def test_a_provider_is_configured_as_it_was_planned_and_an_alias_is_one_more() -> None:
    here, there = ({"expressions": {"region": {"constant_value": place}}} for place in ("eu-west-1", "us-east-1"))
    plan = {"configuration": {"provider_config": {"aws": here, "aws.there": there}}}
    assert providers(plan) == {"aws": {"region": "eu-west-1"}, "aws.there": {"region": "us-east-1"}}


def test_the_sources_of_all_providers_are_told_configured_or_not() -> None:
    plan = {
        "configuration": {"provider_config": {"helm": {"full_name": "registry.opentofu.org/hashicorp/helm"}}},
        "resource_changes": [change() | {"provider_name": "registry.terraform.io/elsewhere/aws"}],
    }
    assert sources(plan) == ["elsewhere/aws", "hashicorp/helm"]


def test_what_was_deleted_behind_terraforms_back_is_told() -> None:
    drifted = [change("data", "delete"), change("logs", "update")]
    assert gone({"resource_drift": drifted}) == [{"type": "aws_kms_key", "name": "data", "replaced": True}]
