"""What every resource on AWS must be, whatever the construct and the partition."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from fixtures.sites import Site, stack, walk
from sov_aws.locations import SUFFIXES, partition_of
from sov_aws.settings import AwsSettings
from sov_aws.terraform_settings import TerraformSettings

from plugins.aws_sovereign.tests.sites import FULL, GLOBAL, REGIONS, site
from sovplatform import constructs
from sovplatform.errors import ConfigError, Unsupported
from sovplatform.infrastructure import schema
from sovplatform.interfaces.stackforms import Resource

UNTAGGED = {
    "aws_ebs_default_kms_key": True,
    "aws_ebs_encryption_by_default": True,
    "aws_ebs_snapshot_block_public_access": True,
    "aws_ec2_image_block_public_access": True,
    "aws_ec2_instance_metadata_defaults": True,
    "aws_ecr_registry_scanning_configuration": True,
    "aws_ecr_repository_creation_template": True,  # what it makes is tagged, by resource_tags
    "aws_eks_access_policy_association": True,
    "aws_iam_role_policy": True,
    "aws_iam_role_policy_attachment": True,
    "aws_kms_alias": True,
    "aws_organizations_policy_attachment": True,
    "aws_route_table_association": True,
    "aws_s3_account_public_access_block": True,
    "aws_sns_topic_policy": True,
}
KEY_ARGUMENTS = {"kms_key_id", "kms_master_key_id", "key_arn", "kms_key", "kmsKeyId"}


@pytest.fixture(params=REGIONS, ids=lambda region: "-".join([region.get("jurisdiction", "DE"), *sorted(region)[:1]]))
def one(request: pytest.FixtureRequest) -> Site:
    return site(**request.param)


def test_every_resource_keeps_to_the_schema_of_its_provider(one: Site) -> None:
    for _, made in one.weeks():
        assert schema.check(stack(made)) == []


def test_every_reference_is_to_something_in_the_same_week(one: Site) -> None:
    for week, made in one.weeks():
        there = {it.address for it in made}
        text = json.dumps([dict(it.arguments) for it in made])
        wanted = set(re.findall(r"\$\{((?:aws|kubernetes|helm)_\w+\.\w+)", text))
        for it in made:
            wanted |= {str(address) for address in it.arguments.get("depends_on", ())}  # type: ignore[union-attr]
        assert wanted - there == set(), f"week {week}"


def test_every_arn_is_of_the_partition_and_the_account(one: Site) -> None:
    partition = partition_of(one.forms.locations()[0])
    account = one.forms.region.settings.get("account", "000000000000")
    text = json.dumps([dict(it.arguments) for it in one.everything])
    arns = re.findall(r"arn:([^:\s\"]*):([^:\s\"]*):([^:\s\"]*):([^:\s\"]*):", text)
    assert len(arns) > 20
    assert {found[0] for found in arns} == {partition}
    assert {found[2] for found in arns} <= {"", one.forms.locations()[0], "*"}
    assert {found[3] for found in arns} <= {"", "aws", account, "*"}


def test_every_address_and_endpoint_is_of_the_region_and_ends_as_the_partition_does(one: Site) -> None:
    location = one.forms.locations()[0]
    suffix = SUFFIXES[partition_of(location)]
    names = {value for it in one.everything for key, value in walk(dict(it.arguments)) if key == "service_name"}
    assert len(names) >= 10
    assert all(f".{location}." in name for name in names)
    mirrors = {str(it.arguments["repository"]) for it in one.everything if it.type == "helm_release"}
    assert all(mirror.startswith("oci://") and f".dkr.ecr.{location}.{suffix}/" in mirror for mirror in mirrors)


def test_everything_that_can_carry_tags_carries_the_labels(one: Site) -> None:
    for it in one.everything:
        if it.type.startswith(("helm_", "kubernetes_")) or UNTAGGED.get(it.type) or it.type.startswith("aws_s3_bucket_"):
            continue
        carried: dict[str, Any] = it.arguments.get("tags") or {}  # type: ignore[assignment]
        assert carried.get("sov-pilot") == "demo", it.address
        assert carried.get("sov-jurisdiction"), it.address


def test_what_has_no_tags_cannot_have_them() -> None:
    table = schema.load("aws")["resource_schemas"]
    used = {it.type for region in REGIONS for it in site(**region).everything if it.type.startswith("aws_")}
    taggable = {kind for kind in used if "tags" in table[kind]["attributes"]}
    assert not taggable & {kind for kind, untagged in UNTAGGED.items() if untagged}
    assert not {kind for kind in taggable if kind.startswith("aws_s3_bucket_")}


def test_all_that_is_encrypted_is_so_with_the_regions_key(one: Site) -> None:
    found = {value for it in one.everything for key, value in walk(dict(it.arguments)) if key in KEY_ARGUMENTS}
    found |= {value for it in one.everything for key, value in walk(dict(it.arguments)) if key == "kms_master_key_id"}
    assert found == {"${aws_kms_key.data.arn}", "${aws_kms_key.logs.arn}", "${var.keys_data}"}


def test_there_is_no_way_to_the_internet(one: Site) -> None:
    made = {it.type for it in one.everything}
    assert not {kind for kind in made if re.search(r"gateway|eip|peering|_route$|_lb|vpn|transit", kind)}
    public = {"map_public_ip_on_launch", "endpoint_public_access", "associate_public_ip_address"}
    values = {value for it in one.everything for key, value in walk(dict(it.arguments)) if key in public}
    assert values == {False}
    assert "0.0.0.0/0" not in json.dumps([dict(it.arguments) for it in one.everything])


def test_no_secret_is_written_down(one: Site) -> None:
    names = {key for it in one.everything for key, _ in walk(dict(it.arguments))}
    assert not {name for name in names if re.search(r"password|secret_key|access_key|token$", name)}


@pytest.mark.parametrize("week", [1, 2, 3, 4])
def test_policies_are_json_of_the_language_that_iam_speaks(week: int) -> None:
    for region in REGIONS:
        made = dict(site(**region).weeks())[week]
        for path, text in _policies(made):
            policy = json.loads(text)
            assert policy["Version"] == "2012-10-17", path
            for rule in policy["Statement"]:
                assert rule["Effect"] in ("Allow", "Deny"), path
                assert rule.keys() <= {"Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "Condition"}, path
                assert re.fullmatch(r"[A-Za-z0-9]+", rule["Sid"]), path
                if rule["Effect"] == "Allow" and rule.get("Principal") in ("*", {"AWS": "*"}):
                    assert "Condition" in rule or rule["Sid"] == "Layers", f"{path} lets anyone"


def _policies(made: list[Resource]) -> Iterator[tuple[str, str]]:
    for it in made:
        for key in ("policy", "assume_role_policy", "content"):
            value = it.arguments.get(key)
            if isinstance(value, str) and value.startswith("{"):
                yield f"{it.type}.{it.name}.{key}", value


def test_long_names_stay_within_the_limits_of_aws_and_apart() -> None:
    limits = {
        "aws_iam_role": 64,
        "aws_eks_cluster": 100,
        "aws_eks_node_group": 63,
        "aws_s3_bucket": 63,
        "aws_launch_template": 128,
    }
    pilot = "a-pilot-with-a-name-that-is-as-long-as-a-name-may-ever-be-12345"
    both = [site(pilot=pilot, name=f"{'long-' * 9}{end}", **FULL) for end in ("one", "two")]
    names: list[set[str]] = []
    for one in both:
        found = set()
        for it in one.everything:
            for key in ("bucket", "node_group_name", "name"):
                value = it.arguments.get(key)
                if it.type in limits and isinstance(value, str) and not value.startswith("${"):
                    assert len(value) <= limits[it.type], (it.type, value)
                    found.add(value)
        names.append(found)
    assert len(names[0]) > 10
    assert names[0].isdisjoint(names[1])


# -- places --


def test_locations_are_the_region_and_its_zones() -> None:
    assert site().forms.locations() == ("eusc-de-east-1", "eusc-de-east-1a", "eusc-de-east-1b", "eusc-de-east-1c")
    assert site("CA").forms.locations()[1:] == ("ca-central-1a", "ca-central-1b", "ca-central-1d")
    assert site(zones=["eusc-de-east-1b", "eusc-de-east-1c"]).forms.locations()[1:] == ("eusc-de-east-1b", "eusc-de-east-1c")


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ({"region": "eu-west-1"}, "region de: eu-west-1 is in IE, not in DE — set `region` to one in DE, such as eusc-de-east-1"),
        (
            {"region": "eu-central-9"},
            "region de: AWS has no region eu-central-9 — set `region` to one in DE, such as eusc",
        ),
        ({"jurisdiction": "NO"}, "region de: AWS has no region in NO — use another"),
        ({"region": "eu-central-1", "partition": "aws-eusc"}, "belongs to partition aws, not to aws-eusc — set `part"),
        ({"zones": ["eu-central-1a", "eu-central-1b"]}, "are not two or three of eusc-de-east-1 — write zones such as eusc-de-"),
        ({"zones": ["eusc-de-east-1a"]}, "are not two or three of"),
        ({"acount": "1"}, "region de: wrong settings for aws: acount is no setting of it — did you mean 'account'? use account,"),
        ({"operators": ["deploy"]}, "operators[0] is 'deploy' — write ARNs of IAM roles"),
        ({"organization_target": "root"}, "organization_target is 'root' — write the ID of a root"),
        (
            {"operators": ["arn:aws:iam::123456789012:role/deploy"]},
            "operator arn:aws:iam::123456789012:role/deploy is of partition aws, not of aws-eusc — name a role of the account",
        ),
        (
            {"account": "210987654321", "operators": ["arn:aws-eusc:iam::123456789012:role/deploy"]},
            "is of account 123456789012, not of 210987654321 — name a role of account 210987654321",
        ),
    ],
)
def test_a_wrong_place_or_setting_is_named_with_its_remedy(region: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        site(**region).forms.locations()
    assert said in str(caught.value)


# -- the state and the providers --


def test_the_state_rests_in_the_region_encrypted_and_locked() -> None:
    backend = site(account="123456789012").forms.backend("de-week1")
    assert backend.type == "s3"
    assert backend.configuration == {
        "bucket": "123456789012-demo-de-state",
        "key": "de-week1.tfstate",
        "region": "eusc-de-east-1",
        "encrypt": True,
        "kms_key_id": "arn:aws-eusc:kms:eusc-de-east-1:123456789012:alias/sov/demo/de/state",
        "use_lockfile": True,
        "allowed_account_ids": ["123456789012"],
    }
    own = site(state_bucket="b", state_key="alias/k", profile="p").forms.backend("de-week1").configuration
    assert (own["bucket"], own["profile"]) == ("b", "p")
    assert str(own["kms_key_id"]).endswith(":alias/k")


def test_the_sovereign_cloud_needs_newer_tools_than_the_others() -> None:
    assert (site().forms.backend("x").terraform, site().forms.backend("x").opentofu) == ("1.14", "1.11")
    assert (site(**GLOBAL).forms.backend("x").terraform, site(**GLOBAL).forms.backend("x").opentofu) == ("1.10", "1.10")


def _configured(one: Site) -> dict[str, Any]:
    wires = {name: f"${{var.{name.replace('.', '_')}}}" for name in ("cluster.name", "cluster.endpoint", "cluster.ca")}
    return {it.name: it.configuration for it in one.forms.providers(["aws", "helm", "kubernetes"], wires)}


def test_providers_are_configured_without_a_secret() -> None:
    configured = _configured(site(**FULL))
    assert schema.check({"provider": configured}) == []
    assert configured["aws"] == {"region": "eusc-de-east-1", "allowed_account_ids": ["123456789012"], "profile": "deploy"}
    connection = configured["kubernetes"]
    assert connection["host"] == "${var.cluster_endpoint}"
    assert connection["exec"][0]["args"][-2:] == ["--profile", "deploy"]
    assert not {key for it in configured.values() for key, _ in walk(it)} & {"token", "access_key", "secret_key"}


def test_a_pilot_without_an_account_is_planned_for_one_that_the_provider_refuses() -> None:
    assert _configured(site())["aws"]["allowed_account_ids"] == ["000000000000"]


def test_only_the_providers_that_are_used_are_configured() -> None:
    (aws,) = site().forms.providers(["aws"], {})
    assert (aws.source, aws.version) == ("hashicorp/aws", ">= 6.29, < 7.0")


def test_a_construct_without_a_form_is_answered_with_a_reason() -> None:
    class MoonBase(constructs.Construct):
        title: ClassVar[str] = "moon-base"

    with pytest.raises(Unsupported, match=r"moon-base.*no form for it yet"):
        site().form(MoonBase)


# -- the documentation --


def test_every_type_and_every_setting_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "infrastructure" / "aws.md").read_text(encoding="utf-8")
    types = {it.type for region in REGIONS for it in site(**region).everything}
    assert {kind for kind in types if f"`{kind}`" not in page and not kind.startswith("aws_s3_bucket_")} == set()
    settings = {*AwsSettings.model_fields, *TerraformSettings.model_fields} - {"endpoint"}  # which is for tests
    assert {name for name in settings if f"`{name}`" not in page} == set()
