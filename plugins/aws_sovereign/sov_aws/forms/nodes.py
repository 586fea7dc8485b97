"""Nodes: private machines with disks under the region's key, which give their own credentials to no pod."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from sov_aws.forms.guardrails import boundary_of
from sov_aws.forms.place import Arguments, Place, tags
from sov_aws.forms.policies import attached, role, waits
from sovplatform import constructs
from sovplatform.interfaces.stackforms import Resource, Wires
from sovplatform.records import Record

IMAGES = {
    "bottlerocket": ("BOTTLEROCKET_x86_64", "BOTTLEROCKET_x86_64_NVIDIA"),
    "al2023": ("AL2023_x86_64_STANDARD", "AL2023_x86_64_NVIDIA"),
}
"""Of each operating system the image without and with GPU drivers. Bottlerocket brings NVIDIA's device plugin along."""

DISKS = {"bottlerocket": (("/dev/xvda", 0), ("/dev/xvdb", 1)), "al2023": (("/dev/xvda", 1),)}
"""The disks of an operating system; the one with a 1 holds images and containers, and has the size that is asked for."""
SYSTEM_DISK_GB = 4


class Pool(Record):
    """A group of nodes. With `reservation`, machines come from that alone; `zones` are all subnets, or the first one alone."""

    name: str
    instances: tuple[str, ...]
    least: int
    most: int
    disk_gb: int = 100
    gpu: bool = False
    spot: bool = False
    reservation: str = ""
    taints: tuple[tuple[str, str], ...] = ()


def node_role(construct: constructs.Construct, wires: Wires, place: Place, name: str) -> list[Resource]:
    """The identity of a pool's nodes: to join the cluster, and to pull images of this region's registry."""
    made = role(construct, place, f"nodes-{name}", "ec2", boundary=boundary_of(wires))
    return [made, *attached(place, made, "AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")]


def node_group(
    construct: constructs.Construct,
    place: Place,
    pool: Pool,
    wires: Wires,
    *,
    subnets: JsonValue,
    holder: Sequence[Resource],
) -> list[Resource]:
    """A launch template and the managed node group that uses it; how many there are is the autoscaler's to say."""
    template = _template(construct, place, pool, wires["keys.data"])
    image = IMAGES[place.terraform.nodes_run][1 if pool.gpu else 0]
    arguments: Arguments = {
        "cluster_name": wires["cluster.name"],
        "node_group_name": place.named(pool.name, limit=63),
        "node_role_arn": holder[0].ref("arn"),
        "subnet_ids": subnets,
        "ami_type": image,
        "capacity_type": "SPOT" if pool.spot else "ON_DEMAND",
        "instance_types": list(pool.instances),
        "launch_template": [{"id": template.ref("id"), "version": template.ref("latest_version")}],
        "scaling_config": [{"min_size": pool.least, "max_size": pool.most, "desired_size": pool.least}],
        "update_config": [{"max_unavailable": 1}],
        "labels": {"sov/pool": pool.name},
        "taint": [{"key": key, "value": value, "effect": "NO_SCHEDULE"} for key, value in pool.taints],
        "tags": tags(construct),
        "lifecycle": [{"ignore_changes": ["scaling_config[0].desired_size"]}],
        **waits(*holder[1:]),
    }
    return [template, Resource(type="aws_eks_node_group", name=pool.name, arguments=arguments)]


def _template(construct: constructs.Construct, place: Place, pool: Pool, key: JsonValue) -> Resource:
    disks: list[JsonValue] = [
        {
            "device_name": device,
            "ebs": [
                {
                    "encrypted": True,
                    "kms_key_id": key,
                    "volume_type": "gp3",
                    "volume_size": pool.disk_gb if holds else SYSTEM_DISK_GB,
                    "delete_on_termination": True,
                }
            ],
        }
        for device, holds in DISKS[place.terraform.nodes_run]
    ]
    labelled = tags(construct, Name=place.named(pool.name, limit=255))
    arguments: Arguments = {
        "name": place.named(pool.name, limit=125),
        "description": f"Nodes of pool {pool.name} in region {place.region.name}",
        "update_default_version": True,
        "metadata_options": [
            {
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
                "instance_metadata_tags": "disabled",
            }
        ],
        "monitoring": [{"enabled": True}],
        "block_device_mappings": disks,
        "tag_specifications": [
            {"resource_type": kind, "tags": dict(labelled)} for kind in ("instance", "volume", "network-interface")
        ],
        "tags": tags(construct),
    }
    if pool.reservation:
        target: JsonValue = [{"capacity_reservation_id": pool.reservation}]
        arguments["capacity_reservation_specification"] = [{"capacity_reservation_target": target}]
    return Resource(type="aws_launch_template", name=pool.name, arguments=arguments)
