# Google Cloud: what the tables cannot say.
package sovplatform.infrastructure

import rego.v1

google_readable := {"google_logging_project_cmek_settings", "google_project", "google_storage_project_service_account"}

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
