"""For people who write providers: the conformance suite, and an in-memory provider that passes it."""
