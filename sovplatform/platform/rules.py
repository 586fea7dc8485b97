"""The pilot's own rules and those of its plugins: whether every gate will be able to ask them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sovplatform.errors import SovError
from sovplatform.records import Finding


def check(directories: Sequence[Path], root: Path) -> Finding:
    """Review and compile them, as a gate does. What is told of them is relative to the pilot's directory, `root`."""
    from sovplatform.policy.engine import PolicyEngine
    from sovplatform.policy.review import review

    try:
        review(directories)
        PolicyEngine(directories)
    except SovError as err:
        return Finding(check="policy", ok=False, detail=err.message.replace(f"{root}/", ""), remedy=err.remedy)
    return Finding(check="policy", ok=True, detail="further rules compile" if directories else "no further rules")
