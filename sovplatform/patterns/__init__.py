"""The patterns: each composes stages into the way of one kind of pilot."""
