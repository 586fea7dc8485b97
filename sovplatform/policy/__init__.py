"""Policy: Rego rules, evaluated in process. What no rule allows is denied, and so is what cannot be evaluated."""
