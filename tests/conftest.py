"""Fixtures that all tests share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

pytest_plugins = [f"tests.fixtures.{name}" for name in ("aws", "deployments", "gcp", "openbao", "softhsm")]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """When tests run in parallel, those of one file stay together, and so do all that share the one pilot."""
    for item in items:
        shared = "pilot" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("pilot" if shared else item.path.as_posix()))
