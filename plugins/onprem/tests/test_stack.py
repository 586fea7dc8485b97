"""On-prem in Terraform: what is made of a cluster and a Vault that are there already, and what is honestly not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from fixtures.sites import of_type, stack
from sov_onprem.settings import OnPremSettings
from sov_onprem.stack import OnPremForms

from sovplatform import constructs
from sovplatform.errors import ConfigError, Unsupported
from sovplatform.infrastructure import schema
from sovplatform.interfaces.stackforms import Form
from sovplatform.records import KeyPurpose, RegionSpec, Role

LABELS = {"sov-pilot": "demo", "sov-region": "de", "sov-jurisdiction": "de", "managed-by": "sovplatform"}
KEYS = {"data": KeyPurpose.wrap, "models": KeyPurpose.sign, "ledger": KeyPurpose.seal}
WIRES = {"network.id": "${var.network_id}"}
FULL = {
    "training_nodes": ["gpu-1", "gpu-2.de.example"],
    "serving_nodes": ["cpu-1"],
    "gpu": "l4",
    "gpus": 2,
    "mirror": "oci://registry.de.example/sov",
    "storage_class": "encrypted",
    "artifact_store": "s3://artifacts.de.example/demo",
    "vault": "https://vault.de.example:8200",
    "vault_audit_file": "/var/log/vault.log",
}
CHARTS = tuple(
    constructs.Chart(name=name, namespace=name, repository="https://charts.example", chart=name, version="1.0.0")
    for name in ("openbao", "mlflow")
)
EXTRA: Mapping[type[constructs.Construct], Mapping[str, Any]] = {
    constructs.Guardrails: {},
    constructs.LandingZone: {"cidr": "10.0.0.0/16"},
    constructs.RegionKeys: {"keys": KEYS},
    constructs.AuditSink: {},
    constructs.RawDataStore: {},
    constructs.Cluster: {},
    constructs.ArtifactStore: {},
    constructs.TrainingPool: {"gpu": "L4", "nodes": 2},
    constructs.ServingPool: {},
    constructs.PlatformServices: {"charts": CHARTS},
}
ALL = pytest.mark.parametrize("kind", list(EXTRA), ids=lambda kind: kind.title)


def forms(**settings: Any) -> OnPremForms:
    return OnPremForms(
        RegionSpec(name="de", jurisdiction="DE", role=Role.sovereign, provider="onprem", settings=settings), "demo"
    )


def form(kind: type[constructs.Construct], made: OnPremForms | None = None, **changed: Any) -> Form:
    provider = made or forms(**FULL)
    arguments = {**EXTRA.get(kind, {}), **changed}
    return provider.form(kind(pilot="demo", region=provider.region, labels=LABELS, **arguments), WIRES)


@ALL
def test_every_form_keeps_to_the_schemas_and_to_what_its_construct_promises(kind: type[constructs.Construct]) -> None:
    found = form(kind)
    assert schema.check(stack(found.resources)) == []
    assert set(found.outputs) == set(kind.offers)


@ALL
def test_whatever_can_have_labels_has_them(kind: type[constructs.Construct]) -> None:
    for resource in form(kind).resources:
        given = dict(resource.arguments)
        if resource.type in ("helm_release", "kubernetes_node_taint") or resource.type.startswith("vault_"):
            continue
        metadata = given.get("manifest", given).get("metadata")  # type: ignore[union-attr]
        labels = given.get("labels") or (metadata[0] if isinstance(metadata, list) else metadata)["labels"]  # type: ignore[index, call-overload]
        assert labels["sov-jurisdiction"] == "de", resource.name  # type: ignore[index, call-overload]


def test_pods_without_the_regions_label_are_refused_before_any_chart_is_there() -> None:
    policies = of_type(form(constructs.Guardrails).resources, "kubernetes_validating_admission_policy_v1")
    labelled = policies["labelled"]["spec"]
    assert labelled["failure_policy"] == "Fail"
    assert labelled["match_constraints"]["resource_rules"][0]["resources"] == ["pods", "persistentvolumeclaims"]
    assert "object.metadata.labels['sov-jurisdiction'] == 'de'" in labelled["validations"][0]["expression"]
    bindings = of_type(form(constructs.Guardrails).resources, "kubernetes_manifest")
    assert bindings.keys() == policies.keys()
    for name, binding in bindings.items():
        assert binding["manifest"]["spec"]["validationActions"] == ["Deny", "Audit"]
        assert binding["manifest"]["spec"]["policyName"] == policies[name]["metadata"]["name"]


def test_images_are_held_to_the_mirror_where_there_is_one() -> None:
    mirrored = of_type(form(constructs.Guardrails).resources, "kubernetes_validating_admission_policy_v1")["mirrored"]
    assert "startsWith('registry.de.example/sov/')" in mirrored["spec"]["validations"][0]["expression"]
    assert "mirrored" not in of_type(form(constructs.Guardrails, forms()).resources, "kubernetes_validating_admission_policy_v1")


def test_work_has_a_namespace_of_its_own_with_a_quota_and_no_way_in_from_outside() -> None:
    found = form(constructs.LandingZone)
    (quota,) = of_type(found.resources, "kubernetes_resource_quota_v1")["pilot"]["spec"]
    assert quota["hard"]["requests.nvidia.com/gpu"] == "2"
    assert (quota["hard"]["services.loadbalancers"], quota["hard"]["services.nodeports"]) == ("0", "0")
    assert {"sov_demo_default_deny", "sov_demo_platform"} == of_type(found.resources, "kubernetes_network_policy_v1").keys()
    (metadata,) = of_type(found.resources, "kubernetes_namespace_v1")["sov_demo"]["metadata"]
    assert metadata["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_keys_stay_where_they_are_and_are_rotated() -> None:
    keys = of_type(form(constructs.RegionKeys).resources, "vault_transit_secret_backend_key")
    assert {name: key["type"] for name, key in keys.items()} == {
        "data": "aes256-gcm96",
        "models": "ecdsa-p256",
        "ledger": "ed25519",
    }
    for key in keys.values():
        assert (key["exportable"], key["allow_plaintext_backup"], key["deletion_allowed"]) == (False, False, False)
        assert key["auto_rotate_period"] > 0


def test_only_the_border_signs_decisions_and_no_job_uses_a_key_that_is_not_its_own() -> None:
    rights = {name: policy["policy"] for name, policy in of_type(form(constructs.RegionKeys).resources, "vault_policy").items()}
    assert [name for name, policy in rights.items() if "transit/sign/decisions" in policy] == ["border"]
    assert [name for name, policy in rights.items() if "transit/sign/models" in policy] == ["job_release"]
    assert not any("*" in policy.replace("/*", "") for policy in rights.values())


def test_no_secret_is_in_the_providers_configuration() -> None:
    providers = {one.name: dict(one.configuration) for one in forms(**FULL).providers(["helm", "kubernetes", "vault"], WIRES)}
    assert providers["vault"] == {"address": "https://vault.de.example:8200", "skip_child_token": True}
    assert providers["kubernetes"] == {"config_path": "~/.kube/config", "config_context": "de"}
    assert schema.check({"provider": {name: [body] for name, body in providers.items()}}) == []


def test_a_pilot_without_settings_is_planned_against_a_vault_that_never_answers() -> None:
    (vault,) = forms().providers(["vault"], WIRES)
    assert str(vault.configuration["address"]).endswith(".invalid:8200")


def test_the_state_rests_in_the_regions_own_cluster() -> None:
    backend = forms(context="frankfurt").backend("de-week1")
    assert backend.type == "kubernetes"
    assert backend.configuration["config_context"] == "frankfurt"
    assert backend.configuration["secret_suffix"] == "de-week1"
    assert forms(context="frankfurt").locations() == ("frankfurt",)


def test_named_machines_are_marked_and_kept_for_their_work() -> None:
    found = form(constructs.TrainingPool)
    assert of_type(found.resources, "kubernetes_labels")["training_gpu_2_de_example"]["labels"]["sov-gpu"] == "l4"
    taints = of_type(found.resources, "kubernetes_node_taint")
    assert [taint["taint"] for taint in taints.values()] == [
        [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}] for _ in range(2)
    ]
    assert of_type(found.resources, "kubernetes_runtime_class_v1")["training"]["handler"] == "nvidia"


def test_raw_data_outlive_a_destroy() -> None:
    claim = of_type(form(constructs.RawDataStore).resources, "kubernetes_persistent_volume_claim_v1")["raw_data"]
    assert claim["lifecycle"] == {"prevent_destroy": True}
    assert claim["spec"][0]["storage_class_name"] == "encrypted"


def test_openbao_is_not_installed_where_a_server_is_named() -> None:
    assert of_type(form(constructs.PlatformServices).resources, "helm_release").keys() == {"mlflow"}
    assert of_type(form(constructs.PlatformServices, forms()).resources, "helm_release").keys() == {"openbao", "mlflow"}


LEFT_OUT = {
    constructs.Budget: ({"amount": 1.0}, "no bill"),
    constructs.AuditSink: ({}, "vault_audit_file"),
    constructs.ArtifactStore: ({}, "set artifact_store"),
    constructs.TrainingPool: ({"gpu": "L4", "nodes": 2}, "set training_nodes"),
}


@pytest.mark.parametrize("kind", list(LEFT_OUT), ids=lambda kind: kind.title)
def test_what_cannot_be_made_is_said_with_the_setting_that_would_help(kind: type[constructs.Construct]) -> None:
    changed, reason = LEFT_OUT[kind]
    with pytest.raises(Unsupported) as caught:
        form(kind, forms(), **changed)
    assert reason in caught.value.reason


def test_a_gpu_that_the_machines_do_not_have_is_named() -> None:
    with pytest.raises(ConfigError, match=r"region de: it has no GPU .H100.: its settings say l4") as caught:
        form(constructs.TrainingPool, gpu="H100")
    assert "infrastructure.training.gpu" in str(caught.value.remedy)


@pytest.mark.parametrize("settings", [{"kubeconfg": "x"}, {"mirror": "registry"}, {"mirror": "oci://r'x"}, {"memory": "much"}])
def test_a_wrong_setting_is_named(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=rf"region de: wrong settings for onprem: {next(iter(settings))}") as caught:
        forms(**settings)
    assert caught.value.remedy
    assert [problem.loc for problem in caught.value.problems] == [tuple(settings)]


def test_an_unknown_setting_is_told_those_that_there_are() -> None:
    with pytest.raises(ConfigError) as caught:
        forms(kubeconfg="x")
    assert "did you mean 'kubeconfig'?" in caught.value.remedy
    assert "vault_ca" in caught.value.remedy
    assert "training_nodes" in caught.value.remedy


def test_a_region_may_have_settings_for_its_services_and_its_cluster() -> None:
    region = forms(**FULL).region
    assert OnPremSettings.of(region).vault == FULL["vault"]
    assert forms(**FULL).settings.gpus == 2
