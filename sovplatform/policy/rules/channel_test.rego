# Cases for channel.rego; see border_test.rego.
package sovplatform.channel_test

import rego.v1

import data.sovplatform.channel

silent := {"ok": true, "reasons": [], "facts": {}}

update := {
	"artifact": {"kind": "update", "size": 100, "evidence": true, "label": {"residency": ["*"], "sensitivity": "internal"}},
	"source": {"name": "de", "role": "sovereign", "jurisdiction": "DE"},
	"destination": {"name": "us", "role": "global", "jurisdiction": "US"},
	"purpose": "training",
	"export": [
		{"kind": "update", "source": "sovereign", "destination": "global", "max_bytes": 100, "privacy": true},
		{"kind": "dataset", "source": "sovereign", "destination": "global", "max_bytes": 1000, "privacy": false},
	],
	"findings": {
		"parties": silent,
		"files": silent,
		"format": silent,
		"tensors": silent,
		"signature": silent,
		"decision": silent,
	},
}

cases := {
	"an update with evidence is accepted": {"input": update, "allow": true, "rules": set()},
	"an update without evidence is refused": {
		"input": json.patch(update, [{"op": "add", "path": "/artifact/evidence", "value": false}]),
		"allow": false,
		"rules": {"privacy.evidence"},
	},
	"what is larger than this region's rule is refused": {
		"input": json.patch(update, [{"op": "add", "path": "/artifact/size", "value": 101}]),
		"allow": false,
		"rules": {"accept.kind"},
	},
	"a kind without a rule is refused": {
		"input": json.patch(update, [{"op": "add", "path": "/artifact/kind", "value": "model"}]),
		"allow": false,
		"rules": {"accept.kind"},
	},
	"raw data is refused": {
		"input": json.patch(update, [{"op": "add", "path": "/artifact/kind", "value": "dataset"}]),
		"allow": false,
		"rules": {"data.raw"},
	},
	"what may not rest here is refused": {
		"input": json.patch(update, [{"op": "add", "path": "/artifact/label/residency", "value": ["DE"]}]),
		"allow": false,
		"rules": {"label.residency"},
	},
	"a reason against is a refusal": {
		"input": json.patch(update, [
			{"op": "add", "path": "/findings/decision/ok", "value": false},
			{"op": "add", "path": "/findings/decision/reasons", "value": ["expired"]},
		]),
		"allow": false,
		"rules": {"inspection.decision"},
	},
	"a refusal without a reason is one too": {
		"input": json.patch(update, [{"op": "add", "path": "/findings/decision/ok", "value": false}]),
		"allow": false,
		"rules": {"inspection.decision"},
	},
	"a decision that was not looked at is a refusal": {
		"input": json.patch(update, [{"op": "remove", "path": "/findings/decision"}]),
		"allow": false,
		"rules": {"inspection.absent"},
	},
}

denied(document) := {denial.rule | some denial in channel.deny with input as document}

allowed(document) if channel.allow with input as document

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

test_nothing_is_accepted_without_input if {
	document := {}
	not allowed(document)
}
