# What a chart is given that goes beyond its own settings: objects that it applies as they are, and ways to reach it from outside.
package sovplatform.infrastructure

import rego.v1

# -- objects in a chart's values -------------------------------------------------------------------------------------------
# As with manifests, only what is known to be harmless.
deny contains {"rule": "type.unknown", "msg": msg, "address": address("helm_release", name)} if {
	named := input.resources.helm_release
	some name
	r := named[name]
	some one in r.objects
	not known_object(one)
	msg := concat("", [one.path, " has a ", one.kind, ", and no rule knows what it may be in a chart's values"])
}

known_object(one) if one.kind == "cert-manager.io/v1/Certificate"

# An issuer inside the cluster: any other would tell its names to somebody outside.
known_object(one) if {
	one.kind == "cert-manager.io/v1/Issuer"
	not asks_outside(one)
}

asks_outside(one) if {
	some section in ["blocks", "values"]
	some path, _ in one[section]
	startswith(path, "spec.")
	part := split(path, ".")[1]
	not part in {"ca", "selfSigned"}
}

deny contains {"rule": "value.unreadable", "msg": msg, "address": address("helm_release", name)} if {
	named := input.resources.helm_release
	some name
	r := named[name]
	some path in r.unread
	msg := concat("", [path, " is a template, or a manifest that cannot be read"])
}

# -- ways in from outside --------------------------------------------------------------------------------------------------
# `doors` are found where the document is made: to look at each path of each chart here takes long.
deny contains {"rule": "public.balancer", "msg": msg, "address": address("helm_release", name)} if {
	named := input.resources.helm_release
	some name
	r := named[name]
	some path in r.doors
	some value in r.values[path]
	not value in {false, "false"}
	msg := concat("", [path, ": it would be reached from outside"])
}
