"""The fixtures that this provider's tests share with those of its backends."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "tests"))

from fixtures.softhsm import hsm, softhsm  # noqa: F401
