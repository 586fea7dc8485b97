# What the tables of the providers ask of each type: what it must say, may not say, and refers to.
package sovplatform.infrastructure

import rego.v1

# -- keys --------------------------------------------------------------------------------------------------------------
deny contains {
	"rule": "key.own",
	"msg": concat("", [path, " is not the region's own key"]),
	"address": address(type, name),
} if {
	kinds := present
	some type, kind in kinds
	some path in kind.keys
	named := input.resources[type]
	found := [each |
		some each
		r := named[each]
		not keyed(r, path, blocks_above[path])
	]
	some name in found
}

# One for each block `above` it, and each of them a key.
keyed(r, path, above) if {
	refs := r.refs[path]
	count(refs) >= object.get(r.blocks, above, 1)
	not partly(r, path)
	not leads_to_another_key(refs)
}

leads_to_another_key(refs) if {
	some ref in refs
	not own_key(ref)
}

blocks_above[path] := parent(path) if {
	some kind in present
	some path in kind.keys
}

# "" is no list of blocks, so one reference is wanted there.
parent(path) := concat(".", array.slice(split(path, "."), 0, count(split(path, ".")) - 1))

# The key itself, not what is told of it: an alias or a description may be anybody's.
own_key(ref) if {
	parts := split(ref, ".")
	parts == [parts[0], parts[1], parts[2]]
	among(parts[2], key_attributes[parts[0]])
	regex.match("^[A-Za-z0-9_-]+$", parts[1])
}

key_attributes := {
	"aws_kms_key": ["arn", "id", "key_id"],
	"google_kms_crypto_key": ["id"],
	"google_kms_crypto_key_iam_member": ["crypto_key_id"],
	"vault_transit_secret_backend_key": ["id", "name"],
}

own_key(ref) if {
	startswith(ref, "var.")
	variable := input.variables[substring(ref, 4, -1)]
	variable.region == input.region.name
	variable.output == "keys_data"
}

# -- what each type must say, and must not (see the tables of the providers) --------------------------------------------
# `must`: all values at a path are among those given, one for each block; with `optional`, or none is there.
deny contains {
	"rule": want.rule,
	"msg": concat("", [want.path, " must be ", concat(" or ", [sprintf("%v", [value]) | some value in want.values])]),
	"address": address(type, name),
} if {
	kinds := present
	some type, kind in kinds
	some want in kind.must
	named := input.resources[type]
	found := [each |
		some each
		r := named[each]
		not met(r, want)
	]
	some name in found
}

met(r, want) if {
	values := r.values[want.path]
	not others(values, want.values)
	whole_or_optional(r, want)
}

others(values, wanted) if {
	some value in values
	not among(value, wanted)
}

among(value, wanted) if {
	some one in wanted
	one == value
}

# Where there are several blocks, each says it.
whole_or_optional(r, want) if not partly(r, want.path)

partly(r, path) if {
	some one in r.partial
	one == path
}

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
deny contains {
	"rule": want.rule,
	"msg": concat("", ["it does not say ", want.path]),
	"address": address(type, name),
} if {
	kinds := present
	some type, kind in kinds
	some want in kind.has
	named := input.resources[type]
	found := [each |
		some each
		r := named[each]
		unsaid(r, want.path)
	]
	some name in found
}

# `never`: nothing may be said there, nor below it.
deny contains {
	"rule": want.rule,
	"msg": concat("", ["it may not say ", want.path]),
	"address": address(type, name),
} if {
	kinds := present
	some type, kind in kinds
	some want in kind.never
	named := input.resources[type]
	found := [each |
		some each
		r := named[each]
		said_below(r, want.path)
	]
	some name in found
}

said_below(r, path) if r.values[path]

said_below(r, path) if r.blocks[path]

said_below(r, path) if r.refs[path]

said_below(r, path) if r.mixed[path]

# `inside`: addresses there are of private networks.
deny contains {
	"rule": want.rule,
	"msg": concat("", [want.path, " is ", range, ", which is not private"]),
	"address": address(type, name),
} if {
	kinds := present
	some type, kind in kinds
	some want in kind.inside
	named := input.resources[type]
	some name, r in named
	some range in r.outside[want.path]
}

# `own`: references to things that this very stack makes, of the types given.
deny contains {
	"rule": want.rule,
	"msg": concat("", [want.path, " is not a thing of this stack"]),
	"address": address(type, name),
} if {
	kinds := present
	some type, kind in kinds
	some want in kind.own
	named := input.resources[type]
	found := [each |
		some each
		r := named[each]
		not refers(r, want)
	]
	some name in found
}

refers(r, want) if {
	r.refs
	r.mixed
	some part in ["refs", "mixed"]
	some _ in r[part][want.path]
	not refers_elsewhere(r, want)
}

refers_elsewhere(r, want) if {
	some part in ["refs", "mixed"]
	some ref in r[part][want.path]
	not among(split(ref, ".")[0], want.types)
}

# `banned`: there is no such thing in any stack.
deny contains {"rule": ban.rule, "msg": ban.why, "address": address(type, name)} if {
	kinds := present
	some type, kind in kinds
	ban := kind.banned
	named := input.resources[type]
	some name, _ in named
}

# Changes that Terraform is told not to see are not judged either, so what is judged may not be among them.
deny contains {
	"rule": "plan.forbidden",
	"msg": concat("", ["it ignores changes of ", one.path]),
	"address": address(one.type, one.name),
} if {
	noted := input.notes.ignores
	some one in noted
	not one.path in object.get(present[one.type], "ignorable", [])
	judged(one.type, one.path)
}

judged(_, "all") := true

judged(type, ignored) if among(split(ignored, "[")[0], judged_arguments[type])

judged_arguments[type] := placed | wanted if {
	kinds := present
	some type, kind in kinds
	placed := {split(path, ".")[0] |
		some part in ["keys", "places"]
		some path in kind[part]
	}
	wanted := {split(want.path, ".")[0] |
		some part in ["must", "has", "never", "inside", "own"]
		some want in kind[part]
	}
}

judged(type, ignored) if split(object.get(present[type], "labels", ""), ".")[0] == ignored
