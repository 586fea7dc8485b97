# Google Cloud: which types there may be, and what each must and must not say.
package sovplatform.infrastructure

import rego.v1

google_readable := {"google_logging_project_cmek_settings", "google_project", "google_storage_project_service_account"}

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

# Addresses of restricted.googleapis.com and private.googleapis.com, which Google never hands to the internet:
# https://cloud.google.com/vpc/docs/configure-private-google-access
google_restricted := {"199.36.153.4/30", "199.36.153.8/30"}

deny contains {"rule": "public.route", "msg": "it leads to the internet", "address": address("google_compute_route", name)} if {
	named := input.resources.google_compute_route
	found := [each |
		some each
		r := named[each]
		not leads_to_google(r)
	]
	some name in found
}

leads_to_google(r) if {
	count(r.values.dest_range) == 1
	r.values.dest_range[0] in google_restricted
}

deny contains {
	"rule": "public.ingress",
	"msg": "it lets in more than private networks",
	"address": address("google_compute_firewall", name),
} if {
	named := input.resources.google_compute_firewall
	found := [each |
		some each
		r := named[each]
		r.blocks.allow
		not r.values.direction == ["EGRESS"]
		not private_ranges(r, "source_ranges")
	]
	some name in found
}

deny contains {
	"rule": "public.egress",
	"msg": "it lets out more than to private networks and Google's restricted address",
	"address": address("google_compute_firewall", name),
} if {
	named := input.resources.google_compute_firewall
	found := [each |
		some each
		r := named[each]
		r.blocks.allow
		r.values.direction == ["EGRESS"]
		not private_ranges(r, "destination_ranges")
	]
	some name in found
}

private_ranges(r, path) if {
	count(r.values[path]) > 0
	not r.mixed[path]
	foreign := [range | some range in object.get(object.get(r, "outside", {}), path, []); not range in google_restricted]
	count(foreign) == 0
}

# -- projects ----------------------------------------------------------------------------------------------------------
deny contains {
	"rule": "reference.foreign",
	"msg": concat("", ["it is of project ", project]),
	"address": concat("", ["data.", address(type, name)]),
} if {
	types := input.data
	some type, named in types
	startswith(type, "google_")
	some name, r in named
	some path in ["project", "project_id", "fleet.project", "network_project"]
	some said in r.values[path]
	project := trim_prefix(said, "projects/")
	project != input.account
}

deny contains {
	"rule": "reference.foreign",
	"msg": concat("", ["it is of project ", project]),
	"address": place,
} if {
	noted := input.notes.owners
	some said, places in noted
	project := trim_prefix(said, "projects/")
	project != input.account
	some place in places
}

# -- keys --------------------------------------------------------------------------------------------------------------
# External keys are rotated where they are, and those that sign have their public halves pinned.
deny contains {
	"rule": "key.rotation",
	"msg": "rotation_period must be a year or less",
	"address": address("google_kms_crypto_key", name),
} if {
	named := input.resources.google_kms_crypto_key
	found := [each |
		some each
		r := named[each]
		not r.values.purpose == ["ASYMMETRIC_SIGN"]
		not external(r)
		not seconds_between(r, "rotation_period", 86400, 31536000)
	]
	some name in found
}

external(r) if startswith(r.values["version_template.protection_level"][0], "EXTERNAL")

deny contains {
	"rule": "key.deletion",
	"msg": "destroy_scheduled_duration must be 30 days or more",
	"address": address("google_kms_crypto_key", name),
} if {
	named := input.resources.google_kms_crypto_key
	found := [each |
		some each
		r := named[each]
		r.values.destroy_scheduled_duration
		not seconds_between(r, "destroy_scheduled_duration", 2592000, 10368000)
	]
	some name in found
}

seconds_between(r, path, least, most) if {
	seconds := to_number(trim_suffix(r.values[path][0], "s"))
	seconds >= least
	seconds <= most
}

