"""What all node pools have in common: private, shielded, disks under the region's key, an identity with few rights."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from sov_gcp.forms.place import Place, labels, lettered
from sovplatform import constructs
from sovplatform.interfaces.stackforms import Resource

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
"""What a node may do is decided by the roles of its account; Google advises against narrowing it by scopes as well."""


def account(place: Place, pool: str) -> list[Resource]:
    """The pool's own account: it may write logs and metrics, and read images of this region, and nothing else."""
    identity = Resource(
        type="google_service_account",
        name=pool,
        arguments={
            "project": place.project,
            "account_id": lettered(f"{pool}-{place.named(limit=200)}", 30),
            "display_name": f"nodes of pool {pool} of {place.region.name}",
        },
    )
    return [
        identity,
        Resource(
            type="google_project_iam_member",
            name=f"{pool}_node",
            arguments={
                "project": place.project,
                "role": "roles/container.defaultNodeServiceAccount",
                "member": identity.ref("member"),
            },
        ),
        Resource(
            type="google_artifact_registry_repository_iam_member",
            name=f"{pool}_images",
            arguments={
                "project": place.project,
                "location": place.location,
                "repository": place.registry,
                "role": "roles/artifactregistry.reader",
                "member": identity.ref("member"),
            },
        ),
    ]


def node_config(construct: constructs.Construct, place: Place, pool: str, key: JsonValue, machine: str) -> dict[str, JsonValue]:
    """The configuration of a node, to which a pool adds its GPUs, taints and reservation."""
    return {
        "machine_type": machine,
        "image_type": "COS_CONTAINERD",
        "disk_type": "pd-balanced",
        "disk_size_gb": 100,
        "boot_disk_kms_key": key,
        "service_account": f"${{google_service_account.{pool}.email}}",
        "oauth_scopes": list(SCOPES),
        "metadata": {"disable-legacy-endpoints": "true"},
        "workload_metadata_config": [{"mode": "GKE_METADATA"}],
        "shielded_instance_config": [{"enable_secure_boot": True, "enable_integrity_monitoring": True}],
        "gvnic": [{"enabled": True}],
        "kubelet_config": [{"insecure_kubelet_readonly_port_enabled": "FALSE"}],
        "labels": {"sov/pool": pool},
        "resource_labels": labels(construct),
    }


def node_pool(
    place: Place,
    pool: str,
    cluster: JsonValue,
    config: Mapping[str, JsonValue],
    *,
    least: int,
    most: int,
    zones: tuple[str, ...],
) -> Resource:
    """A pool that scales between `least` and `most` nodes over all its zones."""
    return Resource(
        type="google_container_node_pool",
        name=pool,
        arguments={
            "project": place.project,
            "name": pool,
            "cluster": cluster,
            "location": place.location,
            "node_locations": list(zones),
            "initial_node_count": 0 if least == 0 else 1,
            "autoscaling": [{"total_min_node_count": least, "total_max_node_count": most, "location_policy": "ANY"}],
            "management": [{"auto_repair": True, "auto_upgrade": True}],
            "upgrade_settings": [{"max_surge": 1, "max_unavailable": 0}],
            "network_config": [{"enable_private_nodes": True}],
            "node_config": [dict(config)],
            # The autoscaler changes the count, and the first count is only that of the first day.
            "lifecycle": [{"ignore_changes": ["initial_node_count"]}],
            "depends_on": [
                f"google_project_iam_member.{pool}_node",
                f"google_artifact_registry_repository_iam_member.{pool}_images",
            ],
        },
    )
