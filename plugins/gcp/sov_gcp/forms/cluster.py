"""Cluster: GKE with a private API and private nodes, everything at rest under the region's key, workload identity."""

from __future__ import annotations

from pydantic import JsonValue

from sov_gcp.forms.nodes import account, node_config, node_pool
from sov_gcp.forms.place import Place, after_grant, labels
from sovplatform import constructs
from sovplatform.backends.terraform.forms import first
from sovplatform.interfaces.stackforms import Form, Output, Resource, Wires

LOGGED = ("SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER")
MEASURED = ("SYSTEM_COMPONENTS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER", "STORAGE", "POD", "DEPLOYMENT")
SYSTEM_MACHINE = "e2-standard-4"
SYSTEM_ZONES = 3


def cluster(construct: constructs.Cluster, wires: Wires, place: Place) -> Form:
    key = wires["keys.data"]
    images, topic = _images(construct, place, key), _topic(construct, place, key)
    made = _cluster(construct, wires, place, topic)
    system = node_pool(
        place,
        "system",
        made.ref("name"),
        node_config(construct, place, "system", key, SYSTEM_MACHINE),
        least=2,
        most=6,
        zones=place.zones[:SYSTEM_ZONES],
    )
    return Form(
        resources=(images, topic, *_account(place, images), made, system, _disks(construct, key, system)),
        outputs={
            "cluster.name": Output(value=made.ref("name"), example=place.named(limit=40)),
            "cluster.endpoint": Output(value=made.ref("private_cluster_config[0].private_endpoint"), example="10.0.0.2"),
            "cluster.ca": Output(value=made.ref("master_auth[0].cluster_ca_certificate"), example="LS0tLS1CRUdJTi4uLg=="),
        },
    )


def _account(place: Place, images: Resource) -> list[Resource]:
    """In this stack the repository is made too, so the right to read it comes after it."""
    identity, node, reader = account(place, "system")
    return [identity, node, reader.model_copy(update={"arguments": {**reader.arguments, "repository": images.ref("name")}})]


def _cluster(construct: constructs.Cluster, wires: Wires, place: Place, topic: Resource) -> Resource:
    key = wires["keys.data"]
    arguments: dict[str, JsonValue] = {
        "project": place.project,
        "name": place.named(limit=40),
        "location": place.location,
        "node_locations": list(place.zones[:SYSTEM_ZONES]),
        "deletion_protection": place.terraform.protect,
        "min_master_version": construct.version,
        "release_channel": [{"channel": "REGULAR"}],
        "database_encryption": [{"state": "ENCRYPTED", "key_name": key}],
        "addons_config": [
            {
                "gce_persistent_disk_csi_driver_config": [{"enabled": True}],
                "gcs_fuse_csi_driver_config": [{"enabled": True}],
                "dns_cache_config": [{"enabled": True}],
                "http_load_balancing": [{"disabled": True}],
            }
        ],
        "resource_labels": labels(construct),
        **_private_network(wires, place),
        **_identities(place),
        **_admission(place),
        **_observed(topic),
        **_first_pool(construct, place, key),
        **after_grant(key, "container", "compute", also=("google_project_iam_member.system_node",)),
    }
    return Resource(type="google_container_cluster", name="main", arguments=arguments)


def _private_network(wires: Wires, place: Place) -> dict[str, JsonValue]:
    """Nodes and API have private addresses alone; the operators' networks reach the API, and no other does."""
    return {
        "network": wires["network.id"],
        "subnetwork": first(wires["network.subnets"]),
        "networking_mode": "VPC_NATIVE",
        "datapath_provider": "ADVANCED_DATAPATH",
        "enable_intranode_visibility": True,
        "default_max_pods_per_node": 64,
        "ip_allocation_policy": [{"cluster_secondary_range_name": "pods", "services_secondary_range_name": "services"}],
        "private_cluster_config": [
            {
                "enable_private_nodes": True,
                "enable_private_endpoint": True,
                "master_global_access_config": [{"enabled": False}],
            }
        ],
        "master_authorized_networks_config": [
            {
                "gcp_public_cidrs_access_enabled": False,
                "private_endpoint_enforcement_enabled": True,
                "cidr_blocks": [{"cidr_block": it, "display_name": "operators"} for it in place.terraform.operator_ranges],
            }
        ],
        "control_plane_endpoints_config": [{"dns_endpoint_config": [{"allow_external_traffic": False}]}],
        "service_external_ips_config": [{"enabled": False}],
    }


