# Google Cloud: which types there may be, and what each must and must not say.
package sovplatform.infrastructure

import rego.v1

google_readable := {"google_logging_project_cmek_settings", "google_project", "google_storage_project_service_account"}

google_kinds := {
	"google_access_context_manager_service_perimeter": {},
	"google_artifact_registry_repository": {"labels": "labels", "places": ["location"], "keys": ["kms_key_name"], "keeps": true},
	"google_artifact_registry_repository_iam_member": {"places": ["location"]},
	"google_assured_workloads_workload": {"labels": "labels", "places": ["location"], "keeps": true},
	"google_billing_budget": {},
	"google_compute_firewall": {"described": "description"},
	"google_compute_network": {"described": "description"},
	"google_compute_reservation": {"described": "description", "places": ["zone"]},
	"google_compute_route": {"described": "description"},
	"google_compute_subnetwork": {"described": "description", "places": ["region"]},
	"google_container_cluster": {
		"labels": "resource_labels",
		"places": ["location", "node_locations"],
		"keys": ["database_encryption.key_name"],
	},
	"google_container_node_pool": {
		"labels": "node_config.resource_labels",
		"places": ["location", "node_locations"],
		"keys": ["node_config.boot_disk_kms_key"],
	},
	"google_dns_managed_zone": {"labels": "labels"},
	"google_dns_policy": {},
	"google_dns_record_set": {},
	"google_kms_crypto_key": {"labels": "labels", "keeps": true},
	"google_kms_crypto_key_iam_member": {},
	"google_kms_crypto_key_version": {"keeps": true},
	"google_kms_key_ring": {"places": ["location"], "keeps": true},
	"google_logging_project_bucket_config": {"places": ["location"], "keys": ["cmek_settings.kms_key_name"], "keeps": true},
	"google_logging_project_exclusion": {"free": ["filter"]},
	"google_logging_project_sink": {"free": ["filter"]},
	"google_monitoring_notification_channel": {"labels": "user_labels"},
	"google_org_policy_policy": {},
	"google_project_iam_audit_config": {},
	"google_project_iam_member": {},
	"google_project_service": {},
	"google_pubsub_topic": {
		"labels": "labels",
		"places": ["message_storage_policy.allowed_persistence_regions"],
		"keys": ["kms_key_name"],
	},
	"google_service_account": {},
	"google_service_account_iam_member": {},
	"google_storage_bucket": {
		"labels": "labels",
		"places": ["location", "custom_placement_config.data_locations"],
		"keys": ["encryption.default_kms_key_name"],
		"keeps": true,
	},
	"google_storage_bucket_iam_member": {},
}
