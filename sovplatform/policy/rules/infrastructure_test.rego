# Cases for infrastructure.rego: `opa test` runs them here; the platform's own tests run the same cases in its interpreter.
# Each of the many rules of the tables is tried on documents made by tests/fixtures/judged.py.
package sovplatform.infrastructure_test

import rego.v1

import data.sovplatform.infrastructure

marks := "managed-by=sovplatform sov-jurisdiction=de sov-pilot=bank sov-region=de sov-role=sovereign sov-week=1"

thing := {"construct": "de-week1/x/y", "values": {}, "blocks": {}, "refs": {}, "mixed": {}, "documents": {}}

ring := json.patch(thing, [{"op": "add", "path": "/values/location", "value": ["europe-west3"]}])

quota := json.patch(thing, [{"op": "add", "path": "/marks", "value": {"metadata.labels": marks}}])

compliant := {
	"stack": {"name": "de-week1", "week": 1},
	"pilot": "bank",
	"region": {"name": "de", "jurisdiction": "DE", "role": "sovereign", "provider": "gcp"},
	"locations": ["europe-west3", "europe-west3-a"],
	"account": "bank-de",
	"mirror": "",
	"sources": ["hashicorp/google"],
	"providers": {
		"google": {"values": {"region": ["europe-west3"]}},
		"kubernetes": {"values": {"config_context": ["europe-west3"]}},
	},
	"backend": {"type": "gcs", "configuration": {"kms_encryption_key": ["k"]}, "mentions": ["europe-west3"]},
	"variables": {},
	"destroy": false,
	"errored": false,
	"complete": true,
	"forbidden": [],
	"deletes": [],
	"resources": {
		"google_kms_key_ring": {"main": ring},
		"kubernetes_resource_quota_v1": {"pilot": quota},
	},
	"data": {},
	"notes": {},
}

cases := {
	"a compliant plan is allowed": {"input": compliant, "allow": true, "rules": set()},
	"a plan of a part is denied": {
		"input": json.patch(compliant, [{"op": "replace", "path": "/complete", "value": false}]),
		"allow": false,
		"rules": {"plan.incomplete"},
	},
	"a module is denied": {
		"input": json.patch(compliant, [{"op": "add", "path": "/forbidden", "value": ["module x"]}]),
		"allow": false,
		"rules": {"plan.forbidden"},
	},
	"a type that nobody knows is denied": {
		"input": json.patch(compliant, [{"op": "add", "path": "/resources/azurerm_storage_account", "value": {"x": thing}}]),
		"allow": false,
		"rules": {"type.unknown"},
	},
	"what has no labels is denied": {
		"input": json.patch(compliant, [{"op": "add", "path": "/resources/kubernetes_role_v1", "value": {"x": thing}}]),
		"allow": false,
		"rules": {"label.missing"},
	},
	"what is elsewhere is denied": {
		"input": json.patch(compliant, [{
			"op": "add",
			"path": "/resources/google_kms_key_ring/main/values/location",
			"value": ["global"],
		}]),
		"allow": false,
		"rules": {"place.resource"},
	},
	"a place under another law is denied": {
		"input": json.patch(compliant, [{"op": "add", "path": "/locations", "value": ["europe-west3", "us-central1"]}]),
		"allow": false,
		"rules": {"place.jurisdiction"},
	},
	"a provider that works elsewhere is denied": {
		"input": json.patch(compliant, [{"op": "add", "path": "/providers/google/values/region", "value": ["us-central1"]}]),
		"allow": false,
		"rules": {"place.provider"},
	},
	"a state on the operator's machine is denied": {
		"input": json.patch(compliant, [{"op": "add", "path": "/backend/type", "value": "local"}]),
		"allow": false,
		"rules": {"state.outside"},
	},
	"a key ring is not deleted": {
		"input": json.patch(compliant, [{
			"op": "add",
			"path": "/deletes",
			"value": [{"type": "google_kms_key_ring", "name": "main"}],
		}]),
		"allow": false,
		"rules": {"delete.protected"},
	},
	"a month over the budget is denied": {
		"input": json.patch(compliant, [{"op": "add", "path": "/cost", "value": {"month_high": 2, "limit": 1}}]),
		"allow": false,
		"rules": {"budget.over"},
	},
}

denied(document) := {denial.rule | some denial in infrastructure.deny with input as document}

allowed(document) if infrastructure.allow with input as document

wrong contains name if {
	some name, case in cases
	denied(case.input) != case.rules
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
