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
network_ways := {"spec.egress.to": "public.egress", "spec.ingress.from": "public.ingress"}

# A rule that names nobody is about everybody, whatever the rules beside it name.
deny contains {"rule": rule, "msg": msg, "address": address("kubernetes_network_policy_v1", name)} if {
	named := input.resources.kubernetes_network_policy_v1
	some name
	r := named[name]
	some path, rule in network_ways
	names_nobody(r, path)
	msg := concat("", [path, " is not said in each rule"])
}

names_nobody(r, path) if path in r.partial

names_nobody(r, path) if path in r.hollow

names_nobody(r, path) if parent(path) in r.hollow

deny contains {"rule": rule, "msg": msg, "address": address("kubernetes_network_policy_v1", name)} if {
	named := input.resources.kubernetes_network_policy_v1
	some name
	r := named[name]
	some way, rule in network_ways
	path := concat(".", [way, "namespace_selector"])
	selects_all(r, path)
	msg := concat("", [path, " is every namespace of the cluster"])
}

selects_all(r, path) if path in r.hollow

selects_all(r, path) if {
	some operator in r.values[concat(".", [path, "match_expressions", "operator"])]
	operator != "In"
}

# What is known only after the apply, nobody has judged.
deny contains {"rule": rule, "msg": msg, "address": address("kubernetes_network_policy_v1", name)} if {
	named := input.resources.kubernetes_network_policy_v1
	some name
	r := named[name]
	some way, rule in network_ways
	some part in ["refs", "mixed"]
	some path, _ in r[part]
	leads_to(path, way)
	msg := concat("", [path, " is not written out"])
}

leads_to(path, way) if startswith(path, concat("", [way, "."]))

leads_to(path, way) if path in {"spec", parent(way), way}

# Without a policy for all of its pods, a namespace is open.
deny contains {"rule": "namespace.unguarded", "msg": msg, "address": address("kubernetes_namespace_v1", name)} if {
	named := input.resources.kubernetes_namespace_v1
	some name
	r := named[name]
	some way in ["Egress", "Ingress"]
	not walled(r, way)
	msg := concat("", ["no network policy is for ", lower(way), " of all its pods"])
}

walled(r, way) if way in r.walls
