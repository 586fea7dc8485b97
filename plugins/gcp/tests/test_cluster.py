"""Clusters and their nodes on Google Cloud."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fixtures.sites import KEYS, of_type

from plugins.gcp.tests.conftest import FULL, MakeSite
from sovplatform import constructs
from sovplatform.errors import ConfigError


def test_the_cluster_is_private_and_its_secrets_are_encrypted(site: MakeSite) -> None:
    made = site(**FULL).form(constructs.Cluster, version="1.33").resources
    cluster = of_type(made, "google_container_cluster")["main"]
    assert cluster["private_cluster_config"][0]["enable_private_endpoint"] is True
    assert cluster["private_cluster_config"][0]["enable_private_nodes"] is True
    assert cluster["control_plane_endpoints_config"] == [{"dns_endpoint_config": [{"allow_external_traffic": False}]}]
    assert cluster["master_authorized_networks_config"][0]["gcp_public_cidrs_access_enabled"] is False
    assert cluster["database_encryption"] == [{"state": "ENCRYPTED", "key_name": "${var.keys_data}"}]
    assert cluster["workload_identity_config"] == [{"workload_pool": "acme-eu-12345.svc.id.goog"}]
    assert cluster["datapath_provider"] == "ADVANCED_DATAPATH"
    assert cluster["subnetwork"] == "${var.network_subnets[0]}"
    assert cluster["deletion_protection"] is True
    assert cluster["min_master_version"] == "1.33"


def test_what_is_protected_can_be_given_up(site: MakeSite) -> None:
    region = site(protect=False)
    cluster = of_type(region.form(constructs.Cluster).resources, "google_container_cluster")["main"]
    assert cluster["deletion_protection"] is False
    keys = region.form(constructs.RegionKeys, keys=KEYS).resources
    assert {json.dumps(it["lifecycle"]) for it in of_type(keys, "google_kms_crypto_key").values()} == {
        '[{"prevent_destroy": false}]'
    }


@pytest.mark.parametrize("pool", ["system", "training", "serving"])
def test_every_node_is_private_shielded_and_has_an_account_of_its_own(site: MakeSite, pool: str) -> None:
    made = site().everything
    node_pool = of_type(made, "google_container_node_pool")[pool]
    node = node_pool["node_config"][0]
    assert node_pool["network_config"] == [{"enable_private_nodes": True}]
    assert node["workload_metadata_config"] == [{"mode": "GKE_METADATA"}]
    assert node["shielded_instance_config"] == [{"enable_secure_boot": True, "enable_integrity_monitoring": True}]
    assert node["service_account"] == f"${{google_service_account.{pool}.email}}"
    roles = {it["role"] for name, it in of_type(made, "google_project_iam_member").items() if name.startswith(pool)}
    assert roles == {"roles/container.defaultNodeServiceAccount"}


def test_the_global_fabric_trains_on_spot_machines_from_zero_with_taints(site: MakeSite) -> None:
    region = site(jurisdiction="US", role="global")
    made = region.form(constructs.TrainingPool, gpu="H100", nodes=8, spot=True).resources
    pool = of_type(made, "google_container_node_pool")["training"]
    node = pool["node_config"][0]
    assert node["spot"] is True
    assert {taint["key"]: taint["effect"] for taint in node["taint"]} == {
        "nvidia.com/gpu": "NO_SCHEDULE",
        "sov/spot": "NO_SCHEDULE",
    }
    assert (pool["autoscaling"][0]["total_min_node_count"], pool["autoscaling"][0]["total_max_node_count"]) == (0, 8)
    assert node["machine_type"] == "a3-highgpu-1g"
    assert "reservation_affinity" not in node
    assert of_type(made, "google_compute_reservation") == {}


def test_a_sovereign_region_trains_on_machines_that_are_reserved_for_it(site: MakeSite) -> None:
    made = site().form(constructs.TrainingPool, gpu="L4", nodes=4).resources
    pool = of_type(made, "google_container_node_pool")["training"]
    node, reservation = pool["node_config"][0], of_type(made, "google_compute_reservation")["training"]
    assert "spot" not in node
    assert node["reservation_affinity"][0]["values"] == ["${google_compute_reservation.training.name}"]
    assert reservation["specific_reservation_required"] is True
    assert reservation["specific_reservation"][0]["count"] == 4
    assert [reservation["zone"]] == pool["node_locations"]
    assert reservation["specific_reservation"][0]["instance_properties"][0]["machine_type"] == node["machine_type"]


def test_no_nodes_make_no_pool(site: MakeSite) -> None:
    assert site().form(constructs.TrainingPool, gpu="L4", nodes=0).resources == ()


@pytest.mark.parametrize(
    ("region", "gpu", "said"),
    [
        ({}, "H900", "region de: Google Cloud has no GPU 'H900' that is known here — did you mean 'H100'? use one of H100, L4"),
        ({}, "A100", "region de: location europe-west3 has no GPU A100 — use one of H100, L4"),
        (
            {"location": "europe-west10"},
            "L4",
            "location europe-west10 has no GPU L4 — serve and train on CPUs there",
        ),
    ],
)
def test_a_gpu_that_is_not_there_is_answered_with_what_is(site: MakeSite, region: dict[str, Any], gpu: str, said: str) -> None:
    for kind, more in ((constructs.TrainingPool, {"nodes": 1}), (constructs.ServingPool, {})):
        with pytest.raises(ConfigError) as caught:
            site(**region).form(kind, gpu=gpu, **more)
        assert said in str(caught.value)


def test_serving_without_gpus_is_on_cpus_in_all_zones(site: MakeSite) -> None:
    pool = of_type(site().form(constructs.ServingPool).resources, "google_container_node_pool")["serving"]
    assert "guest_accelerator" not in pool["node_config"][0]
    assert pool["node_locations"] == ["europe-west3-a", "europe-west3-b", "europe-west3-c"]
