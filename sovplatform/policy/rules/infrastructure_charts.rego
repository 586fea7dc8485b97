# Charts: those from repositories that we know, or from the region's own mirror or registry.
package sovplatform.infrastructure

import rego.v1

repositories := {
	"https://argoproj.github.io/argo-helm",
	"https://charts.jetstack.io",
	"https://community-charts.github.io/helm-charts",
	"https://kyverno.github.io/kyverno",
	"https://openbao.github.io/openbao-helm",
	"https://prometheus-community.github.io/helm-charts",
	"https://spiffe.github.io/helm-charts-hardened",
	"oci://ghcr.io/kserve/charts",
	"oci://ghcr.io/kubeflow/charts",
}

deny contains {
	"rule": "chart.source",
	"msg": "the chart is from no repository that we know, nor from the region's mirror or registry",
	"address": address("helm_release", name),
} if {
	named := input.resources.helm_release
	found := [each |
		some each
		r := named[each]
		not known_chart(r)
	]
	some name in found
}

known_chart(r) if {
	repository := r.values.repository[0]
	r.values.repository == [repository]
	among(repository, sources_of_charts)
	among(r.values.chart[0], plain_charts)
}

# Each is looked at once: many releases come from few places.
sources_of_charts contains repository if {
	some repository in named_repositories
	known_repository(repository)
}

named_repositories contains repository if {
	named := input.resources.helm_release
	some _, r in named
	repository := r.values.repository[0]
}

plain_charts contains chart if {
	some chart in named_charts
	regex.match("^[a-z0-9][a-z0-9/-]*$", chart)
}

named_charts contains chart if {
	named := input.resources.helm_release
	some _, r in named
	chart := r.values.chart[0]
}

known_repository(repository) if repository in repositories

known_repository(repository) if {
	count(input.mirror) > 0
	within(repository, input.mirror)
}

known_repository(repository) if {
	count(input.account) > 0
	some place in input.locations
	some suffix in ["amazonaws.com", "amazonaws.com.cn", "amazonaws.eu"]
	within(repository, concat("", ["oci://", input.account, ".dkr.ecr.", place, ".", suffix]))
}

known_repository(repository) if {
	count(input.account) > 0
	some place in input.locations
	within(repository, concat("", ["oci://", place, "-docker.pkg.dev/", input.account]))
}

within(repository, above) if repository == above

within(repository, above) if startswith(repository, concat("", [trim_suffix(above, "/"), "/"]))