def _identities(place: Place) -> dict[str, JsonValue]:
    """Pods are service accounts of the project and people have Google's identities; no client certificate is issued."""
    found: dict[str, JsonValue] = {
        "workload_identity_config": [{"workload_pool": f"{place.project}.svc.id.goog"}],
        "enable_legacy_abac": False,
        "master_auth": [{"client_certificate_config": [{"issue_client_certificate": False}]}],
        "rbac_binding_config": [
            {
                "enable_insecure_binding_system_authenticated": False,
                "enable_insecure_binding_system_unauthenticated": False,
            }
        ],
        "anonymous_authentication_config": [{"mode": "LIMITED"}],
    }
    if place.terraform.security_group:
        found["authenticator_groups_config"] = [{"security_group": place.terraform.security_group}]
    return found


def _admission(place: Place) -> dict[str, JsonValue]:
    """Which machines join, and which images run."""
    enforced = place.terraform.binary_authorization
    return {
        "enable_shielded_nodes": True,
        "binary_authorization": [{"evaluation_mode": "PROJECT_SINGLETON_POLICY_ENFORCE" if enforced else "DISABLED"}],
        "security_posture_config": [{"mode": "BASIC", "vulnerability_mode": "VULNERABILITY_DISABLED"}],
    }


def _observed(topic: Resource) -> dict[str, JsonValue]:
    return {
        "logging_config": [{"enable_components": list(LOGGED)}],
        "monitoring_config": [{"enable_components": list(MEASURED), "managed_prometheus": [{"enabled": False}]}],
        "notification_config": [{"pubsub": [{"enabled": True, "topic": topic.ref("id")}]}],
        "cost_management_config": [{"enabled": True}],
    }


def _first_pool(construct: constructs.Cluster, place: Place, key: JsonValue) -> dict[str, JsonValue]:
    """A cluster is made with a pool that is removed at once; it too must be encrypted, or the policies refuse it."""
    return {
        "remove_default_node_pool": True,
        "initial_node_count": 1,
        "node_config": [node_config(construct, place, "system", key, SYSTEM_MACHINE)],
        "lifecycle": [{"ignore_changes": ["node_config", "initial_node_count"]}],
    }


def _images(construct: constructs.Cluster, place: Place, key: JsonValue) -> Resource:
    """Where images and charts are copied to: nodes have no way to any registry outside."""
    return Resource(
        type="google_artifact_registry_repository",
        name="images",
        arguments={
            "project": place.project,
            "location": place.location,
            "repository_id": place.registry,
            "description": f"images and charts of {place.region.name}",
            "format": "DOCKER",
            "mode": "STANDARD_REPOSITORY",
            "kms_key_name": key,
            "docker_config": [{"immutable_tags": True}],
            "labels": labels(construct),
            **after_grant(key, "artifactregistry"),
        },
    )


def _topic(construct: constructs.Cluster, place: Place, key: JsonValue) -> Resource:
    """What GKE tells of upgrades and vulnerabilities, kept in the location."""
    return Resource(
        type="google_pubsub_topic",
        name="cluster",
        arguments={
            "project": place.project,
            "name": place.named("cluster"),
            "kms_key_name": key,
            "message_storage_policy": [{"allowed_persistence_regions": [place.location], "enforce_in_transit": True}],
            "labels": labels(construct),
            **after_grant(key, "pubsub"),
        },
    )


def _disks(construct: constructs.Cluster, key: JsonValue, system: Resource) -> Resource:
    """Disks that pods ask for are encrypted with the region's key; Google's own classes would be refused by policy."""
    return Resource(
        type="kubernetes_storage_class_v1",
        name="region_key",
        arguments={
            "metadata": [
                {
                    "name": "region-key",
                    "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
                    "labels": dict(construct.labels),
                }
            ],
            "storage_provisioner": "pd.csi.storage.gke.io",
            "parameters": {"type": "pd-balanced", "disk-encryption-kms-key": key},
            "reclaim_policy": "Delete",
            "volume_binding_mode": "WaitForFirstConsumer",
            "allow_volume_expansion": True,
            "depends_on": [system.address],
        },
    )
