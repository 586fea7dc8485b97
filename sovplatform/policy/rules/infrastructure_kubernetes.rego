# Kubernetes, Helm and Vault: which types there may be, and what each must and must not say.
package sovplatform.infrastructure

import rego.v1

kubernetes_kinds := {
	"helm_release": {"free": ["values."]},
	"kubernetes_namespace_v1": {"labels": "metadata.labels"},
	"kubernetes_network_policy_v1": {"labels": "metadata.labels"},
	"kubernetes_persistent_volume_claim_v1": {"labels": "metadata.labels", "keeps": true},
	"kubernetes_storage_class_v1": {"labels": "metadata.labels"},
}
