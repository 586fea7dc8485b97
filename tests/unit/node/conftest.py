"""The border's regions, for the node's part of a crossing."""

from tests.unit.border.conftest import policy, world

__all__ = ["policy", "world"]
