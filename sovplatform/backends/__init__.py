"""Implementations that several providers share. Each module brings one outside system behind our interfaces."""
