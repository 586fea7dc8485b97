"""Cluster, nodes and pools on AWS: private, encrypted, and of machines that the region has."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fixtures.sites import CHART, EARLIER
from sov_aws.gpus import GPUS
from sov_aws.locations import LOCATIONS

from plugins.aws_sovereign.tests.sites import FULL, GLOBAL, site
from sovplatform import constructs
from sovplatform.errors import ConfigError


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
    templates: list[Any] = [it.arguments for it in one.everything if it.type == "aws_launch_template"]
    assert len(templates) == 3
    for template in templates:
        (metadata,) = template["metadata_options"]
        assert (metadata["http_tokens"], metadata["http_put_response_hop_limit"]) == ("required", 1)
        for disk in template["block_device_mappings"]:
            assert disk["ebs"][0]["encrypted"] is True
            assert disk["ebs"][0]["kms_key_id"]
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
        ("H100", "region de: eusc-de-east-1 is not known to have the GPU H100 — use one of L4 (g6.xlarge) as infrastructure"),
        ("TPU", "region de: AWS has no GPU 'TPU' that is known here — use one of L4 (g6.xlarge) as infrastructure."),
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
