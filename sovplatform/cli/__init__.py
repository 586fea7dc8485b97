"""The command `sovctl`: a lazy root and one file per command group. A command parses, calls one thing, prints."""
