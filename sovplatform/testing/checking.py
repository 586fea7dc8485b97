"""Running the conformance suite against an installed provider, in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path

from pydantic import JsonValue

from sovplatform.errors import ConfigError, PluginError
from sovplatform.plugins.discovery import installed
from sovplatform.records import Finding, RegionSpec, Role

GROUP = "sovplatform.testing"
SECONDS = 900


def check(
    provider: str, *, jurisdiction: str = "DE", settings: Mapping[str, JsonValue] = {}, timeout: float = SECONDS
) -> Sequence[Finding]:
    """Run the suite for the plugin `provider`: a finding per test; what is unsupported is ok, with the reason as detail.

    A sovereign region is made in `jurisdiction` with `settings`, in a temporary home, and stopped at the end. When the
    plugin's distribution has an entry point of its name in the group `sovplatform.testing`, that module's tests run, too.

    Raises:
        PluginError: no plugin of that name is installed.
        ConfigError: pytest is not installed.
    """
    known = [plugin.name for plugin in installed()]
    if provider not in known:
        raise PluginError(f"no plugin {provider} is installed", remedy=f"install it; installed: {', '.join(known) or 'none'}")
    if importlib.util.find_spec("pytest") is None:
        raise ConfigError("checking a plugin needs pytest", remedy="pip install 'sovplatform[testing]'")
    spec = RegionSpec(name="check", jurisdiction=jurisdiction, role=Role.sovereign, provider=provider, settings=settings)
    modules = ["sovplatform.testing.generic", *(point.value for point in entry_points(group=GROUP, name=provider))]
    with tempfile.TemporaryDirectory(prefix="sov-check-") as home:
        return _run(modules, spec, Path(home), timeout)


def _run(modules: Sequence[str], spec: RegionSpec, home: Path, timeout: float) -> Sequence[Finding]:
    report = home / "report"
    options = ["--quiet", "--noconftest", f"--rootdir={home}", f"--basetemp={home / 'tmp'}", "-c", os.devnull]
    plugins = ["-p", "no:cacheprovider", "-p", "sovplatform.testing.report"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "SOV_CHECK_REPORT": str(report),
        "SOV_CHECK_SPEC": spec.model_dump_json(),
    }
    command = [sys.executable, "-m", "pytest", *options, *plugins, "--pyargs", *modules]
    try:
        ended = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=timeout, check=False)
        output, code = ended.stdout + ended.stderr, ended.returncode
    except subprocess.TimeoutExpired as err:
        output, code = f"not finished within {timeout:g} s (after {err.cmd[0]} -m pytest)", -1
    findings = [Finding.from_json(line) for line in report.read_bytes().splitlines()] if report.exists() else []
    if code not in (0, 1) or not findings:
        lines = [line for line in output.strip().splitlines() if line.strip()]
        last = lines[-1] if lines else f"ended with {code}"
        findings.append(
            Finding(check="the suite runs to its end", ok=False, detail=last, remedy="repair the plugin; see its tests")
        )
    return findings
