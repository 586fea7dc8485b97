# What a plan may do. Asked of every stack's plan before anything is applied; the document is made by
# sovplatform/infrastructure/document.py. What is not known here is denied: types, places, keys, references.
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
	is_string(input.account)
	is_string(input.mirror)
	is_number(input.stack.week)
	is_array(input.sources)
	count(input.locations) > 0
	is_object(input.resources)
	is_object(input.data)
	is_object(input.providers)
	is_object(input.notes)
}

deny contains {"rule": "plan.incomplete", "msg": "the plan is broken off, or not of the whole stack", "address": ""} if not whole

deny contains {
	"rule": "plan.forbidden",
	"msg": concat("", ["no stack may have this: ", what]),
	"address": "",
} if {
	some what in input.forbidden
}

# -- types -------------------------------------------------------------------------------------------------------------
# Of the tables only what this plan is about: they are large, and looked up often.
present[type] := kind if {
	kinds := aws_kinds
	some type in concerned
	kind := kinds[type]
}

present[type] := kind if {
	kinds := google_kinds
	some type in concerned
	kind := kinds[type]
}

present[type] := kind if {
	kinds := kubernetes_kinds
	some type in concerned
	kind := kinds[type]
}

concerned := object.keys(input.resources) | {gone.type | some gone in input.deletes}

deny contains {
	"rule": "type.unknown",
	"msg": concat("", ["no rule knows what a ", type, " may be"]),
	"address": address(type, name),
} if {
	some type in object.keys(input.resources)
	not present[type]
	named := input.resources[type]
	some name, _ in named
}

deny contains {
	"rule": "type.unknown",
	"msg": concat("", ["no rule knows what reading a ", type, " may tell"]),
	"address": concat("", ["data.", address(type, name)]),
} if {
	some type, named in input.data
	not type in readable
	some name, _ in named
}

readable := aws_readable | google_readable

address(type, name) := concat(".", [type, name])

# -- labels ------------------------------------------------------------------------------------------------------------
marks := concat(" ", [
	"managed-by=sovplatform",
	concat("", ["sov-jurisdiction=", lower(input.region.jurisdiction)]),
	concat("", ["sov-pilot=", input.pilot]),
	concat("", ["sov-region=", input.region.name]),
	concat("", ["sov-role=", input.region.role]),
	concat("", ["sov-week=", format_int(input.stack.week, 10)]),
])

deny contains {
	"rule": "label.missing",
	"msg": concat("", [kind.labels, " do not say ", marks]),
	"address": address(type, name),
} if {
	kinds := present
	some type, kind in kinds
	named := input.resources[type]
	found := [each |
		some each
		r := named[each]
		not r.marks[kind.labels] == marks
		kind.labels
	]
	some name in found
}

# What may be undefined is asked for inside a function, here and everywhere: stock OPA takes references out of a negated call,
# so that `not f(r.missing)` and `not x in r.missing` are undefined there, not true, and would deny nothing.
says(r, path, value) if {
	some one in r.values[path]
	one == value
}

# -- places ------------------------------------------------------------------------------------------------------------
deny contains {
	"rule": "place.resource",
	"msg": concat("", [path, " is ", place, ", which is not among the region's places"]),
	"address": address(type, name),
} if {
	kinds := present
	some type, kind in kinds
	some path in kind.places
	named := input.resources[type]
	some name, r in named
	some place in r.values[path]
	not here(place)
}

here(place) if {
	some one in input.locations
	one == place
}

# Where it says nothing, the cloud would choose.
deny contains {
	"rule": "place.resource",
	"msg": concat("", ["it does not say where it is: ", concat(" or ", paths)]),
	"address": address(type, name),
} if {
	kinds := present
	some type, kind in kinds
	paths := kind.places
	named := input.resources[type]
	found := [each |
		some each
		r := named[each]
		not says_any(r, paths)
	]
	some name in found
}

says_any(r, paths) if {
	some path in paths
	some _ in r.values[path]
}

deny contains {
	"rule": "place.resource",
	"msg": concat("", ["region is ", place, ", which is not among the region's places"]),
	"address": resource,
} if {
	noted := input.notes.regions
	some place, resources in noted
	not place in input.locations
	some resource in resources
}

deny contains {
	"rule": "place.jurisdiction",
	"msg": concat("", [place, " is not known to be in ", input.region.jurisdiction]),
	"address": "",
} if {
	some place in input.locations
	clouded
	not lies_in(place, input.region.jurisdiction)
}

lies_in(place, jurisdiction) if country(place) == jurisdiction

clouded if input.providers.aws

clouded if input.providers.google

deny contains {
	"rule": "place.provider",
	"msg": concat("", ["nobody knows where the provider ", name, " works"]),
	"address": "",
} if {
	some name, _ in input.providers
	not name in {"aws", "google", "helm", "kubernetes", "vault"}
}

deny contains {
	"rule": "place.provider",
	"msg": concat("", ["the provider ", name, " does not say that it works in one of the region's places"]),
	"address": "",
} if {
	some name in {"aws", "google"}
	provider := input.providers[name]
	not placed(provider)
}

# Without a configuration the environment would say where it works.
deny contains {
	"rule": "place.provider",
	"msg": concat("", ["the provider ", name, " has no configuration that says where it works"]),
	"address": "",
} if {
	some name in {"aws", "google", "helm", "kubernetes", "vault"}
	name in needed
	not input.providers[name]
}

needed contains split(type, "_")[0] if {
	types := object.keys(input.resources) | object.keys(input.data)
	some type in types
}

placed(provider) if {
	count(provider.values.region) == 1
	provider.values.region[0] in input.locations
}

# -- the state ---------------------------------------------------------------------------------------------------------
deny contains {"rule": "state.outside", "msg": "the state does not rest encrypted inside the region", "address": ""} if not state_inside

state_inside if {
	input.backend.type == "s3"
	count(foreign_state) == 0
	placed_in_configuration
	input.backend.configuration.encrypt == [true]
	count(input.backend.configuration.kms_key_id) == 1
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
	object.get(input.backend.configuration, "insecure", [false]) == [false]
}

state_inside if {
	input.backend.type == "http"
	startswith(input.backend.configuration.address[0], "https://")
	object.get(input.backend.configuration, "skip_cert_verification", [false]) == [false]
	not clouded
}

placed_in_configuration if input.backend.configuration.region[0] in input.locations

foreign_state contains code if {
	some code in input.backend.mentions
	not code in input.locations
}

# -- deletion and cost -------------------------------------------------------------------------------------------------
deny contains {
	"rule": "delete.protected",
	"msg": concat("", ["a ", gone.type, " would be deleted, and what it holds with it"]),
	"address": address(gone.type, gone.name),
} if {
	some gone in input.deletes
	not input.destroy == true
	not harmless(gone.type)
}

harmless(type) if {
	present[type]
	not present[type].keeps == true
}

deny contains {
	"rule": "budget.over",
	"msg": sprintf("a month may cost %v, and the budget is %v", [input.cost.month_high, input.cost.limit]),
	"address": "",
} if {
	input.cost.month_high > input.cost.limit
}

deny contains {"rule": "budget.over", "msg": msg, "address": ""} if {
	input.cost.unknown > 0
	msg := "machines have no price, so nobody knows that a month is within the budget: `sovctl cost` names them"
}
