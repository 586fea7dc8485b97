# What may leave this region. Asked by the gate, in the source region, before anything crosses.
# The built-in inspectors' findings are facts here; a finding that is missing is a denial.
package sovplatform.border

import rego.v1

required := {"parties", "files", "format", "tensors", "labels", "signature", "privacy"}

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

# Export rules of the pilot for this kind of artifact between regions of these roles.
candidates contains rule if {
	some rule in input.export
	rule.kind == input.artifact.kind
	rule.source == input.source.role
	rule.destination == input.destination.role
}

fitting contains rule if {
	some rule in candidates
	is_number(input.artifact.size)
	is_number(rule.max_bytes)
	input.artifact.size <= rule.max_bytes
}

evidence_demanded if {
	input.source.role == "sovereign"
	input.artifact.kind in {"update", "statistics"}
}

# Also when the labels were not inspected.
evidence_demanded if not input.findings.labels.facts.declassified == false

evidence_demanded if {
	some rule in candidates
	rule.privacy == true
}

accounted if {
	input.findings.privacy.ok == true
	input.findings.privacy.facts.accounted == true
}

grants contains id if {
	some rule in fitting
	id := sprintf("export.%s.%s-%s", [rule.kind, rule.source, rule.destination])
}

deny contains {"rule": "export.kind", "msg": msg} if {
	count(candidates) == 0
	msg := sprintf(
		"no export rule for kind %s from a %s to a %s region",
		[input.artifact.kind, input.source.role, input.destination.role],
	)
}

deny contains {"rule": "export.size", "msg": msg} if {
	count(candidates) > 0
	count(fitting) == 0
	msg := sprintf("it has %d bytes, more than the export rule allows", [input.artifact.size])
}

deny contains {"rule": "data.raw", "msg": "raw data never crosses"} if input.artifact.kind == "dataset"

deny contains {"rule": "label.residency", "msg": msg} if {
	not residency_permitted
	msg := sprintf("its label does not let it rest in %s", [input.destination.jurisdiction])
}

residency_permitted if "*" in input.artifact.label.residency

residency_permitted if input.destination.jurisdiction in input.artifact.label.residency

deny contains {"rule": "privacy.evidence", "msg": "it has no evidence that its privacy was accounted for"} if {
	evidence_demanded
	not accounted
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
