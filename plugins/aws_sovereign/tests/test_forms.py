"""What the constructs are on AWS, one by one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.iam.policy_validation import IAMPolicyDocumentValidator
from sov_aws.forms.guardrails import POLICY_CHARACTERS
from sov_aws.forms.network import retention
from sov_aws.gpus import GPUS
from sov_aws.locations import LOCATIONS

from plugins.aws_sovereign.tests.site import CHART, CHINA, DATASETS, EARLIER, FULL, GLOBAL, GOVERNMENT, KEYS, REGIONS, site
from sovplatform import constructs
from sovplatform.errors import ConfigError, Unsupported

FULL_CHINA = {**CHINA, "budget": 8000}


def rules(policy: object) -> dict[str, Any]:
    """A policy's statements by their names."""
    return {rule["Sid"]: rule for rule in json.loads(str(policy))["Statement"]}


# -- guardrails --


def test_without_an_organization_the_guardrails_are_a_boundary_of_every_role() -> None:
    one = site()
    made = one.made(constructs.Guardrails)
    assert "aws_organizations_policy.guardrails" not in made
    boundary = rules(made["aws_iam_policy.guardrails"]["policy"])
    assert boundary["Most"]["Effect"] == "Allow"
    assert "*" not in boundary["Most"]["Action"]
    roles = [it for it in one.everything if it.type == "aws_iam_role"]
    assert len(roles) >= 9
    assert {str(it.arguments["permissions_boundary"]) for it in roles} == {
        "${aws_iam_policy.guardrails.arn}",
        "${var.guardrails_boundary}",
    }


def test_with_an_organization_they_are_a_control_policy_and_no_boundary() -> None:
    one = site(**FULL)
    made = one.made(constructs.Guardrails)
    policy = made["aws_organizations_policy.guardrails"]
    assert policy["type"] == "SERVICE_CONTROL_POLICY"
    assert "Most" not in rules(policy["content"])
    assert made["aws_organizations_policy_attachment.guardrails"]["target_id"] == "ou-ab12-cdefgh34"
    assert not [it for it in one.everything if "permissions_boundary" in it.arguments]


@pytest.mark.parametrize("region", REGIONS)
def test_guardrails_fit_into_a_policy_and_iam_accepts_their_language(region: dict[str, Any]) -> None:
    made = site(**region).made(constructs.Guardrails)
    kind, key = ("aws_organizations_policy", "content") if region == FULL else ("aws_iam_policy", "policy")
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


# -- the network --


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


# -- money --


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


# -- keys --


def test_keys_stay_in_the_region_and_rotate_where_they_can() -> None:
    made = site().made(constructs.RegionKeys, keys=KEYS)
    keys = {name.partition(".")[2]: it for name, it in made.items() if name.startswith("aws_kms_key.")}
    assert {name: it["customer_master_key_spec"] for name, it in keys.items()} == {
        "data": "SYMMETRIC_DEFAULT",
        "models": "ECC_NIST_P256",
        "ledger": "ECC_NIST_EDWARDS25519",
    }
    assert {it["multi_region"] for it in keys.values()} == {False}
    assert {it["deletion_window_in_days"] for it in keys.values()} == {30}
    assert [name for name, it in keys.items() if it.get("enable_key_rotation")] == ["data"]
    for it in keys.values():
        leaving = rules(it["policy"])["Leaving"]
        assert leaving["Effect"] == "Deny"
        assert {"kms:ReplicateKey", "kms:ImportKeyMaterial"} <= set(leaving["Action"])


def test_aliases_are_those_of_the_regions_key_store_which_moves_them() -> None:
    alias = site().made(constructs.RegionKeys, keys=KEYS)["aws_kms_alias.models"]
    assert alias["name"] == "alias/sov/demo/de/models"
    assert alias["lifecycle"] == [{"ignore_changes": ["target_key_id"]}]


