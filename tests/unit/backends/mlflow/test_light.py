"""MLflow's registry is imported without what it does not use, whichever distribution of MLflow is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROBE = """
import sys
from pathlib import Path
from sovplatform.backends.mlflow import MLflowRegistry
root = Path(sys.argv[1])
registry = MLflowRegistry(f"sqlite:///{root}/mlflow.db", root / "artifacts")
assert registry.versions("credit") == ()
print(*(name for name in ("pandas", "fastapi", "mlflow.genai.judges", "mlflow.models") if name in sys.modules))
"""


def test_only_what_the_registry_uses_is_imported(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PROBE, str(tmp_path)], check=True, timeout=120, capture_output=True, text=True)
    assert done.stdout.split() == []
    assert "cannot be imported in part" not in done.stderr
