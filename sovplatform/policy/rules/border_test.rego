# Cases for border.rego: `opa test` runs them here; the platform's own tests run the same cases in the gate's interpreter.
package sovplatform.border_test

import rego.v1

import data.sovplatform.border

silent := {"ok": true, "reasons": [], "facts": {}}

update := {
	"artifact": {"kind": "update", "size": 100, "label": {"residency": ["*"], "sensitivity": "internal"}},
	"source": {"name": "de", "role": "sovereign", "jurisdiction": "DE"},
	"destination": {"name": "us", "role": "global", "jurisdiction": "US"},
	"purpose": "training",
	"export": [
		{"kind": "update", "source": "sovereign", "destination": "global", "max_bytes": 100, "privacy": true},
		{"kind": "model", "source": "global", "destination": "sovereign", "max_bytes": 1000, "privacy": false},
		{"kind": "model", "source": "sovereign", "destination": "global", "max_bytes": 1000, "privacy": false},
		{"kind": "dataset", "source": "sovereign", "destination": "global", "max_bytes": 1000, "privacy": false},
		{"kind": "report", "source": "sovereign", "destination": "global", "max_bytes": 1000, "privacy": true},
	],
	"findings": {
		"parties": silent,
		"files": silent,
		"format": silent,
		"tensors": silent,
		"signature": silent,
		"labels": {"ok": true, "reasons": [], "facts": {"declassified": true}},
		"privacy": {"ok": true, "reasons": [], "facts": {"accounted": true}},
	},
}

unaccounted := json.patch(update, [{"op": "add", "path": "/findings/privacy/facts/accounted", "value": false}])

model := json.patch(unaccounted, [
	{"op": "add", "path": "/artifact/kind", "value": "model"},
	{"op": "add", "path": "/source", "value": {"name": "us", "role": "global", "jurisdiction": "US"}},
	{"op": "add", "path": "/destination", "value": {"name": "de", "role": "sovereign", "jurisdiction": "DE"}},
	{"op": "add", "path": "/findings/labels/facts/declassified", "value": false},
])

cases := {
	"an accounted update is allowed": {"input": update, "allow": true, "rules": set()},
	"a model needs no evidence when nothing was declassified": {"input": model, "allow": true, "rules": set()},
	"an update without evidence is denied": {"input": unaccounted, "allow": false, "rules": {"privacy.evidence"}},
	"a declassified model without evidence is denied": {
		"input": json.patch(model, [{"op": "add", "path": "/findings/labels/facts/declassified", "value": true}]),
		"allow": false,
		"rules": {"privacy.evidence"},
	},
	"a model whose labels were not looked at needs evidence": {
		"input": json.patch(model, [{"op": "remove", "path": "/findings/labels/facts/declassified"}]),
		"allow": false,
		"rules": {"privacy.evidence"},
	},
	"a rule can demand evidence of any kind": {
		"input": json.patch(unaccounted, [
			{"op": "add", "path": "/artifact/kind", "value": "report"},
			{"op": "add", "path": "/findings/labels/facts/declassified", "value": false},
		]),
		"allow": false,
		"rules": {"privacy.evidence"},
	},
	"evidence that was refused does not count": {
		"input": json.patch(update, [
			{"op": "add", "path": "/findings/privacy/ok", "value": false},
			{"op": "add", "path": "/findings/privacy/reasons", "value": ["over"]},
		]),
		"allow": false,
		"rules": {"privacy.evidence", "inspection.privacy"},
	},
	"evidence that was not looked at does not count": {
		"input": json.patch(update, [{"op": "remove", "path": "/findings/privacy"}]),
		"allow": false,
		"rules": {"privacy.evidence", "inspection.absent"},
	},
	"one byte over the limit is denied": {
		"input": json.patch(update, [{"op": "add", "path": "/artifact/size", "value": 101}]),
		"allow": false,
		"rules": {"export.size"},
	},
	"a kind without a rule is denied": {
		"input": json.patch(update, [{"op": "add", "path": "/artifact/kind", "value": "statistics"}]),
		"allow": false,
		"rules": {"export.kind"},
	},
	"a rule is for roles": {
		"input": json.patch(update, [{"op": "add", "path": "/destination/role", "value": "edge"}]),
		"allow": false,
		"rules": {"export.kind"},
	},
	"no rules at all deny": {
		"input": json.patch(update, [{"op": "add", "path": "/export", "value": []}]),
		"allow": false,
		"rules": {"export.kind"},
	},
	"raw data is denied even with a rule": {
		"input": json.patch(update, [{"op": "add", "path": "/artifact/kind", "value": "dataset"}]),
		"allow": false,
		"rules": {"data.raw"},
	},
	"a label elsewhere is denied": {
		"input": json.patch(update, [{"op": "add", "path": "/artifact/label/residency", "value": ["DE", "FR"]}]),
		"allow": false,
		"rules": {"label.residency"},
	},
	"a label nowhere is denied": {
		"input": json.patch(update, [{"op": "add", "path": "/artifact/label/residency", "value": []}]),
		"allow": false,
		"rules": {"label.residency"},
	},
	"a label there is allowed": {
		"input": json.patch(update, [{"op": "add", "path": "/artifact/label/residency", "value": ["DE", "US"]}]),
		"allow": true,
		"rules": set(),
	},
	"a reason against is a denial under the inspector's name": {
		"input": json.patch(update, [
			{"op": "add", "path": "/findings/files/ok", "value": false},
			{"op": "add", "path": "/findings/files/reasons", "value": ["changed", "odd"]},
		]),
		"allow": false,
		"rules": {"inspection.files"},
	},
	"a refusal without a reason is one too": {
		"input": json.patch(update, [{"op": "add", "path": "/findings/pii", "value": {"ok": false, "reasons": [], "facts": {}}}]),
		"allow": false,
		"rules": {"inspection.pii"},
	},
	"reasons count even when it says it is fine": {
		"input": json.patch(update, [{"op": "add", "path": "/findings/tensors/reasons", "value": ["odd"]}]),
		"allow": false,
		"rules": {"inspection.tensors"},
	},
	"an inspector that said nothing is a denial": {
		"input": json.patch(update, [{"op": "remove", "path": "/findings/format"}]),
		"allow": false,
		"rules": {"inspection.absent"},
	},
	"an inspector that speaks in riddles does not allow": {
		"input": json.patch(update, [{"op": "add", "path": "/findings/format/ok", "value": "yes"}]),
		"allow": false,
		"rules": {"inspection.format"},
	},
	"what says nothing of itself does not cross": {
		"input": json.patch(update, [{"op": "remove", "path": "/artifact"}]),
		"allow": false,
		"rules": {"label.residency"},
	},
}

denied(document) := {denial.rule | some denial in border.deny with input as document}

allowed(document) if border.allow with input as document

wrong contains name if {
	some name, case in cases
	case.rules - denied(case.input) != set()
}

wrong contains name if {
	some name, case in cases
	case.allow
	count(denied(case.input)) > 0
}

wrong contains name if {
	some name, case in cases
	case.allow
	not allowed(case.input)
}

wrong contains name if {
	some name, case in cases
	not case.allow
	allowed(case.input)
}

test_cases if count(wrong) == 0

test_nothing_is_allowed_without_input if {
	document := {}
	not allowed(document)
}
