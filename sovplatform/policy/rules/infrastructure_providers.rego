# What the providers and the state's store may be told. Each argument is known here: a role to assume, a proxy, another universe
# or an address would lead elsewhere, and there are more of them with every version.
package sovplatform.infrastructure

import rego.v1

cluster_arguments := {
	"cluster_ca_certificate",
	"config_context",
	"config_path",
	"exec.api_version",
	"exec.args",
	"exec.command",
	"host",
	"token",
}

provider_arguments := {
	"aws": {"allowed_account_ids", "profile", "region"},
	"google": {"billing_project", "project", "region", "user_project_override"},
	"helm": {concat(".", ["kubernetes", argument]) | some argument in cluster_arguments},
	"kubernetes": cluster_arguments,
	"vault": {"address", "ca_cert_file", "namespace", "skip_child_token"},
}

deny contains {
	"rule": "place.provider",
	"msg": concat("", ["no rule knows where the provider ", name, " is led by ", path]),
	"address": "",
} if {
	some name, provider in input.providers
	some path, _ in provider.values
	not path in object.get(provider_arguments, name, set())
	not credential(path)
	not path in unchecked
}

deny contains {
	"rule": "place.provider",
	"msg": concat("", ["the provider ", name, " works in ", account, ", which is not the region's"]),
	"address": "",
} if {
	some name, path in {"aws": "allowed_account_ids", "google": "project"}
	some account in input.providers[name].values[path]
	not account == input.account
}

deny contains {
	"rule": "plan.forbidden",
	"msg": concat("", ["the provider ", name, " would run ", command]),
	"address": "",
} if {
	some name, path in {"kubernetes": "exec.command", "helm": "kubernetes.exec.command"}
	some command in input.providers[name].values[path]
	not command in {"aws", "gke-gcloud-auth-plugin"}
}

# A program asks for a token to this region's cluster, and is told nothing else: its arguments could lead it elsewhere.
deny contains {
	"rule": "plan.forbidden",
	"msg": concat("", ["the provider ", name, " would have ", command, " do something else than ask for the cluster's token"]),
	"address": "",
} if {
	some name, above in {"kubernetes": "", "helm": "kubernetes."}
	values := input.providers[name].values
	some command in values[concat("", [above, "exec.command"])]
	not asks_for_a_token(command, object.get(values, concat("", [above, "exec.args"]), []))
}

asks_for_a_token("gke-gcloud-auth-plugin", []) := true

asks_for_a_token("aws", ["eks", "get-token", "--cluster-name", _, "--region", place]) if place in input.locations

asks_for_a_token("aws", ["eks", "get-token", "--cluster-name", _, "--region", place, "--profile", _]) if place in input.locations

# -- the state's store ---------------------------------------------------------------------------------------------------
state_arguments := {
	"gcs": {"bucket", "kms_encryption_key", "prefix"},
	"http": {
		"address",
		"lock_address",
		"lock_method",
		"retry_max",
		"retry_wait_max",
		"retry_wait_min",
		"skip_cert_verification",
		"unlock_address",
		"unlock_method",
		"update_method",
	},
	"kubernetes": {"config_context", "config_path", "in_cluster_config", "insecure", "namespace", "secret_suffix"},
	"s3": {"allowed_account_ids", "bucket", "encrypt", "key", "kms_key_id", "profile", "region", "use_lockfile"},
}

deny contains {
	"rule": "state.outside",
	"msg": concat("", ["no rule knows where the state is led by ", path]),
	"address": "",
} if {
	known := state_arguments[input.backend.type]
	some path, _ in input.backend.configuration
	not path in known
}

deny contains {"rule": "state.outside", "msg": "the key of the state is not the region's", "address": ""} if {
	input.backend.type == "s3"
	some key in input.backend.configuration.kms_key_id
	startswith(key, "arn:")
	not split(key, ":")[4] == input.account
	not input.account == ""
}

deny contains {"rule": "state.outside", "msg": "the key of the state is not the region's", "address": ""} if {
	input.backend.type == "gcs"
	some key in input.backend.configuration.kms_encryption_key
	startswith(key, "projects/")
	not split(key, "/")[1] == input.account
	not input.account == "" # nothing names it, and nothing of a cloud is in the stack
}

# A lock tells who applies what, so it is taken where the state is.
deny contains {"rule": "state.outside", "msg": "the state is locked at another host than its own, or not over TLS", "address": ""} if {
	input.backend.type == "http"
	host := concat("/", array.slice(split(input.backend.configuration.address[0], "/"), 0, 3))
	some path in {"lock_address", "unlock_address"}
	some address_of in input.backend.configuration[path]
	not lies_at(host, address_of)
}

lies_at(host, address_of) if {
	startswith(address_of, "https://")
	startswith(address_of, concat("", [host, "/"]))
}
