# What the tables leave open: arguments that undo what another resource promises, people from elsewhere.
package sovplatform.infrastructure

import rego.v1

# -- where the providers come from, and where the state goes -------------------------------------------------------------
deny contains {
	"rule": "provider.source",
	"msg": concat("", ["nobody knows what the provider ", source, " does"]),
	"address": "",
} if {
	some source in input.sources
	not source in {"hashicorp/aws", "hashicorp/google", "hashicorp/helm", "hashicorp/kubernetes", "hashicorp/vault"}
}

deny contains {
	"rule": "state.outside",
	"msg": concat("", [path, " is no endpoint of AWS in the region"]),
	"address": "",
} if {
	input.backend.type == "s3"
	some path, endpoints in input.backend.configuration
	contains(path, "endpoint")
	some endpoint in endpoints
	not own_endpoint(endpoint)
}

own_endpoint(endpoint) if {
	some place in input.locations
	some suffix in ["amazonaws.com", "amazonaws.com.cn", "amazonaws.eu"]
	endswith(endpoint, concat("", [".", place, ".", suffix]))
	regex.match("^https://[a-z0-9.-]+$", endpoint)
}

# -- arguments that undo what a resource of its own promises ---------------------------------------------------------------
aws_closed := [
	{"type": "aws_iam_role", "rule": "iam.owner", "paths": ["inline_policy", "managed_policy_arns"]},
	{"type": "aws_kms_key", "rule": "key.imported", "paths": ["custom_key_store_id", "xks_key_id"]},
	{"type": "aws_s3_bucket", "rule": "public.store", "paths": ["website", "policy"]},
	{"type": "aws_s3_bucket", "rule": "replication.store", "paths": ["replication_configuration"]},
	{"type": "aws_launch_template", "rule": "value.unreadable", "paths": ["user_data"]},
]

deny contains {
	"rule": want.rule,
	"msg": concat("", ["it may not say ", path]),
	"address": address(want.type, name),
} if {
	some want in aws_closed
	some path in want.paths
	named := input.resources[want.type]
	found := [each |
		some each
		r := named[each]
		said_below(r, path)
	]
	some name in found
}

deny contains {"rule": "key.imported", "msg": "its material comes from outside", "address": address("aws_kms_key", name)} if {
	named := input.resources.aws_kms_key
	found := [each |
		some each
		r := named[each]
		some origin in r.values.origin
		not origin == "AWS_KMS"
	]
	some name in found
}

deny contains {
	"rule": "guardrail.weak",
	"msg": concat("", [path, " leaves the key to nobody, or to anybody"]),
	"address": address(type, name),
} if {
	some type in {"aws_kms_key", "aws_kms_key_policy"}
	named := input.resources[type]
	some name, r in named
	some path, right in {"bypass_policy_lockout_safety_check": false, "is_enabled": true}
	some value in r.values[path]
	not value == right
}

# -- people and rights ---------------------------------------------------------------------------------------------------
deny contains {
	"rule": "iam.stranger",
	"msg": concat("", [one.path, " lets in ", principal, ", who is not of this account"]),
	"address": address(one.type, one.name),
} if {
	noted := input.notes.statements
	some one in noted
	one.statement.effect == "Allow"
	some principal in one.statement.principals
	among(principal, strangers)
}

deny contains {
	"rule": "iam.stranger",
	"msg": concat("", [one.path, " lets in everybody but some"]),
	"address": address(one.type, one.name),
} if {
	noted := input.notes.statements
	some one in noted
	not one.statement.effect == "Deny"
	"NotPrincipal" in one.statement["not"]
}

# Each is looked at once, however often it is named.
strangers contains principal if {
	some principal in principals
	not known_principal(principal)
}

principals contains principal if {
	noted := input.notes.statements
	some one in noted
	one.statement.effect == "Allow"
	some principal in one.statement.principals
}

known_principal(principal) if principal in {"*", "AWS:*"} # see public.policy

known_principal(principal) if {
	count(input.account) > 0
	principal == concat("", ["AWS:", input.account])
}

# Whose account that is, is a matter of reference.foreign.
known_principal(principal) if regex.match("^AWS:arn:[a-z-]+:iam::[0-9]{12}:(root|role/[A-Za-z0-9/+=,.@_-]+|user/[A-Za-z0-9/+=,.@_-]+)$", principal)

known_principal(principal) if regex.match("^Service:[a-z0-9.-]+[.]amazonaws[.](com|com[.]cn|eu)$", principal)

known_principal(principal) if regex.match("^AWS:[$][{]aws_iam_role[.][a-z0-9_]+[.]arn[}]$", principal)

known_principal(principal) if regex.match("^Federated:[$][{]aws_iam_openid_connect_provider[.][a-z0-9_]+[.]arn[}]$", principal)