def test_only_the_services_that_need_a_key_may_use_it() -> None:
    made = site(**CHINA).made(constructs.RegionKeys, keys=KEYS)
    assert rules(made["aws_kms_key.models"]["policy"]).keys() == {"Account", "Leaving"}
    data = rules(made["aws_kms_key.data"]["policy"])
    assert data.keys() == {"Account", "Leaving", "Logs", "Trail", "TrailKey", "Scaling", "ScalingGrants"}
    assert data["Logs"]["Principal"] == {"Service": "logs.cn-north-1.amazonaws.com.cn"}
    assert data["Trail"]["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    assert data["Scaling"]["Condition"]["StringEquals"] == {"kms:CallerAccount": "000000000000"}


def test_iam_of_the_sovereign_cloud_is_asked_for_principals_that_it_knows() -> None:
    one = site()
    trusts = [str(it.arguments["assume_role_policy"]) for it in one.everything if it.type == "aws_iam_role"]
    assert any("ec2.amazonaws.com" in trust for trust in trusts)
    assert not any("amazonaws.eu" in trust for trust in trusts)


# -- stores --


@pytest.mark.parametrize(
    ("kind", "name", "arguments"),
    [
        (constructs.RawDataStore, "raw", {"datasets": DATASETS}),
        (constructs.ArtifactStore, "artifacts", {}),
        (constructs.AuditSink, "audit", {}),
    ],
)
def test_stores_are_closed(kind: type[constructs.Construct], name: str, arguments: dict[str, Any]) -> None:
    made = site().made(kind, **arguments)
    assert made[f"aws_s3_bucket_versioning.{name}"]["versioning_configuration"] == [{"status": "Enabled"}]
    (encryption,) = made[f"aws_s3_bucket_server_side_encryption_configuration.{name}"]["rule"]
    assert encryption["apply_server_side_encryption_by_default"][0]["kms_master_key_id"] == EARLIER["keys.data"]
    closed = made[f"aws_s3_bucket_public_access_block.{name}"]
    assert {value for key, value in closed.items() if key != "bucket"} == {True}
    policy = rules(made[f"aws_s3_bucket_policy.{name}"]["policy"])
    assert {"TlsOnly", "OldTls", "OtherEncryption", "OtherKey", "Replication"} <= policy.keys()
    assert policy["OtherKey"]["Condition"]["Null"]  # a header that is not there is no other key
    assert not [key for key in made if "replication" in key]
    assert made[f"aws_s3_bucket.{name}"]["force_destroy"] is False


def test_raw_data_is_there_for_its_own_network_alone() -> None:
    made = site().made(constructs.RawDataStore, datasets=DATASETS)
    policy = rules(made["aws_s3_bucket_policy.raw"]["policy"])
    assert policy["OtherNetworks"]["Condition"] == {"StringNotEquals": {"aws:SourceVpc": "${var.network_id}"}}
    assert made["aws_s3_bucket.raw"]["tags"]["sov-sensitivity"] == "restricted"


def test_artifacts_and_the_audit_trail_are_locked() -> None:
    for kind, name, mode, days in (
        (constructs.ArtifactStore, "artifacts", "GOVERNANCE", 90),
        (constructs.AuditSink, "audit", "COMPLIANCE", 365),
    ):
        made = site().made(kind)
        assert made[f"aws_s3_bucket.{name}"]["object_lock_enabled"] is True
        assert made[f"aws_s3_bucket_object_lock_configuration.{name}"]["rule"] == [
            {"default_retention": [{"mode": mode, "days": days}]}
        ]
        (rule,) = made[f"aws_s3_bucket_lifecycle_configuration.{name}"]["rule"]
        assert rule["noncurrent_version_expiration"] == [{"noncurrent_days": days}]


def test_the_trail_records_all_that_is_done_and_read_and_alone_may_write() -> None:
    made = site(**FULL).made(constructs.AuditSink)
    trail = made["aws_cloudtrail.main"]
    assert trail["kms_key_id"] == "${var.keys_data}"
    assert trail["enable_log_file_validation"] is True
    assert [it["name"] for it in trail["advanced_event_selector"]] == ["management", "objects"]
    writes = rules(made["aws_s3_bucket_policy.audit"]["policy"])["TrailWrites"]
    assert writes["Condition"]["StringEquals"]["aws:SourceArn"] == (
        "arn:aws-eusc:cloudtrail:eusc-de-east-1:123456789012:trail/demo-de-audit"
    )


# -- the cluster --


def test_the_cluster_is_private_encrypted_logged_and_known_by_entries() -> None:
    made = site().made(constructs.Cluster)
    cluster = made["aws_eks_cluster.main"]
    (network,) = cluster["vpc_config"]
    assert (network["endpoint_private_access"], network["endpoint_public_access"]) == (True, False)
    assert cluster["encryption_config"] == [{"resources": ["secrets"], "provider": [{"key_arn": "${var.keys_data}"}]}]
    assert len(cluster["enabled_cluster_log_types"]) == 5
    assert cluster["access_config"][0] == {"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": True}
    assert made["aws_cloudwatch_log_group.cluster"]["name"] == f"/aws/eks/{cluster['name']}/cluster"
    addons = {it["addon_name"] for name, it in made.items() if name.startswith("aws_eks_addon.")}
    assert addons == {"vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent", "aws-ebs-csi-driver"}
    assert json.loads(made["aws_eks_addon.vpc_cni"]["configuration_values"]) == {"enableNetworkPolicy": "true"}


def test_operators_administer_the_cluster_instead_of_whoever_made_it() -> None:
    made = site(**FULL).made(constructs.Cluster)
    assert made["aws_eks_cluster.main"]["access_config"][0]["bootstrap_cluster_creator_admin_permissions"] is False
    assert made["aws_eks_access_entry.operator_1"]["principal_arn"] == FULL["operators"][0]
    policy = made["aws_eks_access_policy_association.operator_1"]["policy_arn"]
    assert policy == "arn:aws-eusc:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    assert made["aws_vpc_security_group_ingress_rule.operators_1"]["cidr_ipv4"] == "10.9.0.0/24"


def test_addresses_of_services_are_not_those_of_the_network() -> None:
    for cidr, expected in (("", "172.20.0.0/16"), ("172.20.0.0/16", "10.100.0.0/16"), ("10.100.0.0/16", "172.20.0.0/16")):
        made = site(cidr=cidr).made(constructs.Cluster)
        assert made["aws_eks_cluster.main"]["kubernetes_network_config"][0]["service_ipv4_cidr"] == expected


def test_volumes_of_pods_are_encrypted_with_the_regions_key() -> None:
    storage = site().made(constructs.Cluster)["kubernetes_storage_class_v1.sov"]
    assert storage["parameters"] == {"type": "gp3", "encrypted": "true", "kmsKeyId": "${var.keys_data}"}


@pytest.mark.parametrize("system", ["bottlerocket", "al2023"])
def test_nodes_tell_pods_no_credentials_and_encrypt_every_disk(system: str) -> None:
    one = site(nodes_run=system)
    templates = [it.arguments for it in one.everything if it.type == "aws_launch_template"]
    assert len(templates) == 3
    for template in templates:
        (metadata,) = template["metadata_options"]  # type: ignore[misc]
        assert (metadata["http_tokens"], metadata["http_put_response_hop_limit"]) == ("required", 1)  # type: ignore[index, call-overload]
        for disk in template["block_device_mappings"]:  # type: ignore[union-attr]
            assert disk["ebs"][0]["encrypted"] is True  # type: ignore[index, call-overload]
            assert disk["ebs"][0]["kms_key_id"]  # type: ignore[index, call-overload]
    groups = [it.arguments for it in one.everything if it.type == "aws_eks_node_group"]
    assert all(str(it["ami_type"]).startswith(system.upper()) for it in groups)


def test_the_autoscaler_comes_with_the_cluster_and_not_again() -> None:
    wires = {**EARLIER, "cluster.name": "${aws_eks_cluster.main.name}"}
    charts = {it.name for it in site().form(constructs.PlatformServices, wires, charts=(CHART,)).resources}
    assert {"cluster_autoscaler", "pod_identity", "cert_manager"} <= charts
    later = {it.name for it in site().form(constructs.PlatformServices, charts=(CHART,)).resources}
    assert "cluster_autoscaler" not in later
    association = site().made(constructs.Cluster)["aws_eks_pod_identity_association.cluster_autoscaler"]
    assert association["namespace"] == association["service_account"] == "cluster-autoscaler"


# -- pools --


def test_spot_trains_from_zero_behind_taints() -> None:
    made = site(**GLOBAL).made(constructs.TrainingPool, gpu="L4", nodes=4, spot=True)
    group = made["aws_eks_node_group.training"]
    assert group["capacity_type"] == "SPOT"
    assert group["scaling_config"] == [{"min_size": 0, "max_size": 4, "desired_size": 0}]
    assert {(it["key"], it["value"], it["effect"]) for it in group["taint"]} == {
        ("nvidia.com/gpu", "present", "NO_SCHEDULE"),
        ("sov/spot", "true", "NO_SCHEDULE"),
    }
    assert len(group["instance_types"]) > 1
    assert "aws_ec2_capacity_reservation.training" not in made


def test_a_sovereign_region_trains_on_a_reservation_in_its_first_zone() -> None:
    made = site(zones=["eusc-de-east-1c", "eusc-de-east-1a"]).made(constructs.TrainingPool, gpu="L4", nodes=4)
    reserved = made["aws_ec2_capacity_reservation.training"]
    assert (reserved["instance_type"], reserved["instance_count"]) == ("g6.xlarge", 4)
    assert (reserved["availability_zone"], reserved["instance_match_criteria"]) == ("eusc-de-east-1c", "targeted")
    group = made["aws_eks_node_group.training"]
    assert group["subnet_ids"] == ["${var.network_subnets[0]}"]
    assert group["instance_types"] == ["g6.xlarge"]
    (specified,) = made["aws_launch_template.training"]["capacity_reservation_specification"]
    assert specified["capacity_reservation_target"] == [
        {"capacity_reservation_id": "${aws_ec2_capacity_reservation.training.id}"}
    ]


def test_a_pool_of_no_nodes_is_none() -> None:
    assert site().made(constructs.TrainingPool, gpu="L4", nodes=0) == {}


def test_serving_on_cpus_or_gpus() -> None:
    cpu = site().made(constructs.ServingPool, nodes_min=2, nodes_max=5)["aws_eks_node_group.serving"]
    assert (cpu["instance_types"], cpu["ami_type"], cpu["taint"]) == (["m6i.2xlarge"], "BOTTLEROCKET_x86_64", [])
    gpu = site().made(constructs.ServingPool, gpu="L4")["aws_eks_node_group.serving"]
    assert (gpu["instance_types"], gpu["ami_type"]) == (["g6.xlarge"], "BOTTLEROCKET_x86_64_NVIDIA")


@pytest.mark.parametrize(
    ("gpu", "said"),
    [
        ("H100", "region de: eusc-de-east-1 is not known to have the GPU H100 — use one of L4 (g6.xlarge), or name its"),
        ("TPU", "region de: AWS has no GPU 'TPU' that is known here — use one of L4 (g6.xlarge), or name its instance types"),
    ],
)
@pytest.mark.parametrize("kind", [constructs.TrainingPool, constructs.ServingPool])
def test_a_gpu_that_the_region_lacks_is_answered_with_what_it_has(kind: type[constructs.Construct], gpu: str, said: str) -> None:
    arguments = {"nodes": 2} if kind is constructs.TrainingPool else {}
    with pytest.raises(ConfigError) as caught:
        site().made(kind, gpu=gpu, **arguments)
    assert said in str(caught.value)


def test_a_gpu_that_the_table_does_not_know_comes_from_the_settings() -> None:
    made = site(gpus={"H100": ["p5.48xlarge"]}).made(constructs.TrainingPool, gpu="H100", nodes=1)
    assert made["aws_ec2_capacity_reservation.training"]["instance_type"] == "p5.48xlarge"
    with pytest.raises(ConfigError, match=r"use CPUs there or another region"):
        site("CN").made(constructs.TrainingPool, gpu="L4", nodes=1)


def test_the_table_of_gpus_names_regions_that_there_are() -> None:
    for name, gpu in GPUS.items():
        assert gpu.instances, name
        assert gpu.regions <= LOCATIONS.keys(), name
    assert [name for name, gpu in GPUS.items() if "eusc-de-east-1" in gpu.regions] == ["L4"]
