package sovplatform.border_test

import data.sovplatform.border
import rego.v1

test_a_jurisdiction_without_agreement_is_denied if {
	some denial in border.deny with input as {"destination": {"jurisdiction": "AQ"}}
	denial.rule == "agreements.jurisdiction"
}

test_a_jurisdiction_with_agreement_is_not_denied_by_this_rule if {
	some jurisdiction in border.agreements
	denials := {denial.rule | some denial in border.deny with input as {"destination": {"jurisdiction": jurisdiction}}}
	not "agreements.jurisdiction" in denials
}
