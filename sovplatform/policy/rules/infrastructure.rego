# What a plan may do. Asked of every stack's plan before anything is applied; the document is made by
# sovplatform/infrastructure/judgement.py. What is not known here is denied: types, places, keys, references.
package sovplatform.infrastructure

import rego.v1

default allow := false

allow if {
	count(deny) == 0
	whole
}

grants contains "plan.compliant" if allow

# The document says what it must, and the plan is all of the stack's.
whole if {
	input.errored == false
	input.complete == true
	is_string(input.region.name)
	is_string(input.region.jurisdiction)
	is_string(input.region.role)
	is_string(input.pilot)
	count(input.locations) > 0
	is_object(input.resources)
	is_object(input.data)
	is_object(input.providers)
}

deny contains {"rule": "plan.incomplete", "msg": "the plan is broken off, or not of the whole stack", "address": ""} if not whole

deny contains {"rule": "plan.forbidden", "msg": msg, "address": ""} if {
	some what in input.forbidden
	msg := concat("", ["no stack may have this: ", what])
}

# -- types -------------------------------------------------------------------------------------------------------------
kind_of(type) := aws_kinds[type]

kind_of(type) := google_kinds[type]

kind_of(type) := kubernetes_kinds[type]

# Of the tables only what this plan is about: they are large, and looked up often.
present[type] := kind if {
	some type, _ in input.resources
	kind := kind_of(type)
}

deny contains {"rule": "type.unknown", "msg": msg, "address": address(type, name)} if {
	some type, named in input.resources
	not present[type]
	some name, _ in named
	msg := concat("", ["no rule knows what a ", type, " may be"])
}

deny contains {"rule": "type.unknown", "msg": msg, "address": concat("", ["data.", address(type, name)])} if {
	some type, named in input.data
	not type in readable
	some name, _ in named
	msg := concat("", ["no rule knows what reading a ", type, " may tell"])
}

readable := aws_readable | google_readable

address(type, name) := concat(".", [type, name])

# -- labels ------------------------------------------------------------------------------------------------------------
labels := {
	"sov-pilot": input.pilot,
	"sov-region": input.region.name,
	"sov-jurisdiction": lower(input.region.jurisdiction),
	"sov-role": input.region.role,
	"managed-by": "sovplatform",
}

deny contains {"rule": "label.missing", "msg": msg, "address": address(type, name)} if {
	some type, kind in present
	prefix := kind.labels
	some label, value in labels
	path := concat("", [prefix, ".", label])
	some name, r in input.resources[type]
	not value in r.values[path]
	msg := concat("", ["it does not have the label ", label, "=", value])
}

deny contains {"rule": "label.missing", "msg": msg, "address": address(type, name)} if {
	some type, kind in present
	path := kind.described
	some label, value in labels
	said := concat("=", [label, value])
	some name, r in input.resources[type]
	not said_in(r.values[path], said)
	msg := concat("", ["its ", path, " does not say ", said])
}

said_in(texts, said) if {
	some text in texts
	said in split(text, " ")
}

# -- places ------------------------------------------------------------------------------------------------------------
deny contains {"rule": "place.resource", "msg": msg, "address": address(type, name)} if {
	some type, kind in present
	some path in kind.places
	some name, r in input.resources[type]
	some place in r.values[path]
	not place in input.locations
	msg := concat("", [path, " is ", place, ", which is not among the region's places"])
}

# Where it says nothing, the cloud would choose.
deny contains {"rule": "place.resource", "msg": msg, "address": address(type, name)} if {
	some type, kind in present
	paths := kind.places
	some name, r in input.resources[type]
	not says_any(r, paths)
	msg := concat("", ["it does not say where it is: ", concat(" or ", paths)])
}

says_any(r, paths) if {
	some path in paths
	count(r.values[path]) > 0
}

deny contains {"rule": "place.resource", "msg": msg, "address": address(type, name)} if {
	some type, named in input.resources
	some name, r in named
	some place in r.values.region
	not "region" in object.get(present[type], "places", [])
	not place in input.locations
	msg := concat("", ["region is ", place, ", which is not among the region's places"])
}

deny contains {"rule": "place.jurisdiction", "msg": msg, "address": ""} if {
	some place in input.locations
	clouded
	not country(place) == input.region.jurisdiction
	msg := concat("", [place, " is not known to be in ", input.region.jurisdiction])
}

clouded if input.providers.aws

clouded if input.providers.google