# -- stores ------------------------------------------------------------------------------------------------------------
deny contains {
	"rule": "store.unlocked",
	"msg": "what it holds is not locked for its time",
	"address": address("google_storage_bucket", name),
} if {
	named := input.resources.google_storage_bucket
	found := [each |
		some each
		r := named[each]
		not r.values["retention_policy.is_locked"] == [true]
		lockable(r)
	]
	some name in found
}

lockable(r) if contains(r.construct, "/audit-sink/")

lockable(r) if contains(r.construct, "/artifact-store/")

lockable(r) if r.values["labels.sov-kind"][0] in {"audit", "artifacts"}

# -- nodes -------------------------------------------------------------------------------------------------------------
deny contains {
	"rule": "spot.sovereign",
	"msg": "only the global fabric may train on machines that can be taken away",
	"address": address("google_container_node_pool", name),
} if {
	named := input.resources.google_container_node_pool
	found := [each |
		some each
		r := named[each]
		not input.region.role == "global"
		some path in ["node_config.spot", "node_config.preemptible"]
		some value in r.values[path]
		not value == false
	]
	some name in found
}

deny contains {
	"rule": "spot.untainted",
	"msg": "a spot pool has no taint sov/spot, so anything may land there",
	"address": address("google_container_node_pool", name),
} if {
	named := input.resources.google_container_node_pool
	found := [each |
		some each
		r := named[each]
		input.region.role == "global"
		r.values["node_config.spot"] == [true]
		not says(r, "node_config.taint.key", "sov/spot")
	]
	some name in found
}

# -- members -----------------------------------------------------------------------------------------------------------
member_types := {
	"google_artifact_registry_repository_iam_member",
	"google_kms_crypto_key_iam_member",
	"google_project_iam_member",
	"google_service_account_iam_member",
	"google_storage_bucket_iam_member",
}

deny contains {
	"rule": "public.anyone",
	"msg": concat("", [member, " may use it"]),
	"address": address(type, name),
} if {
	some type in member_types
	named := input.resources[type]
	some name, r in named
	some member in r.values.member
	some everybody_is in ["allUsers", "allAuthenticatedUsers"]
	member == everybody_is
}

everybody(r) if r.values.member[0] in {"allUsers", "allAuthenticatedUsers"}

deny contains {
	"rule": "iam.stranger",
	"msg": "its member is no account of this project",
	"address": address(type, name),
} if {
	some type in member_types
	named := input.resources[type]
	found := [each |
		some each
		r := named[each]
		not known_member(r)
		not known_account(r)
		not everybody(r)
	]
	some name in found
}

known_member(r) if {
	refs := r.refs.member
	refs == [refs[0]]
	among(split(refs[0], ".")[0], ["google_logging_project_sink", "google_service_account"])
}

# Google's service agents, by the number of the project that was looked up.
known_member(r) if {
	refs := r.mixed.member
	some _ in refs
	not elsewhere(refs)
}

elsewhere(refs) if {
	some ref in refs
	not own_google(ref)
}

known_account(r) if endswith(r.values.member[0], concat("", ["@", input.account, ".iam.gserviceaccount.com"]))

known_account(r) if startswith(r.values.member[0], concat("", ["serviceAccount:", input.account, ".svc.id.goog["]))

own_google(ref) if startswith(ref, "data.google_")

own_google(ref) if startswith(ref, "google_service_account.")

deny contains {
	"rule": "iam.owner",
	"msg": "the role may do everything, or gives roles",
	"address": address(type, name),
} if {
	some type in member_types
	named := input.resources[type]
	found := [each |
		some each
		r := named[each]
		not modest(r)
	]
	some name in found
}

modest(r) if {
	role := r.values.role[0]
	r.values.role == [role]
	not among(role, immodest)
	startswith(role, "roles/")
	not endswith(lower(role), "admin")
}

immodest := [
	"roles/owner",
	"roles/editor",
	"roles/viewer",
	"roles/iam.serviceAccountTokenCreator",
	"roles/iam.serviceAccountUser",
]
