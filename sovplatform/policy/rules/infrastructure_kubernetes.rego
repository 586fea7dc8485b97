# Kubernetes, Helm and Vault: which types there may be, and what each must and must not say.
package sovplatform.infrastructure

import rego.v1

kubernetes_kinds := {
	"helm_release": {
		"free": ["values."],
		"has": [
			{"rule": "chart.source", "path": "repository"},
			{"rule": "chart.unpinned", "path": "version"},
		],
		"must": [{"rule": "chart.unpinned", "path": "devel", "values": [false], "optional": true}],
		"never": [
			{"rule": "plan.forbidden", "path": "postrender"},
			{"rule": "secret.clear", "path": "repository_password"},
			{"rule": "secret.clear", "path": "set_sensitive"},
			# Values are said in one place, where they are read.
			{"rule": "value.unreadable", "path": "set"},
			{"rule": "value.unreadable", "path": "set_list"},
			{"rule": "value.unreadable", "path": "set_wo"},
			{"rule": "chart.source", "path": "pass_credentials"},
		],
	},
	"kubernetes_cluster_role_binding_v1": {"labels": "metadata.labels"},
	"kubernetes_cluster_role_v1": {"labels": "metadata.labels"},
	"kubernetes_config_map_v1": {"labels": "metadata.labels", "free": ["data."]},
	"kubernetes_ingress_v1": {"banned": {"rule": "public.balancer", "why": "nothing comes in from outside"}},
	"kubernetes_labels": {"labels": "labels"},
	"kubernetes_limit_range_v1": {"labels": "metadata.labels"},
	"kubernetes_manifest": {
		"labels": "manifest.metadata.labels",
		"must": [{
			"rule": "type.unknown",
			"path": "manifest.kind",
			"values": ["ValidatingAdmissionPolicyBinding"],
		}],
	},
	"kubernetes_namespace_v1": {
		"labels": "metadata.labels",
		"keeps": true,
		"must": [{
			"rule": "namespace.unguarded",
			"path": "metadata.labels.pod-security.kubernetes.io/enforce",
			"values": ["restricted", "baseline", "privileged"],
		}],
	},
	"kubernetes_network_policy_v1": {
		"labels": "metadata.labels",
		"inside": [
			{"rule": "public.egress", "path": "spec.egress.to.ip_block.cidr"},
			{"rule": "public.ingress", "path": "spec.ingress.from.ip_block.cidr"},
		],
	},
	"kubernetes_node_taint": {},
	"kubernetes_persistent_volume_claim_v1": {"labels": "metadata.labels", "keeps": true},
	"kubernetes_pod_disruption_budget_v1": {"labels": "metadata.labels"},
	"kubernetes_priority_class_v1": {"labels": "metadata.labels"},
	"kubernetes_resource_quota_v1": {"labels": "metadata.labels"},
	"kubernetes_role_binding_v1": {"labels": "metadata.labels"},
	"kubernetes_role_v1": {"labels": "metadata.labels"},
	"kubernetes_runtime_class_v1": {"labels": "metadata.labels"},
	"kubernetes_secret_v1": {
		"labels": "metadata.labels",
		"never": [
			{"rule": "secret.clear", "path": "data"},
			{"rule": "secret.clear", "path": "binary_data"},
		],
	},
	"kubernetes_service_account_v1": {"labels": "metadata.labels"},
	"kubernetes_service_v1": {
		"labels": "metadata.labels",
		"must": [{"rule": "public.balancer", "path": "spec.type", "values": ["ClusterIP"], "optional": true}],
		"never": [
			{"rule": "public.balancer", "path": "spec.external_ips"},
			{"rule": "public.balancer", "path": "spec.external_name"},
		],
	},
	"kubernetes_storage_class_v1": {"labels": "metadata.labels"},
	"kubernetes_validating_admission_policy_v1": {
		"labels": "metadata.labels",
		"must": [{"rule": "guardrail.weak", "path": "spec.failure_policy", "values": ["Fail"], "optional": true}],
	},
	"vault_audit": {"must": [{"rule": "secret.clear", "path": "options.log_raw", "values": ["false"], "optional": true}]},
	"vault_mount": {"keeps": true},
	"vault_namespace": {"labels": "custom_metadata", "keeps": true},
	"vault_policy": {},
	"vault_transit_secret_backend_key": {
		"keeps": true,
		"must": [
			{"rule": "key.exportable", "path": "exportable", "values": [false], "optional": true},
			{"rule": "key.exportable", "path": "allow_plaintext_backup", "values": [false], "optional": true},
			{"rule": "key.deletion", "path": "deletion_allowed", "values": [false], "optional": true},
		],
		"own": [{"rule": "key.own", "path": "backend", "types": ["vault_mount"]}],
	},
}

# -- charts --------------------------------------------------------------------------------------------------------------
deny contains {
	"rule": "chart.source",
	"msg": concat("", [repository, " is no repository that is reached by TLS"]),
	"address": address("helm_release", name),
} if {
	named := input.resources.helm_release
	some name, r in named
	some repository in r.values.repository
	not startswith(repository, "https://")
	not startswith(repository, "oci://")
}

