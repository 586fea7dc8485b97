# Google Cloud: the types there may be, and what the tables ask of them.
package sovplatform.infrastructure

import rego.v1

google_kinds := {
	"google_access_context_manager_service_perimeter": {
		"never": [
			{"rule": "replication.perimeter", "path": "status.egress_policies"},
			{"rule": "replication.perimeter", "path": "spec"},
		],
		"must": [{"rule": "replication.perimeter", "path": "perimeter_type", "values": ["PERIMETER_TYPE_REGULAR"]}],
		"has": [{"rule": "replication.perimeter", "path": "status.restricted_services"}],
	},
	"google_artifact_registry_repository": {
		"labels": "labels",
		"places": ["location"],
		"keys": ["kms_key_name"],
		"keeps": true,
		"must": [{"rule": "public.registry", "path": "mode", "values": ["STANDARD_REPOSITORY"], "optional": true}],
		"never": [
			{"rule": "public.registry", "path": "remote_repository_config"},
			{"rule": "public.registry", "path": "virtual_repository_config"},
		],
	},
	"google_artifact_registry_repository_iam_member": {"places": ["location"]},
	"google_assured_workloads_workload": {"labels": "labels", "places": ["location"], "keeps": true},
	"google_billing_budget": {},
	"google_compute_address": {"banned": {"rule": "public.address", "why": "an address of its own is reached from outside"}},
	"google_compute_firewall": {"labels": "description"},
	"google_compute_global_forwarding_rule": {"banned": {"rule": "public.balancer", "why": "it would be reached from outside"}},
	"google_compute_network": {
		"labels": "description",
		"must": [
			{"rule": "public.route", "path": "delete_default_routes_on_create", "values": [true]},
			{"rule": "public.network", "path": "auto_create_subnetworks", "values": [false]},
		],
	},
	"google_compute_network_peering": {"banned": {"rule": "reference.foreign", "why": "networks are not joined"}},
	"google_compute_reservation": {"labels": "description", "places": ["zone"]},
	"google_compute_route": {
		"labels": "description",
		"never": [{"rule": "public.route", "path": path} | some path in [
			"next_hop_hub",
			"next_hop_ilb",
			"next_hop_instance",
			"next_hop_ip",
			"next_hop_vpn_tunnel",
		]],
	},
	"google_compute_router_nat": {"banned": {"rule": "public.gateway", "why": "it is a way out to the internet"}},
	"google_compute_subnetwork": {
		"labels": "description",
		"places": ["region"],
		"must": [{"rule": "public.network", "path": "stack_type", "values": ["IPV4_ONLY"], "optional": true}],
		"inside": [{"rule": "public.network", "path": "ip_cidr_range"}],
	},
	"google_container_cluster": {
		"labels": "resource_labels",
		"places": ["location", "node_locations"],
		"keys": ["database_encryption.key_name"],
		"keeps": true,
		"must": [
			{"rule": "public.cluster", "path": "private_cluster_config.enable_private_endpoint", "values": [true]},
			{"rule": "public.cluster", "path": "private_cluster_config.enable_private_nodes", "values": [true]},
			{
				"rule": "public.cluster",
				"path": "control_plane_endpoints_config.dns_endpoint_config.allow_external_traffic",
				"values": [false],
				"optional": true,
			},
			{
				"rule": "public.cluster",
				"path": "master_authorized_networks_config.gcp_public_cidrs_access_enabled",
				"values": [false],
			},
			{"rule": "cluster.secrets", "path": "database_encryption.state", "values": ["ENCRYPTED"]},
			{"rule": "cluster.identity", "path": "enable_legacy_abac", "values": [false], "optional": true},
			{
				"rule": "cluster.identity",
				"path": "master_auth.client_certificate_config.issue_client_certificate",
				"values": [false],
			},
			{"rule": "node.unshielded", "path": "enable_shielded_nodes", "values": [true]},
			# Its own pool would escape the rules for pools.
			{"rule": "node.unshielded", "path": "remove_default_node_pool", "values": [true]},
		],
		"has": [{"rule": "cluster.identity", "path": "workload_identity_config.workload_pool"}],
		"never": [{"rule": "public.cluster", "path": "node_pool"}],
		"inside": [{"rule": "public.cluster", "path": "master_authorized_networks_config.cidr_blocks.cidr_block"}],
	},
	"google_container_node_pool": {
		"labels": "node_config.resource_labels",
		"places": ["location", "node_locations"],
		"keys": ["node_config.boot_disk_kms_key"],
		"must": [
			{"rule": "public.node", "path": "network_config.enable_private_nodes", "values": [true]},
			{"rule": "node.metadata", "path": "node_config.workload_metadata_config.mode", "values": ["GKE_METADATA"]},
			{"rule": "node.unshielded", "path": "node_config.shielded_instance_config.enable_secure_boot", "values": [true]},
		],
	},
	"google_dns_managed_zone": {
		"labels": "labels",
		"must": [{"rule": "public.dns", "path": "visibility", "values": ["private"]}],
		"never": [
			{"rule": "public.dns", "path": "forwarding_config"},
			{"rule": "reference.foreign", "path": "peering_config"},
		],
	},
	"google_dns_policy": {
		"must": [{"rule": "public.dns", "path": "enable_inbound_forwarding", "values": [false], "optional": true}],
		"never": [{"rule": "public.dns", "path": "alternative_name_server_config"}],
	},
	"google_dns_record_set": {},
	"google_kms_crypto_key": {
		"labels": "labels",
		"keeps": true,
		"must": [{"rule": "key.imported", "path": "import_only", "values": [false], "optional": true}],
		"has": [{"rule": "key.deletion", "path": "destroy_scheduled_duration"}],
		"own": [{"rule": "key.own", "path": "key_ring", "types": ["google_kms_key_ring"]}],
	},
	"google_kms_crypto_key_iam_member": {},
	"google_kms_crypto_key_version": {
		"keeps": true,
		"must": [{"rule": "key.own", "path": "state", "values": ["ENABLED"], "optional": true}],
		"own": [{"rule": "key.own", "path": "crypto_key", "types": ["google_kms_crypto_key"]}],
	},
	"google_kms_key_ring": {"places": ["location"], "keeps": true},
	"google_kms_key_ring_import_job": {"banned": {"rule": "key.imported", "why": "keys are made where they stay"}},
	"google_logging_project_bucket_config": {"places": ["location"], "keys": ["cmek_settings.kms_key_name"], "keeps": true},
	"google_logging_project_exclusion": {"free": ["filter"]},
	"google_logging_project_sink": {
		"free": ["filter"],
		"own": [{
			"rule": "replication.logs",
			"path": "destination",
			"types": ["google_logging_project_bucket_config", "google_storage_bucket"],
		}],
	},
	"google_monitoring_notification_channel": {"labels": "user_labels"},
	"google_org_policy_policy": {
		"must": [
			{"rule": "guardrail.weak", "path": "spec.inherit_from_parent", "values": [false], "optional": true},
			{"rule": "guardrail.weak", "path": "spec.rules.enforce", "values": ["TRUE"], "optional": true},
			{"rule": "guardrail.weak", "path": "spec.rules.deny_all", "values": ["TRUE"], "optional": true},
		],
		"never": [
			{"rule": "guardrail.weak", "path": "spec.rules.allow_all"},
			{"rule": "guardrail.weak", "path": "spec.rules.condition"},
			{"rule": "guardrail.weak", "path": "spec.reset"},
		],
	},
	"google_project_iam_audit_config": {"never": [{"rule": "guardrail.weak", "path": "audit_log_config.exempted_members"}]},
	"google_project_iam_member": {},
	"google_project_service": {},
	"google_pubsub_topic": {
		"labels": "labels",
		"places": ["message_storage_policy.allowed_persistence_regions"],
		"keys": ["kms_key_name"],
	},
	"google_service_account": {},
	"google_service_account_iam_member": {},
	"google_service_account_key": {"banned": {"rule": "secret.clear", "why": "the key of an account would rest in the state"}},
	"google_storage_bucket": {
		"labels": "labels",
		"places": ["location"],
		"keys": ["encryption.default_kms_key_name"],
		"keeps": true,
		"must": [
			{"rule": "public.store", "path": "public_access_prevention", "values": ["enforced"]},
			{"rule": "public.store", "path": "uniform_bucket_level_access", "values": [true]},
			{"rule": "store.unversioned", "path": "versioning.enabled", "values": [true]},
			{"rule": "delete.protected", "path": "force_destroy", "values": [false], "optional": true},
			{"rule": "replication.store", "path": "rpo", "values": ["DEFAULT"], "optional": true},
		],
		"never": [
			{"rule": "public.store", "path": "website"},
			{"rule": "replication.store", "path": "custom_placement_config"},
		],
	},
	"google_storage_bucket_iam_member": {},
	"google_storage_transfer_job": {"banned": {"rule": "replication.store", "why": "stores are not copied"}},
}
