# What a resource may refer to, what may stand in it in clear, and what the policies in it may allow.
package sovplatform.infrastructure

import rego.v1

# -- references --------------------------------------------------------------------------------------------------------
deny contains {
	"rule": "reference.foreign",
	"msg": concat("", [name, " is the output ", variable.output, " of ", variable.stack, ": only artifacts cross a border"]),
	"address": "",
} if {
	some name, variable in input.variables
	not variable.region == input.region.name
	not variable.output == "artifacts_store"
}

deny contains {
	"rule": "reference.foreign",
	"msg": concat("", ["it names ", code, ", which is not among the region's places"]),
	"address": place,
} if {
	noted := input.notes.mentions
	some code, places in noted
	not code in input.locations
	some place in places
}

deny contains {
	"rule": "reference.foreign",
	"msg": concat("", ["it names things of ", stranger, ", which is under another law"]),
	"address": place,
} if {
	noted := input.notes.strangers
	some stranger, places in noted
	some place in places
}

deny contains {
	"rule": "reference.foreign",
	"msg": concat("", ["it names things of project ", project]),
	"address": place,
} if {
	noted := input.notes.projects
	some project, places in noted
	not project == input.account
	some place in places
}

# `aws` owns the policies that it manages; an account that is not yet known is that of a thing of this stack.
deny contains {
	"rule": "reference.foreign",
	"msg": concat("", ["it names things of account ", account]),
	"address": place,
} if {
	noted := input.notes.accounts
	some account, places in noted
	not account in {"", "aws", input.account}
	some place in places
}

deny contains {
	"rule": "reference.partition",
	"msg": concat("", ["it names the partition ", partition, ", where this region is not"]),
	"address": place,
} if {
	noted := input.notes.partitions
	some partition, places in noted
	not partition in partitions
	some place in places
}

# -- what no rule can read ---------------------------------------------------------------------------------------------
deny contains {
	"rule": "value.unreadable",
	"msg": concat("", [one.path, " cannot be judged: it is secret, or has quotes, backslashes or characters that cannot be printed"]),
	"address": address(one.type, one.name),
} if {
	noted := input.notes.opaque
	some one in noted
	not free(one.type, one.path)
}

free(type, path) if {
	some prefix in present[type].free
	startswith(path, prefix)
}

# -- secrets -----------------------------------------------------------------------------------------------------------
deny contains {
	"rule": "secret.clear",
	"msg": concat("", [one.path, " is a secret in clear"]),
	"address": address(one.type, one.name),
} if {
	noted := input.notes.secrets
	some one in noted
}

deny contains {
	"rule": "secret.clear",
	"msg": concat("", ["the provider ", name, " has a credential in clear: ", path]),
	"address": "",
} if {
	some name, provider in input.providers
	some path, _ in provider.values
	credential(path)
}

credential(path) if {
	some last in {"access_key", "secret_key", "token", "credentials", "access_token", "password", "client_key"}
	at_end(path, last)
}

at_end(path, last) if path == last

at_end(path, last) if endswith(path, concat("", [".", last]))

deny contains {
	"rule": "tls.absent",
	"msg": concat("", ["the provider ", name, " does not check who answers: ", path]),
	"address": "",
} if {
	some name, provider in input.providers
	some path in unchecked
	some value in provider.values[path]
	not value == false
}

unchecked := {"insecure", "kubernetes.insecure", "skip_tls_verify", "plain_http"}

deny contains {
	"rule": "tls.absent",
	"msg": concat("", ["the provider ", name, " does not speak TLS: ", path]),
	"address": "",
} if {
	some name, provider in input.providers
	some path in {"address", "host", "kubernetes.host"}
	some value in provider.values[path]
	not startswith(value, "https://")
	not startswith(value, "${")
}

# -- policies of IAM ---------------------------------------------------------------------------------------------------
deny contains {
	"rule": "public.policy",
	"msg": concat("", [one.path, " lets anybody in"]),
	"address": address(one.type, one.name),
} if {
	noted := input.notes.statements
	some one in noted
	not one.statement.effect == "Deny"
	some principal in one.statement.principals
	among(principal, ["*", "AWS:*"])
	not confined(one)
}

confined(one) if {
	some key in account_keys
	own := concat("", [key, input.account])
	own in one.statement.conditions
	others := [condition | some condition in one.statement.conditions; startswith(condition, key); not condition == own]
	count(others) == 0 # several values are alternatives
}

# An endpoint is no door of its own: it lets through who has rights elsewhere. What it leads to must be named.
confined(one) if {
	one.type == "aws_vpc_endpoint"
	not among("*", one.statement.resources)
}

account_keys := {concat(" ", ["StringEquals", key, ""]) | some key in {
	"aws:PrincipalAccount",
	"aws:SourceAccount",
	"kms:CallerAccount",
}}

deny contains {
	"rule": "iam.wildcard",
	"msg": concat("", [one.path, " allows everything, or everything but"]),
	"address": address(one.type, one.name),
} if {
	noted := input.notes.statements
	some one in noted
	not one.statement.effect == "Deny"
	not among(one.type, ["aws_vpc_endpoint", "aws_kms_key", "aws_kms_key_policy"]) # their resource is the thing itself
	boundless(one.statement)
	not boundary(one)
}

boundless(statement) if some _ in statement["not"]

boundless(statement) if {
	some action in statement.actions
	among(action, ["sudo", "root", "unreadable"])
}

boundless(statement) if {
	starred(statement.actions)
	some action in statement.actions
	startswith(action, "*")
}

boundless(statement) if {
	starred(statement.actions)
	everywhere(statement)
	some action in statement.actions
	endswith(action, ":*")
}

starred(actions) if contains(concat(" ", actions), "*")

everywhere(statement) if among("*", statement.resources)

everywhere(statement) if {
	some resource in statement.resources
	endswith(resource, ":::*")
}

# Who may give himself rights has them all.
deny contains {
	"rule": "iam.owner",
	"msg": concat("", [one.path, " lets somebody take other rights: ", action]),
	"address": address(one.type, one.name),
} if {
	noted := input.notes.statements
	some one in noted
	one.statement.effect == "Allow"
	everywhere(one.statement)
	some action in one.statement.actions
	lower(action) in escalating
}

escalating := {
	"iam:attachrolepolicy",
	"iam:createaccesskey",
	"iam:createpolicyversion",
	"iam:createrole",
	"iam:passrole",
	"iam:putrolepolicy",
	"iam:setdefaultpolicyversion",
	"iam:updateassumerolepolicy",
	"sts:assumerole",
}

boundless(statement) if not statement.effect == "Allow"

# The most that roles may ever do: it allows nothing by itself, and denies every other place.
boundary(one) if concat(".", [one.type, one.name]) in boundaries

boundaries contains concat(".", [other.type, other.name]) if {
	noted := input.notes.statements
	some other in noted
	among(other.type, ["aws_iam_policy", "aws_organizations_policy"])
	statement := other.statement
	statement.effect == "Deny"
	some place in input.locations
	statement.conditions == [concat(" ", ["StringNotEquals aws:RequestedRegion", place])]
	among("*", statement.resources)
	all_but_global(statement)
}

all_but_global(statement) if statement.actions == ["*"]

all_but_global(statement) if {
	statement["not"] == ["NotAction"]
	count([action | some action in statement.not_actions; not action in aws_global]) == 0
}

# Services that answer in one region for all of a partition, and hold no data of a pilot.
aws_global := {concat("", [service, ":*"]) | some service in {
	"account",
	"billing",
	"budgets",
	"ce",
	"health",
	"iam",
	"organizations",
	"sts",
	"support",
}}
