"""The rules for infrastructure: what is compliant is allowed, and each single thing that is not is denied by its own rule."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sovplatform.infrastructure.judgement import PACKAGE, judge_document
from sovplatform.infrastructure.named import notes
from sovplatform.policy.engine import PolicyEngine
from tests.fixtures.breaking import (
    IDS,
    Break,
    allows,
    at,
    bounded_by,
    forget,
    lets_in,
    made,
    marked,
    more,
    provider,
    refers,
    state,
    top,
    vault_rights,
)
from tests.fixtures.judged import ACCOUNT, Document, aws, cluster, google, labels, statement, thing

TOKEN = ["eks", "get-token", "--cluster-name", "one", "--region"]
LOCKED_ELSEWHERE = {
    "type": "http",
    "configuration": {"address": ["https://state.example/de"], "lock_address": ["https://state.example.evil/de"]},
}

G, A, K = google, aws, cluster
BUCKET, POOL, GKE = (
    ("google_storage_bucket", "audit"),
    ("google_container_node_pool", "training"),
    ("google_container_cluster", "main"),
)
KEY, EKS, TEMPLATE = ("google_kms_crypto_key", "data"), ("aws_eks_cluster", "main"), ("aws_launch_template", "t")
CHART, WRITER = ("helm_release", "argo"), ("google_storage_bucket_iam_member", "writer")
ANYONE = {"policy": [statement(principals=["AWS:*"], actions=["s3:GetObject"], resources=["a"])]}
HALF = {"tag_specifications": [{"tags": labels()}, {"resource_type": "volume"}]}
EITHER = [f"StringEquals aws:PrincipalAccount {account}" for account in (ACCOUNT, "222222222222")]
OR_THEIRS = {"policy": [statement(principals=["AWS:*"], actions=["s3:GetObject"], resources=["a"], conditions=EITHER)]}
ESCALATING = {"policy": [statement(actions=["iam:PassRole"], resources=["*"])]}
EVERYTHING = {"policy": [statement(actions=["*"], resources=["*"])]}

CASES: list[tuple[str, Callable[[], Document], Break]] = [
    ("plan.incomplete", G, top(errored=True)),
    ("plan.incomplete", G, top(complete=False)),
    ("plan.incomplete", G, lambda given: given.pop("errored")),
    ("plan.forbidden", G, top(forbidden=["module x"])),
    ("plan.forbidden", G, more(*BUCKET, ignores=["all"])),
    ("plan.forbidden", G, more(*BUCKET, ignores=["encryption"])),
    ("plan.forbidden", K, at(*CHART, "postrender", "sh")),
    ("type.unknown", G, made("google_sql_database_instance")),
    ("type.unknown", G, top(data={"external": {"x": thing({})}})),
    ("type.unknown", K, made("kubernetes_manifest", {"manifest": {"kind": "Secret", "metadata": {"labels": {}}}})),
    ("place.resource", G, at(*BUCKET, "location", "EU")),
    ("place.resource", G, at(*BUCKET, "location")),
    ("place.resource", A, at("aws_subnet", "a", "region", "us-east-1")),
    ("place.jurisdiction", G, lambda given: given["locations"].append("us-central1")),
    ("place.jurisdiction", G, lambda given: given["locations"].append("global")),
    ("place.provider", G, lambda given: given["providers"]["google"]["values"].update(region=["us-central1"])),
    ("place.provider", A, lambda given: given["providers"]["aws"]["values"].update({"endpoints.s3": ["https://s3.example"]})),
    ("place.provider", K, lambda given: given["providers"]["kubernetes"]["values"].update(config_context=["us"])),
    ("place.provider", K, lambda given: given["providers"].update(azurerm={"values": {}})),
    ("place.provider", A, lambda given: given["providers"].pop("aws")),
    ("place.provider", G, lambda given: given["providers"].pop("google")),
    ("place.provider", K, lambda given: given["providers"].pop("helm")),
    ("place.provider", K, lambda given: given["providers"].pop("kubernetes")),
    ("place.provider", K, lambda given: given["providers"].pop("vault")),
    ("place.provider", A, provider("aws", **{"assume_role.role_arn": ["arn:aws-eusc:iam::222222222222:role/x"]})),
    ("place.provider", A, provider("aws", allowed_account_ids=["222222222222"])),
    ("place.provider", A, provider("aws", http_proxy=["http://proxy.example"])),
    ("place.provider", G, provider("google", project=["theirs"])),
    ("place.provider", G, provider("google", universe_domain=["elsewhere.example"])),
    ("place.provider", G, provider("google", impersonate_service_account=["x@theirs.iam.gserviceaccount.com"])),
    ("place.provider", K, provider("kubernetes", config_context=[], host=["https://evil.example/${var.x}"])),
    ("place.provider", K, provider("kubernetes", proxy_url=["https://proxy.example"])),
    ("plan.forbidden", K, provider("kubernetes", **{"exec.command": ["sh"]})),
    ("plan.forbidden", K, provider("kubernetes", **{"exec.command": ["aws"], "exec.args": ["s3", "cp", "x", "s3://theirs"]})),
    ("plan.forbidden", K, provider("kubernetes", **{"exec.command": ["aws"], "exec.args": [*TOKEN, "us-east-1"]})),
    (
        "plan.forbidden",
        K,
        provider("helm", **{"kubernetes.exec.command": ["aws"], "kubernetes.exec.args": [*TOKEN, "de", "--role-arn", "x"]}),
    ),
    ("plan.forbidden", K, provider("kubernetes", **{"exec.command": ["gke-gcloud-auth-plugin"], "exec.args": ["--x"]})),
    ("state.outside", K, state(insecure=["true"])),
    ("state.outside", K, top(backend=LOCKED_ELSEWHERE)),
    ("state.outside", A, state(**{"endpoints.s3": ["https://s3.example"]})),
    ("state.outside", A, state(endpoint=["https://s3.example"])),
    ("state.outside", A, state(**{"assume_role.role_arn": ["arn:aws-eusc:iam::222222222222:role/x"]})),
    ("state.outside", A, state(kms_key_id=["arn:aws-eusc:kms:eusc-de-east-1:222222222222:alias/x"])),
    ("state.outside", G, state(storage_custom_endpoint=["https://storage.example"])),
    ("state.outside", G, state(kms_encryption_key=["projects/theirs/locations/europe-west3/keyRings/x/cryptoKeys/y"])),
    ("state.outside", K, state(host=["https://evil.example"])),
    ("state.outside", G, lambda given: given["backend"].update(mentions=["us-central1"])),
    ("state.outside", G, lambda given: given["backend"]["configuration"].pop("kms_encryption_key")),
    ("state.outside", A, lambda given: given["backend"]["configuration"].update(encrypt=[False])),
    ("state.outside", A, lambda given: given["backend"]["configuration"].update(region=["us-east-1"])),
    ("state.outside", A, lambda given: given["backend"]["configuration"].update({"endpoints.s3": ["https://s3.example"]})),
    ("state.outside", K, top(backend={"type": "local", "configuration": {}})),
    ("state.outside", K, top(backend={"type": "http", "configuration": {"address": ["http://state.example"]}})),
    ("label.missing", G, more(*BUCKET, marks={})),
    ("label.missing", G, more(*BUCKET, marks=marked({"labels": labels("us")}))),
    ("label.missing", G, more("google_compute_network", "main", marks=marked({"description": "nothing"}))),
    (
        "label.missing",
        A,
        more(*TEMPLATE, marks=marked(HALF)),
    ),
    ("key.own", G, refers(*BUCKET, "encryption.default_kms_key_name")),
    ("key.own", G, refers(*BUCKET, "encryption.default_kms_key_name", "var.other")),
    ("key.own", G, refers(*BUCKET, "encryption.default_kms_key_name", "data.google_kms_crypto_key.theirs.id")),
    ("key.own", A, refers(*TEMPLATE, "block_device_mappings.ebs.kms_key_id", "aws_kms_key.data.arn")),
    ("key.own", A, refers(*EKS, "encryption_config.provider.key_arn", "aws_kms_key.data.description")),
    ("key.own", A, refers(*EKS, "encryption_config.provider.key_arn", "aws_kms_key.data.tags.theirs.arn")),
    ("key.own", G, refers(*BUCKET, "encryption.default_kms_key_name", "google_kms_crypto_key.data.labels.id")),
    ("key.own", A, forget("aws_s3_bucket_server_side_encryption_configuration")),
    ("key.multi_region", A, at("aws_kms_key", "data", "multi_region", True)),
    ("key.multi_region", A, made("aws_kms_replica_key")),
    ("key.exportable", K, at("vault_transit_secret_backend_key", "data", "exportable", True)),
    ("key.imported", G, at(*KEY, "import_only", True)),
    ("key.imported", A, made("aws_kms_external_key")),
    ("key.protection", G, at(*KEY, "version_template.protection_level", "SOFTWARE")),
    ("provider.source", A, top(sources=["elsewhere/aws"])),
    ("key.rotation", G, at(*KEY, "rotation_period")),
    ("key.rotation", G, at(*KEY, "rotation_period", "999999999s")),
    ("key.rotation", A, at("aws_kms_key", "data", "enable_key_rotation", False)),
    ("key.rotation", K, at("vault_transit_secret_backend_key", "data", "auto_rotate_period")),
    ("key.deletion", G, at(*KEY, "destroy_scheduled_duration", "86400s")),
    ("key.deletion", A, at("aws_kms_key", "data", "deletion_window_in_days", 7)),
    ("public.gateway", A, made("aws_internet_gateway")),
    ("public.gateway", G, made("google_compute_router_nat")),
    ("public.address", A, made("aws_eip")),
    ("public.route", G, at("google_compute_route", "restricted", "dest_range", "0.0.0.0/0")),
    ("public.route", A, refers("aws_route_table", "private", "route.gateway_id", "aws_internet_gateway.x.id")),
    ("public.network", G, at("google_compute_network", "main", "auto_create_subnetworks", True)),
    ("public.subnet", A, at("aws_subnet", "a", "map_public_ip_on_launch", True)),
    ("public.ingress", G, more("google_compute_firewall", "in", outside={"source_ranges": ["0.0.0.0/0"]})),
    ("public.ingress", G, at("google_compute_firewall", "in", "source_ranges")),
    ("public.ingress", A, more("aws_security_group", "main", outside={"ingress.cidr_blocks": ["0.0.0.0/0"]})),
    ("public.egress", G, at("google_compute_firewall", "out", "destination_ranges")),
    ("public.egress", A, more("aws_vpc_security_group_egress_rule", "main", outside={"cidr_ipv4": ["0.0.0.0/0"]})),
    ("public.egress", K, more("kubernetes_network_policy_v1", "x", outside={"spec.egress.to.ip_block.cidr": ["0.0.0.0/0"]})),
    ("public.dns", G, at("google_dns_managed_zone", "main", "visibility", "public")),
    ("public.registry", G, at("google_artifact_registry_repository", "images", "mode", "REMOTE_REPOSITORY")),
    ("public.store", G, at(*BUCKET, "public_access_prevention", "inherited")),
    ("public.store", A, forget("aws_s3_bucket_public_access_block")),
    ("public.store", A, made("aws_s3_bucket_acl")),
    ("public.policy", A, more("aws_iam_role", "nodes", documents=ANYONE)),
    ("public.policy", A, more("aws_iam_role", "nodes", documents=OR_THEIRS)),
    ("public.cluster", G, at(*GKE, "private_cluster_config.enable_private_endpoint", False)),
    ("public.cluster", A, at(*EKS, "vpc_config.endpoint_public_access", True)),
    ("public.node", G, at(*POOL, "network_config.enable_private_nodes", False)),
    ("public.node", A, more("aws_eks_node_group", "training", blocks={"remote_access": 1})),
    ("public.balancer", K, at("kubernetes_service_v1", "x", "spec.type", "LoadBalancer")),
    ("public.balancer", K, at(*CHART, "values.service.type", "LoadBalancer")),
    ("public.anyone", G, at(*WRITER, "member", "allUsers")),
    ("public.anyone", K, at("kubernetes_cluster_role_binding_v1", "x", "subject.name", "system:anonymous")),
    ("store.unversioned", G, at(*BUCKET, "versioning.enabled", False)),
    ("store.unversioned", A, forget("aws_s3_bucket_versioning")),
    ("store.unlocked", G, at(*BUCKET, "retention_policy.is_locked")),
    ("store.unlocked", A, forget("aws_s3_bucket_object_lock_configuration")),
    ("tls.absent", A, forget("aws_s3_bucket_policy")),
    ("tls.absent", K, lambda given: given["providers"]["kubernetes"]["values"].update(insecure=[True])),
    ("tls.absent", K, lambda given: given["providers"]["vault"]["values"].update(address=["http://vault.example"])),
    ("replication.store", A, made("aws_s3_bucket_replication_configuration")),
    ("replication.store", G, at(*BUCKET, "rpo", "ASYNC_TURBO")),
    ("replication.logs", G, more("google_logging_project_sink", "audit", mixed={})),
    (
        "replication.perimeter",
        G,
        more("google_access_context_manager_service_perimeter", "main", mixed={"status.egress_policies": ["x.y"]}),
    ),
    ("spot.sovereign", G, at(*POOL, "node_config.preemptible", True)),
    ("spot.sovereign", A, at("aws_eks_node_group", "training", "capacity_type", "SPOT")),
    (
        "reference.foreign",
        G,
        lambda given: given["variables"].update(x={"stack": "us-week2", "region": "us", "output": "raw_store"}),
    ),
    ("reference.foreign", G, more(*BUCKET, mentions=["us-central1"])),
    ("reference.foreign", G, more(*BUCKET, strangers=["bank-us"])),
    ("reference.foreign", G, more(*BUCKET, projects=["theirs"])),
    (
        "reference.foreign",
        A,
        more("aws_iam_role", "nodes", arns=[{"partition": "aws-eusc", "service": "iam", "account": "222222222222"}]),
    ),
    ("reference.partition", A, more("aws_iam_role", "nodes", arns=[{"partition": "aws", "service": "iam", "account": ""}])),
    ("iam.wildcard", A, more("aws_iam_role_policy", "own", documents=EVERYTHING)),
    ("iam.wildcard", K, at("kubernetes_cluster_role_v1", "x", "rule.verbs", "*")),
    ("iam.owner", G, at(*WRITER, "role", "roles/owner")),
    ("iam.owner", A, at("aws_iam_role_policy_attachment", "pull", "policy_arn", "arn:aws:iam::aws:policy/AdministratorAccess")),
    ("iam.owner", A, more("aws_iam_role_policy", "own", documents=ESCALATING)),
    ("iam.owner", K, at("kubernetes_cluster_role_binding_v1", "x", "role_ref.name", "cluster-admin")),
    ("iam.stranger", G, refers(*WRITER, "member")),
    ("iam.unbounded", A, lambda given: given["resources"]["aws_iam_role"]["nodes"]["refs"].clear()),
    ("iam.unbounded", A, refers("aws_iam_role", "nodes", "permissions_boundary", "aws_iam_policy.theirs.arn")),
    ("iam.unbounded", A, refers("aws_iam_role", "nodes", "permissions_boundary", "aws_iam_policy.guardrails.arn")),
    ("iam.unbounded", A, refers("aws_iam_role", "nodes", "permissions_boundary", "var.keys_data")),
    ("iam.unbounded", A, bounded_by("arn:aws-eusc:iam::aws:policy/ReadOnlyAccess")),
    ("iam.unbounded", A, lambda given: given["variables"].pop("guardrails_boundary")),
    ("reference.foreign", G, at(*BUCKET, "project", "theirs")),
    ("reference.foreign", G, at(*GKE, "fleet.project", "theirs")),
    ("reference.foreign", G, top(data={"google_project": {"x": thing({"project_id": "theirs"})}})),
    ("reference.foreign", A, made("aws_s3_bucket_policy", {"bucket": "theirs"})),
    (
        "reference.foreign",
        A,
        made("aws_vpc_endpoint", {"tags": labels(), "service_name": "com.amazonaws.vpce.eusc-de-east-1.vpce-svc-0"}),
    ),
    ("replication.store", A, more("aws_s3_bucket", "audit", blocks={"replication_configuration": 1})),
    ("public.route", A, at("aws_route_table", "private", "route.core_network_arn", "arn")),
    ("iam.wildcard", A, more("aws_iam_role_policy", "own", documents=allows(["s3:*"], "arn:aws-eusc:s3:::*"))),
    ("iam.stranger", A, more("aws_iam_role", "nodes", documents=lets_in("AWS:222222222222"))),
    ("iam.stranger", A, more("aws_iam_role", "nodes", documents=lets_in("CanonicalUser:79a59df9"))),
    ("iam.stranger", A, more("aws_iam_role", "nodes", documents=lets_in("Federated:accounts.google.com"))),
    ("iam.stranger", A, more("aws_kms_key", "data", documents={"policy": [statement(**{"not": ["NotPrincipal"]})]})),
    (
        "public.policy",
        A,
        more(
            "aws_kms_key",
            "data",
            documents=lets_in("AWS:*", *(f"StringEquals kms:CallerAccount {one}" for one in (ACCOUNT, "222222222222"))),
        ),
    ),
    ("iam.wildcard", K, made("vault_policy")),
    ("iam.wildcard", K, vault_rights("*")),
    ("iam.wildcard", K, vault_rights("+/*")),
    ("public.egress", K, more("kubernetes_network_policy_v1", "x", blocks={"spec.egress": 2, "spec.egress.to": 1})),
    ("public.ingress", K, more("kubernetes_network_policy_v1", "x", blocks={"spec.ingress": 1})),
    (
        "type.unknown",
        K,
        made("kubernetes_manifest", {"manifest": {"kind": "NetworkPolicy", "metadata": {"labels": labels()}}}),
    ),
    ("public.balancer", K, at(*CHART, "values.ingress.enabled", False, True)),
    ("chart.source", K, at(*CHART, "chart", "https://evil.example/argo-cd.tgz")),
    ("chart.source", K, at(*CHART, "chart", "./argo-cd")),
    ("cluster.secrets", G, at(*GKE, "database_encryption.state", "DECRYPTED")),
    ("cluster.secrets", A, at(*EKS, "encryption_config.resources")),
    ("cluster.identity", G, at(*GKE, "workload_identity_config.workload_pool")),
    ("cluster.identity", A, at(*EKS, "access_config.authentication_mode", "CONFIG_MAP")),
    ("cluster.unaudited", A, at(*EKS, "enabled_cluster_log_types", "api")),
    ("node.metadata", G, at(*POOL, "node_config.workload_metadata_config.mode", "GCE_METADATA")),
    ("node.metadata", A, at(*TEMPLATE, "metadata_options.http_tokens", "optional")),
    ("node.unshielded", G, at(*POOL, "node_config.shielded_instance_config.enable_secure_boot", False)),
    ("namespace.unguarded", K, at("kubernetes_namespace_v1", "argo", "metadata.labels.pod-security.kubernetes.io/enforce")),
    ("guardrail.weak", G, at("google_org_policy_policy", "shielded", "spec.rules.enforce", "FALSE")),
    ("guardrail.weak", A, at("aws_ebs_encryption_by_default", "account", "enabled", False)),
    ("chart.source", K, at(*CHART, "repository", "http://charts.example")),
    ("chart.unpinned", K, at(*CHART, "version", "9.x")),
    ("chart.unpinned", K, at(*CHART, "version")),
    ("secret.clear", K, more(*CHART, secrets=["values.adminPassword"])),
    ("secret.clear", K, more("kubernetes_secret_v1", "x", blocks={"data": 1})),
    ("value.unreadable", G, more(*BUCKET, opaque=["location"])),
    ("value.unreadable", K, more(*CHART, blocks={"set": 1})),
    ("delete.protected", G, top(deletes=[{"type": "google_storage_bucket", "name": "raw", "replaced": True}])),
    ("delete.protected", G, top(deletes=[{"type": "google_unknown", "name": "raw", "replaced": False}])),
    ("budget.over", G, top(cost={"month_high": 100, "limit": 99.5})),
    ("budget.over", G, top(cost={"month_high": 1, "limit": 99.5, "unknown": 1})),
]


@pytest.mark.parametrize("make", [google, aws, cluster])
def test_what_is_compliant_is_allowed(engine: PolicyEngine, make: Callable[[], Document]) -> None:
    judgement = judge_document(make(), "de-week2", "sha256:0", engine)
    assert judgement.denials == ()
    assert judgement.allow


@pytest.mark.parametrize(("rule", "make", "spoil"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)])
def test_one_thing_that_is_wrong_is_denied_by_its_rule_alone(
    engine: PolicyEngine, rule: str, make: Callable[[], Document], spoil: Break
) -> None:
    given = make()
    spoil(given)
    given["notes"] = notes(given["resources"])
    judgement = judge_document(given, "de-week2", "sha256:0", engine)
    assert not judgement.allow
    allowed_too = {"label.missing"} if rule == "type.unknown" else set()
    assert {denial.rule for denial in judgement.denials} - allowed_too == {rule}


def test_a_spot_pool_of_the_fabric_has_a_taint(engine: PolicyEngine) -> None:
    given = google()
    given["region"]["role"] = "global"
    [pool] = given["resources"]["google_container_node_pool"].values()
    pool["marks"] = marked({"node_config": [{"resource_labels": {**labels(), "sov-role": "global"}}]})
    given["resources"] = {"google_container_node_pool": {"training": pool}}
    given["notes"] = notes(given["resources"])
    pool["values"]["node_config.spot"] = [True]
    assert {one.rule for one in judge_document(given, "x", "d", engine).denials} == {"spot.untainted"}
    pool["values"]["node_config.taint.key"] = ["sov/spot"]
    assert judge_document(given, "x", "d", engine).allow


def test_a_deletion_that_was_asked_for_is_allowed(engine: PolicyEngine) -> None:
    given = google()
    given |= {"deletes": [{"type": "google_storage_bucket", "name": "raw", "replaced": False}], "destroy": True}
    assert judge_document(given, "x", "d", engine).allow


def test_nothing_is_allowed_of_an_empty_document(engine: PolicyEngine) -> None:
    assert not engine.evaluate(PACKAGE, {}).allow
    assert not engine.evaluate(PACKAGE, {"resources": {}, "data": {}}).allow


def test_every_rule_is_tried() -> None:
    assert IDS - {rule for rule, _, _ in CASES} - {"spot.untainted"} == set()


@pytest.mark.parametrize("more", [[], ["--profile", "de"]])
def test_a_cluster_is_reached_by_a_token_that_is_asked_for_in_its_region(engine: PolicyEngine, more: list[str]) -> None:
    given = cluster()
    values = {"exec.command": ["aws"], "exec.args": [*TOKEN, given["locations"][0], *more]}
    provider("kubernetes", **values)(given)
    given["notes"] = notes(given["resources"])
    assert judge_document(given, "de-week2", "sha256:0", engine).denials == ()