deny contains {
	"rule": "chart.unpinned",
	"msg": concat("", [version, " is not one version"]),
	"address": address("helm_release", name),
} if {
	named := input.resources.helm_release
	some name, r in named
	some version in r.values.version
	not regex.match("^v?[0-9]+\\.[0-9]+\\.[0-9]+([-+][0-9A-Za-z.+-]+)?$", version)
}

deny contains {
	"rule": "public.balancer",
	"msg": concat("", [path, " is ", value, ": it would be reached from outside"]),
	"address": address("helm_release", name),
} if {
	named := input.resources.helm_release
	some name, r in named
	said := r.values
	some path, values in said
	some value in values
	value in {"LoadBalancer", "NodePort"}
}

deny contains {
	"rule": "public.balancer",
	"msg": concat("", [path, ": it would be reached from outside"]),
	"address": address("helm_release", name),
} if {
	named := input.resources.helm_release
	some name, r in named
	said := r.values
	some path, values in said
	endswith(path, "ingress.enabled")
	some value in values
	not value in {false, "false"}
}

# -- networks --------------------------------------------------------------------------------------------------------------
# A rule of a network policy that names nobody is about everybody.
deny contains {
	"rule": rule,
	"msg": concat("", [path, " is not said in each rule"]),
	"address": address("kubernetes_network_policy_v1", name),
} if {
	named := input.resources.kubernetes_network_policy_v1
	some name, r in named
	some way, rule in {"egress.to": "public.egress", "ingress.from": "public.ingress"}
	path := concat(".", ["spec", way])
	object.get(r.blocks, path, 0) < object.get(r.blocks, parent(path), 0)
}

# -- volumes of the clouds -------------------------------------------------------------------------------------------------
deny contains {
	"rule": "key.own",
	"msg": concat("", [path, " is not the region's own key"]),
	"address": address("kubernetes_storage_class_v1", name),
} if {
	named := input.resources.kubernetes_storage_class_v1
	some name, r in named
	some provisioner, path in {"ebs.csi.aws.com": "parameters.kmsKeyId", "pd.csi.storage.gke.io": "parameters.disk-encryption-kms-key"}
	provisioner in r.values.storage_provisioner
	not keyed(r, path, "parameters")
}

# -- keys in Vault ---------------------------------------------------------------------------------------------------------
deny contains {
	"rule": "key.rotation",
	"msg": "auto_rotate_period must be a year or less",
	"address": address("vault_transit_secret_backend_key", name),
} if {
	named := input.resources.vault_transit_secret_backend_key
	found := [each |
		some each
		r := named[each]
		not rotated(r)
	]
	some name in found
}

rotated(r) if {
	r.values.auto_rotate_period[0] >= 3600
	r.values.auto_rotate_period[0] <= 31536000
}

# -- rights ------------------------------------------------------------------------------------------------------------------
deny contains {"rule": "iam.wildcard", "msg": "it allows everything", "address": address(type, name)} if {
	some type in {"kubernetes_cluster_role_v1", "kubernetes_role_v1"}
	named := input.resources[type]
	found := [each |
		some each
		r := named[each]
		some path in {"rule.verbs", "rule.resources", "rule.api_groups"}
		"*" in r.values[path]
	]
	some name in found
}

deny contains {"rule": "iam.owner", "msg": "the role may do everything", "address": address(type, name)} if {
	some type in {"kubernetes_cluster_role_binding_v1", "kubernetes_role_binding_v1"}
	named := input.resources[type]
	found := [each |
		some each
		r := named[each]
		r.values["role_ref.name"][0] in {"cluster-admin", "admin", "edit"}
	]
	some name in found
}

deny contains {"rule": "public.anyone", "msg": "everybody may use it", "address": address(type, name)} if {
	some type in {"kubernetes_cluster_role_binding_v1", "kubernetes_role_binding_v1"}
	named := input.resources[type]
	found := [each |
		some each
		r := named[each]
		some subject in r.values["subject.name"]
		subject in {"system:anonymous", "system:unauthenticated", "system:authenticated"}
	]
	some name in found
}

# A cluster of one's own is named by a context of the kubeconfig, and that is the region's place.
deny contains {
	"rule": "place.provider",
	"msg": concat("", ["the provider ", name, " does not say that it works in the region's cluster"]),
	"address": "",
} if {
	some name in {"helm", "kubernetes"}
	provider := input.providers[name]
	not in_cluster(provider)
}

in_cluster(provider) if {
	some path in {"config_context", "kubernetes.config_context"}
	provider.values[path][0] in input.locations
}

in_cluster(provider) if {
	some path in {"host", "kubernetes.host"}
	address_of := provider.values[path][0]
	regex.match("^(https://)?\\$\\{[^{}]+\\}$", address_of) # nothing around the cluster's own address
	not provider.values.config_context
	not provider.values["kubernetes.config_context"]
}
