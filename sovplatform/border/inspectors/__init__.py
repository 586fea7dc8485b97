"""The built-in inspectors, one aspect each. What the rules require of them is in `policy/rules/`."""
