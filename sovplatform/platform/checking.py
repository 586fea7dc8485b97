"""What the doctor looks at besides the regions: the pilot's own rules, and who may write to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sovplatform.errors import SovError
from sovplatform.private import open_to_writers
from sovplatform.records import Finding


def check_rules(root: Path, directories: Sequence[Path]) -> Finding:
    """Whether every gate will be able to ask the pilot's own rules and those of its plugins."""
    from sovplatform.policy.engine import PolicyEngine
    from sovplatform.policy.review import review

    try:
        review(directories)
        PolicyEngine(directories)
    except SovError as err:
        return Finding(check="policy", ok=False, detail=err.message.replace(f"{root}/", ""), remedy=err.remedy)
    return Finding(check="policy", ok=True, detail="further rules compile" if directories else "no further rules")


def check_writers(root: Path) -> Finding:
    """Whether nobody but its owner and their group may write to the pilot: its code is run where the data is."""
    found = open_to_writers(root)
    if not found:
        return Finding(check="files", ok=True, detail="not everybody may write to them")
    named = ", ".join(str(path.relative_to(root.parent)) for path in found[:3]) + (" …" if len(found) > 3 else "")
    remedy = f"see that nothing was changed, then: chmod -R o-w {root}"
    return Finding(check="files", ok=False, detail=f"anybody may write to {named}", remedy=remedy)
