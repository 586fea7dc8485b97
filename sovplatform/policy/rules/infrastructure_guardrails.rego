# Guardrails of an organisation on AWS, and walls of a namespace: what forbids must do so, and for everybody.
package sovplatform.infrastructure

import rego.v1

# -- control policies ------------------------------------------------------------------------------------------------------
deny contains {"rule": "guardrail.weak", "msg": msg, "address": address(one.type, one.name)} if {
	noted := input.notes.statements
	some one in noted
	one.type == "aws_organizations_policy"
	not one.statement.effect == "Deny"
	msg := concat("", [one.path, " allows something: a control policy only forbids"])
}

deny contains {"rule": "guardrail.weak", "msg": msg, "address": address("aws_organizations_policy", name)} if {
	named := input.resources.aws_organizations_policy
	some name
	named[name]
	not boundary({"type": "aws_organizations_policy", "name": name})
	msg := "content does not forbid everything outside the region's places"
}

deny contains {"rule": "guardrail.weak", "msg": msg, "address": address("aws_organizations_policy", name)} if {
	named := input.resources.aws_organizations_policy
	some name
	r := named[name]
	not attached_to_somebody(r)
	msg := "it is attached to nobody"
}

attached_to_somebody(r) if {
	some attachment in r.attached.aws_organizations_policy_attachment
	count(attachment.values.target_id) == 1
}

# -- network policies ------------------------------------------------------------------------------------------------------
# What each direction is called where; written out, as to put it together for each policy takes long.
network_ways := [
	{
		"rule": "public.egress",
		"path": "spec.egress.to",
		"inside": "spec.egress.to.",
		"above": ["spec", "spec.egress", "spec.egress.to"],
		"namespaces": "spec.egress.to.namespace_selector",
		"operators": "spec.egress.to.namespace_selector.match_expressions.operator",
	},
	{
		"rule": "public.ingress",
		"path": "spec.ingress.from",
		"inside": "spec.ingress.from.",
		"above": ["spec", "spec.ingress", "spec.ingress.from"],
		"namespaces": "spec.ingress.from.namespace_selector",
		"operators": "spec.ingress.from.namespace_selector.match_expressions.operator",
	},
]

# A rule that names nobody is about everybody, whatever the rules beside it name.
deny contains {"rule": way.rule, "msg": msg, "address": address("kubernetes_network_policy_v1", name)} if {
	named := input.resources.kubernetes_network_policy_v1
	some way in network_ways
	found := [each |
		some each
		r := named[each]
		names_nobody(r, way)
	]
	some name in found
	msg := concat("", [way.path, " is not said in each rule"])
}

names_nobody(r, way) if among(way.path, r.partial)

names_nobody(r, way) if {
	some path in r.hollow
	path != "spec"
	among(path, way.above)
}

deny contains {"rule": way.rule, "msg": msg, "address": address("kubernetes_network_policy_v1", name)} if {
	named := input.resources.kubernetes_network_policy_v1
	some way in network_ways
	found := [each |
		some each
		r := named[each]
		selects_all(r, way)
	]
	some name in found
	msg := concat("", [way.namespaces, " is every namespace of the cluster"])
}

selects_all(r, way) if among(way.namespaces, r.hollow)

selects_all(r, way) if {
	some operator in r.values[way.operators]
	operator != "In"
}

# What is known only after the apply, nobody has judged.
deny contains {"rule": way.rule, "msg": msg, "address": address("kubernetes_network_policy_v1", one[0])} if {
	named := input.resources.kubernetes_network_policy_v1
	some way in network_ways
	found := [[each, path] |
		some each
		r := named[each]
		some part in ["refs", "mixed"]
		told := r[part]
		some path
		told[path]
		leads_to(path, way)
	]
	some one in found
	msg := concat("", [one[1], " is not written out"])
}

leads_to(path, way) if among(path, way.above)

leads_to(path, way) if startswith(path, way.inside)

# Without a policy for all of its pods, a namespace is open.
deny contains {"rule": "namespace.unguarded", "msg": msg, "address": address("kubernetes_namespace_v1", name)} if {
	named := input.resources.kubernetes_namespace_v1
	some way in ["Egress", "Ingress"]
	found := [each |
		some each
		r := named[each]
		not walled(r, way)
	]
	some name in found
	msg := concat("", ["no network policy is for ", lower(way), " of all its pods"])
}

# Asked of the rule and not of `among`: with walls that are not told, stock OPA would leave the resource out.
walled(r, way) if among(way, r.walls)