# A boundary is the one of the guardrails: of this stack, where it must deny all other places, or of another stack of this region.
deny contains {
	"rule": "iam.unbounded",
	"msg": "permissions_boundary is not that of the region's guardrails",
	"address": address("aws_iam_role", name),
} if {
	named := input.resources.aws_iam_role
	found := [each |
		some each
		r := named[each]
		not unsaid(r, "permissions_boundary")
		not well_bounded(r)
	]
	some name in found
}

well_bounded(r) if {
	refs := r.refs.permissions_boundary
	count(refs) == 1
	own_boundary(refs[0])
}

own_boundary("aws_iam_policy.guardrails.arn") if "aws_iam_policy.guardrails" in boundaries

own_boundary(ref) if {
	startswith(ref, "var.")
	variable := input.variables[substring(ref, 4, -1)]
	variable.region == input.region.name
	variable.output == "guardrails_boundary"
}

# AWS's own policies that nodes, clusters and their controllers need, and no other.
attachable := {
	"AmazonEC2ContainerRegistryPullOnly",
	"AmazonEKSClusterPolicy",
	"AmazonEKSWorkerNodePolicy",
	"AmazonEKS_CNI_Policy",
	"service-role/AmazonEBSCSIDriverPolicy",
}

deny contains {
	"rule": "iam.owner",
	"msg": "policy_arn is none of the policies of AWS that nodes and controllers need",
	"address": address("aws_iam_role_policy_attachment", name),
} if {
	named := input.resources.aws_iam_role_policy_attachment
	found := [each |
		some each
		r := named[each]
		not attached_rightly(r)
	]
	some name in found
}

attached_rightly(r) if {
	count(r.values.policy_arn) == 1
	split(r.values.policy_arn[0], ":iam::aws:policy/")[1] in attachable
}

# Whoever may give rights on everything has them all.
deny contains {
	"rule": "iam.owner",
	"msg": concat("", [one.path, " allows ", action, " on everything"]),
	"address": address(one.type, one.name),
} if {
	noted := input.notes.statements
	some one in noted
	one.type in {"aws_iam_policy", "aws_iam_role_policy"}
	one.statement.effect == "Allow"
	among("*", one.statement.resources)
	some action in one.statement.actions
	gives_rights(action)
	not boundary(one)
}

gives_rights(action) if {
	parts := split(action, ":")
	among(parts[0], ["iam", "organizations", "sts"])
	parts[1]
	not regex.match("^[a-z]+:(Get|List|Describe)", action)
}

deny contains {
	"rule": "iam.wildcard",
	"msg": concat("", ["it may do as it likes at ", path]),
	"address": address("vault_policy", one.name),
} if {
	noted := input.notes.statements
	some one in noted
	one.type == "vault_policy"
	some path in one.statement.resources
	regex.match("^/*([*]|[+]|sys/([*]|policies|policy|auth|mounts|raw))", path)
	not one.statement.effect == "Deny"
}

deny contains {
	"rule": "iam.wildcard",
	"msg": "it is not known, or not understood, what it allows",
	"address": address("vault_policy", name),
} if {
	named := input.resources.vault_policy
	some name, _ in named
	not name in vault_policies
}

vault_policies contains one.name if {
	noted := input.notes.statements
	some one in noted
	one.type == "vault_policy"
}

deny contains {
	"rule": "iam.owner",
	"msg": "a right in the whole project is for nodes to log and measure, and no other",
	"address": address("google_project_iam_member", name),
} if {
	named := input.resources.google_project_iam_member
	found := [each |
		some each
		r := named[each]
		not nodes_role(r)
	]
	some name in found
}

nodes_role(r) if {
	count(r.values.role) == 1
	r.values.role[0] in {"roles/container.defaultNodeServiceAccount", "roles/logging.logWriter", "roles/monitoring.metricWriter"}
}

deny contains {
	"rule": "key.protection",
	"msg": "version_template.protection_level must be HSM, HSM_SINGLE_TENANT, EXTERNAL or EXTERNAL_VPC",
	"address": address("google_kms_crypto_key", name),
} if {
	named := input.resources.google_kms_crypto_key
	found := [each |
		some each
		r := named[each]
		not in_hardware(r)
	]
	some name in found
}

in_hardware(r) if {
	levels := r.values["version_template.protection_level"]
	count(levels) == 1
	levels[0] in {"HSM", "HSM_SINGLE_TENANT", "EXTERNAL", "EXTERNAL_VPC"}
}

# Not every location's hardware signs so, and what seals a ledger encrypts nothing.
in_hardware(r) if {
	r.values["version_template.protection_level"] == ["SOFTWARE"]
	r.values["version_template.algorithm"] == ["EC_SIGN_ED25519"]
	r.values.purpose == ["ASYMMETRIC_SIGN"]
}