deny contains {"rule": "place.provider", "msg": msg, "address": ""} if {
	some name, _ in input.providers
	not name in {"aws", "google", "helm", "kubernetes", "vault"}
	msg := concat("", ["nobody knows where the provider ", name, " works"])
}

deny contains {"rule": "place.provider", "msg": msg, "address": ""} if {
	some name in {"aws", "google"}
	provider := input.providers[name]
	not placed(provider)
	msg := concat("", ["the provider ", name, " does not say that it works in one of the region's places"])
}

placed(provider) if {
	count(provider.values.region) == 1
	provider.values.region[0] in input.locations
}

deny contains {"rule": "place.provider", "msg": msg, "address": ""} if {
	some name in {"aws", "google"}
	some path, _ in input.providers[name].values
	contains(path, "endpoint")
	msg := concat("", ["the provider ", name, " has a service somewhere else: ", path])
}

# -- the state ---------------------------------------------------------------------------------------------------------
deny contains {"rule": "state.outside", "msg": "the state does not rest encrypted inside the region", "address": ""} if not state_inside

state_inside if {
	input.backend.type == "s3"
	count(foreign_state) == 0
	placed_in_configuration
	input.backend.configuration.encrypt == [true]
	count(input.backend.configuration.kms_key_id) == 1
	not input.backend.configuration.endpoints
}

state_inside if {
	input.backend.type == "gcs"
	count(foreign_state) == 0
	count(input.backend.mentions) > 0
	count(input.backend.configuration.kms_encryption_key) == 1
}

state_inside if {
	input.backend.type == "kubernetes"
	input.backend.configuration.config_context[0] in input.locations
	not input.backend.configuration.insecure == [true]
}

state_inside if {
	input.backend.type == "http"
	startswith(input.backend.configuration.address[0], "https://")
	not input.backend.configuration.skip_cert_verification == [true]
	not clouded
}

placed_in_configuration if input.backend.configuration.region[0] in input.locations

foreign_state contains code if {
	some code in input.backend.mentions
	not code in input.locations
}

# -- keys --------------------------------------------------------------------------------------------------------------
deny contains {"rule": "key.own", "msg": msg, "address": address(type, name)} if {
	some type, kind in present
	some path in kind.keys
	some name, r in input.resources[type]
	not keyed(r, path)
	msg := concat("", [path, " is not the region's own key"])
}

keyed(r, path) if {
	refs := r.refs[path]
	count(refs) >= object.get(r.blocks, parent(path), 1)
	count([ref | some ref in refs; not own_key(ref)]) == 0
}

# "" is no list of blocks, so one reference is wanted there.
parent(path) := concat(".", array.slice(split(path, "."), 0, count(split(path, ".")) - 1))

own_key(ref) if startswith(ref, "aws_kms_key.")

own_key(ref) if startswith(ref, "google_kms_crypto_key.")

own_key(ref) if startswith(ref, "google_kms_crypto_key_iam_member.")

own_key(ref) if startswith(ref, "vault_transit_secret_backend_key.")

own_key(ref) if {
	startswith(ref, "var.")
	variable := input.variables[substring(ref, 4, -1)]
	variable.region == input.region.name
	variable.output == "keys_data"
}

# -- references --------------------------------------------------------------------------------------------------------
deny contains {"rule": "reference.foreign", "msg": msg, "address": ""} if {
	some name, variable in input.variables
	not variable.region == input.region.name
	not variable.output == "artifacts_store"
	msg := concat("", [name, " is the output ", variable.output, " of ", variable.stack, ": only artifacts cross a border"])
}

deny contains {"rule": "reference.foreign", "msg": msg, "address": address(type, name)} if {
	some type, named in input.resources
	some name, r in named
	some code in r.mentions
	not code in input.locations
	not code in object.get(present[type], "may_name", [])
	msg := concat("", ["it names ", code, ", which is not among the region's places"])
}

deny contains {"rule": "reference.foreign", "msg": msg, "address": address(type, name)} if {
	some type, named in input.resources
	some name, r in named
	some stranger in r.strangers
	msg := concat("", ["it names things of ", stranger, ", which is under another law"])
}

deny contains {"rule": "reference.foreign", "msg": msg, "address": address(type, name)} if {
	some type, named in input.resources
	some name, r in named
	some project in r.projects
	not project in {input.account, "deleted"}
	msg := concat("", ["it names things of project ", project])
}

deny contains {"rule": "reference.foreign", "msg": msg, "address": address(type, name)} if {
	some type, named in input.resources
	some name, r in named
	some arn in r.arns
	not arn.account in {"", "aws", input.account}
	msg := concat("", ["it names things of account ", arn.account])
}

