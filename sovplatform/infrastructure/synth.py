"""Synthesis: a pilot's stacks as `cdk.tf.json`, made by the CDK for Terraform in a process of its own.

What is given to it and what it answers is JSON; the process itself is a `Synthesiser`.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from sovplatform.errors import ConfigError
from sovplatform.infrastructure.places import places
from sovplatform.infrastructure.request import Synthesis, SynthRequest
from sovplatform.infrastructure.synthesiser import Synthesiser
from sovplatform.pilot import Pilot
from sovplatform.plugins import Plugins
from sovplatform.private import write_atomically
from sovplatform.wire import decode_error

INDEX = "synthesis.json"


def synthesise(pilot: Pilot, plugins: Plugins, out: Path, synthesiser: Synthesiser) -> Synthesis:
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
        )
        answer = synthesiser.ask(request.model_dump_json())
        if "error" in answer:
            raise decode_error(answer)
        synthesis = Synthesis.from_json(json.dumps(answer))
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
    write_atomically(out / INDEX, synthesis.model_dump_json(indent=1).encode() + b"\n", mode=0o666)
