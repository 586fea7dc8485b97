"""KServe's server is imported without its Kubernetes client and pandas, and pandas works afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROBE = """
import sys
from sovplatform.backends.kserve.light import import_kserve
import_kserve()
import kserve.model_server
loaded = [name for name in ("kubernetes", "pandas", "rich") if name in sys.modules]
import pandas, kserve.utils.utils as utils
assert loaded == [], loaded
assert utils.pd.DataFrame is pandas.DataFrame
import httpx
assert "httpx._main" not in sys.modules
"""


def test_only_what_serving_uses_is_imported():
    subprocess.run([sys.executable, "-c", PROBE], check=True, timeout=120)


def test_a_library_that_does_not_bear_it_is_imported_plainly(tmp_path):
    package = tmp_path / "fussy"
    package.mkdir()
    (package / "__init__.py").write_text("needed = 1\n")
    (package / "part.py").write_text("import fussy\nvalue = fussy.needed\n")
    probe = (
        "from sovplatform.backends.slim import slim_import, _import\n"
        "import importlib.metadata as metadata\n"
        "metadata.version = lambda name: '1'\n"
        "slim_import(('fussy.part',), bare=('fussy',), extra='x')\n"
        "import fussy.part; assert fussy.part.value == 1 and fussy.needed == 1\n"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, timeout=60, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})


def test_a_missing_library_names_its_extra():
    from sovplatform.backends.slim import slim_import
    from sovplatform.errors import ConfigError

    with pytest.raises(ConfigError, match=r"sovplatform\[kserve\]"):
        slim_import(("no_such_library",), bare=("no_such_library",), extra="kserve")