deny contains {"rule": "reference.partition", "msg": msg, "address": address(type, name)} if {
	some type, named in input.resources
	some name, r in named
	some arn in r.arns
	not arn.partition in partitions
	msg := concat("", ["it names the partition ", arn.partition, ", where this region is not"])
}

# -- what no rule can read ---------------------------------------------------------------------------------------------
deny contains {"rule": "value.unreadable", "msg": msg, "address": address(type, name)} if {
	some type, named in input.resources
	some name, r in named
	some path in r.opaque
	not free(type, path)
	msg := concat("", [path, " cannot be judged: it is secret, or has quotes, backslashes or characters that cannot be printed"])
}

free(type, path) if {
	some prefix in present[type].free
	startswith(path, prefix)
}

# -- what each type must say, and must not (see the tables of the providers) --------------------------------------------
# `must`: all values at a path are among those given, one for each block; with `optional`, or none is there.
deny contains {"rule": want.rule, "msg": msg, "address": address(type, name)} if {
	some type, kind in present
	some want in kind.must
	some name, r in input.resources[type]
	not met(r, want)
	msg := concat("", [want.path, " must be ", concat(" or ", [sprintf("%v", [value]) | some value in want.values])])
}

met(r, want) if {
	values := r.values[want.path]
	count([value | some value in values; not value in want.values]) == 0
	whole_or_optional(r, want)
}

# Where there are several blocks, each says it.
whole_or_optional(r, want) if not want.path in r.partial

whole_or_optional(_, want) if want.optional == true

met(r, want) if {
	want.optional == true
	unsaid(r, want.path)
}

unsaid(r, path) if {
	not r.values[path]
	not r.refs[path]
	not r.mixed[path]
}

# `has`: a path that must be there, whatever it says.
deny contains {"rule": want.rule, "msg": msg, "address": address(type, name)} if {
	some type, kind in present
	some want in kind.has
	some name, r in input.resources[type]
	unsaid(r, want.path)
	msg := concat("", ["it does not say ", want.path])
}

# `never`: nothing may be said there, nor below it.
deny contains {"rule": want.rule, "msg": msg, "address": address(type, name)} if {
	some type, kind in present
	some want in kind.never
	some name, r in input.resources[type]
	said_below(r, want.path)
	msg := concat("", ["it may not say ", want.path])
}

said_below(r, path) if r.values[path]

said_below(r, path) if r.blocks[path]

said_below(r, path) if r.refs[path]

said_below(r, path) if r.mixed[path]

# `inside`: addresses there are of private networks.
deny contains {"rule": want.rule, "msg": msg, "address": address(type, name)} if {
	some type, kind in present
	some want in kind.inside
	some name, r in input.resources[type]
	some range in r.outside[want.path]
	msg := concat("", [want.path, " is ", range, ", which is not private"])
}

# `own`: references to things that this very stack makes, of the types given.
deny contains {"rule": want.rule, "msg": msg, "address": address(type, name)} if {
	some type, kind in present
	some want in kind.own
	some name, r in input.resources[type]
	not refers(r, want)
	msg := concat("", [want.path, " is not a thing of this stack"])
}

refers(r, want) if {
	refs := array.concat(object.get(r.refs, want.path, []), object.get(r.mixed, want.path, []))
	count(refs) > 0
	count([ref | some ref in refs; not split(ref, ".")[0] in want.types]) == 0
}

# `banned`: there is no such thing in any stack.
deny contains {"rule": ban.rule, "msg": ban.why, "address": address(type, name)} if {
	some type, kind in present
	ban := kind.banned
	some name, _ in input.resources[type]
}

# Changes that Terraform is told not to see are not judged either, so what is judged may not be among them.
deny contains {"rule": "plan.forbidden", "msg": msg, "address": address(type, name)} if {
	some type, named in input.resources
	some name, r in named
	some ignored in r.ignores
	not ignored in object.get(present[type], "ignorable", [])
	judged(type, ignored)
	msg := concat("", ["it ignores changes of ", ignored])
}

judged(_, "all")

judged(type, ignored) if {
	some part in ["keys", "places"]
	some path in present[type][part]
	split(path, ".")[0] == split(ignored, "[")[0]
}

judged(type, ignored) if {
	some part in ["must", "has", "never", "inside", "own"]
	some want in present[type][part]
	split(want.path, ".")[0] == split(ignored, "[")[0]
}

