"""The fixtures that this provider's tests share with those of its backend."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "tests"))

from fixtures.aws import aws, moto  # noqa: F401
