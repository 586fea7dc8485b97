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

# The document with some places changed; places are JSON pointers.
changed(document, changes) := result if {
	patches := [patch |
		some path, value in changes
		patch := {"op": "add", "path": path, "value": value}
	]
	result := json.patch(document, patches)
}

without(document, path) := json.patch(document, [{"op": "remove", "path": path}])

unaccounted := changed(update, {"/findings/privacy/facts/accounted": false})

model := changed(unaccounted, {
	"/artifact/kind": "model",
	"/source": {"name": "us", "role": "global", "jurisdiction": "US"},
	"/destination": {"name": "de", "role": "sovereign", "jurisdiction": "DE"},
	"/findings/labels/facts/declassified": false,
})

cases := {
	"an accounted update is allowed": {"input": update, "allow": true, "rules": set()},
	"a model needs no evidence when nothing was declassified": {"input": model, "allow": true, "rules": set()},
	"an update without evidence is denied": {"input": unaccounted, "allow": false, "rules": {"privacy.evidence"}},
	"a declassified model without evidence is denied": {
		"input": changed(model, {"/findings/labels/facts/declassified": true}),
		"allow": false,
		"rules": {"privacy.evidence"},
	},
	"a model whose labels were not looked at needs evidence": {
		"input": without(model, "/findings/labels/facts/declassified"),
		"allow": false,
		"rules": {"privacy.evidence"},
	},
	"a rule can demand evidence of any kind": {
		"input": changed(unaccounted, {"/artifact/kind": "report", "/findings/labels/facts/declassified": false}),
		"allow": false,
		"rules": {"privacy.evidence"},
	},
	"evidence that was refused does not count": {
		"input": changed(update, {"/findings/privacy/ok": false, "/findings/privacy/reasons": ["over"]}),
		"allow": false,
		"rules": {"privacy.evidence", "inspection.privacy"},
	},
	"evidence that was not looked at does not count": {
		"input": without(update, "/findings/privacy"),
		"allow": false,
		"rules": {"privacy.evidence", "inspection.absent"},
	},
	"one byte over the limit is denied": {
		"input": changed(update, {"/artifact/size": 101}),
		"allow": false,
		"rules": {"export.size"},
	},
	"a kind without a rule is denied": {
		"input": changed(update, {"/artifact/kind": "statistics"}),
		"allow": false,
		"rules": {"export.kind"},
	},
	"a rule is for roles": {
		"input": changed(update, {"/destination/role": "edge"}),
		"allow": false,
		"rules": {"export.kind"},
	},
	"no rules at all deny": {
		"input": changed(update, {"/export": []}),
		"allow": false,
		"rules": {"export.kind"},
	},
	"raw data is denied even with a rule": {
		"input": changed(update, {"/artifact/kind": "dataset"}),
		"allow": false,
		"rules": {"data.raw"},
	},
	"a label elsewhere is denied": {
		"input": changed(update, {"/artifact/label/residency": ["DE", "FR"]}),
		"allow": false,
		"rules": {"label.residency"},
	},
	"a label nowhere is denied": {
		"input": changed(update, {"/artifact/label/residency": []}),
		"allow": false,
		"rules": {"label.residency"},
	},
	"a label there is allowed": {
		"input": changed(update, {"/artifact/label/residency": ["DE", "US"]}),
		"allow": true,
		"rules": set(),
	},
	"a reason against is a denial under the inspector's name": {
		"input": changed(update, {"/findings/files/ok": false, "/findings/files/reasons": ["changed", "odd"]}),
		"allow": false,
		"rules": {"inspection.files"},
	},
	"a refusal without a reason is one too": {
		"input": changed(update, {"/findings/pii": {"ok": false, "reasons": [], "facts": {}}}),
		"allow": false,
		"rules": {"inspection.pii"},
	},
	"reasons count even when it says it is fine": {
		"input": changed(update, {"/findings/tensors/reasons": ["odd"]}),
		"allow": false,
		"rules": {"inspection.tensors"},
	},
	"an inspector that said nothing is a denial": {
		"input": without(update, "/findings/format"),
		"allow": false,
		"rules": {"inspection.absent"},
	},
	"an inspector that speaks in riddles does not allow": {
		"input": changed(update, {"/findings/format/ok": "yes"}),
		"allow": false,
		"rules": {"inspection.format"},
	},
	"what says nothing of itself does not cross": {
		"input": without(update, "/artifact"),
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