judged(type, ignored) if split(object.get(present[type], "labels", ""), ".")[0] == ignored

# -- secrets -----------------------------------------------------------------------------------------------------------
deny contains {"rule": "secret.clear", "msg": msg, "address": address(type, name)} if {
	some type, named in input.resources
	some name, r in named
	some path in r.secrets
	msg := concat("", [path, " is a secret in clear"])
}

deny contains {"rule": "secret.clear", "msg": msg, "address": ""} if {
	some name, provider in input.providers
	some path, _ in provider.values
	credential(path)
	msg := concat("", ["the provider ", name, " has a credential in clear: ", path])
}

credential(path) if {
	some last in {"access_key", "secret_key", "token", "credentials", "access_token", "password", "client_key"}
	at_end(path, last)
}

at_end(path, last) if path == last

at_end(path, last) if endswith(path, concat("", [".", last]))

deny contains {"rule": "tls.absent", "msg": msg, "address": ""} if {
	some name, provider in input.providers
	some path in {"insecure", "kubernetes.insecure", "skip_tls_verify", "plain_http"}
	some value in provider.values[path]
	not value == false
	msg := concat("", ["the provider ", name, " does not check who answers: ", path])
}

deny contains {"rule": "tls.absent", "msg": msg, "address": ""} if {
	some name, provider in input.providers
	some path in {"address", "host", "kubernetes.host"}
	some value in provider.values[path]
	not startswith(value, "https://")
	not startswith(value, "${")
	msg := concat("", ["the provider ", name, " does not speak TLS: ", path])
}

# -- policies of IAM ---------------------------------------------------------------------------------------------------
allowing contains {"type": type, "name": name, "path": path, "statement": statement} if {
	some type, named in input.resources
	some name, r in named
	some path, statements in r.documents
	some statement in statements
	not statement.effect == "Deny"
}

deny contains {"rule": "public.policy", "msg": msg, "address": address(one.type, one.name)} if {
	some one in allowing
	some principal in one.statement.principals
	principal in {"*", "AWS:*"}
	not confined(one)
	msg := concat("", [one.path, " lets anybody in"])
}

confined(one) if {
	some condition in one.statement.conditions
	some key in account_keys
	condition == concat("", [key, input.account])
}

# An endpoint is no door of its own: it lets through who has rights elsewhere. What it leads to must be named.
confined(one) if {
	one.type == "aws_vpc_endpoint"
	not "*" in one.statement.resources
}

account_keys := {concat(" ", ["StringEquals", key, ""]) | some key in {
	"aws:PrincipalAccount",
	"aws:SourceAccount",
	"kms:CallerAccount",
}}

deny contains {"rule": "iam.wildcard", "msg": msg, "address": address(one.type, one.name)} if {
	some one in allowing
	not one.type in {"aws_vpc_endpoint", "aws_kms_key", "aws_kms_key_policy"} # their resource is the thing itself
	boundless(one.statement)
	not boundary(one)
	msg := concat("", [one.path, " allows everything, or everything but"])
}

boundless(statement) if count(statement.not) > 0

boundless(statement) if {
	some action in statement.actions
	action in {"*", "sudo", "root", "unreadable"}
}

boundless(statement) if {
	"*" in statement.resources
	some action in statement.actions
	endswith(action, ":*")
}

boundless(statement) if not statement.effect == "Allow"

# The most that roles may ever do: it allows nothing by itself, and denies every other place.
boundary(one) if {
	one.type == "aws_iam_policy"
	some statement in input.resources[one.type][one.name].documents.policy
	statement.effect == "Deny"
	some place in input.locations
	statement.conditions == [concat(" ", ["StringNotEquals aws:RequestedRegion", place])]
	"*" in statement.resources
	all_but_global(statement)
}

all_but_global(statement) if statement.actions == ["*"]

all_but_global(statement) if {
	statement.not == ["NotAction"]
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

# -- deletion and cost -------------------------------------------------------------------------------------------------
deny contains {"rule": "delete.protected", "msg": msg, "address": address(gone.type, gone.name)} if {
	some gone in input.deletes
	not input.destroy == true
	not harmless(gone.type)
	msg := concat("", ["a ", gone.type, " would be deleted, and what it holds with it"])
}

harmless(type) if {
	present[type]
	not present[type].keeps == true
}

deny contains {"rule": "budget.over", "msg": msg, "address": ""} if {
	input.cost.month_high > input.cost.limit
	msg := sprintf("a month may cost %v, and the budget is %v", [input.cost.month_high, input.cost.limit])
}
