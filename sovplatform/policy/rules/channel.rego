# What this region accepts. Asked at the destination, after the peer, the decision and its signature were verified.
package sovplatform.channel

import rego.v1

required := {"parties", "files", "format", "tensors", "signature", "decision"}

default allow := false

allow if {
	count(deny) == 0
	count(grants) > 0
	count(sound) == count(required)
}

# Inspectors that have nothing against it.
sound contains name if {
	some name in required
	input.findings[name].ok == true
}

fitting contains rule if {
	some rule in input.export
	rule.kind == input.artifact.kind
	rule.source == input.source.role
	rule.destination == input.destination.role
	is_number(input.artifact.size)
	is_number(rule.max_bytes)
	input.artifact.size <= rule.max_bytes
}

grants contains id if {
	some rule in fitting
	id := sprintf("accept.%s.%s-%s", [rule.kind, rule.source, rule.destination])
}

deny contains {"rule": "accept.kind", "msg": msg} if {
	count(fitting) == 0
	msg := sprintf(
		"no rule of this region for kind %s of %d bytes from a %s region",
		[input.artifact.kind, input.artifact.size, input.source.role],
	)
}

deny contains {"rule": "data.raw", "msg": "raw data is not taken in"} if input.artifact.kind == "dataset"

deny contains {"rule": "label.residency", "msg": msg} if {
	not residency_permitted
	msg := sprintf("its label does not let it rest in %s", [input.destination.jurisdiction])
}

residency_permitted if "*" in input.artifact.label.residency

residency_permitted if input.destination.jurisdiction in input.artifact.label.residency

deny contains {"rule": "privacy.evidence", "msg": "it carries no evidence of a privacy mechanism"} if {
	input.source.role == "sovereign"
	input.artifact.kind in {"update", "statistics"}
	input.artifact.evidence != true
}

deny contains {"rule": "inspection.absent", "msg": msg} if {
	some name in required
	not input.findings[name]
	msg := sprintf("inspector %s said nothing", [name])
}

deny contains {"rule": id, "msg": msg} if {
	some name, finding in input.findings
	some reason in finding.reasons
	id := sprintf("inspection.%s", [name])
	msg := sprintf("%s: %s", [name, reason])
}

deny contains {"rule": id, "msg": msg} if {
	some name, finding in input.findings
	finding.ok != true
	count(finding.reasons) == 0
	id := sprintf("inspection.%s", [name])
	msg := sprintf("%s: refused without a reason", [name])
}
