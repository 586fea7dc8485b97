"""How long the command takes to begin: its help next to a peer's, side by side, and a new pilot."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
ROUNDS = 3


def main() -> list[dict[str, Any]]:
    """Measure, print one line for each bar, and return the results."""
    ours, theirs, pilots = [], [], []
    with tempfile.TemporaryDirectory(prefix="sov-bench-") as scratch:
        for program in ("sovctl", "mlflow"):
            _seconds(scratch, program, "--help")  # the first call of all writes byte code
        for number in range(ROUNDS):
            ours.append(_seconds(scratch, "sovctl", "--help"))
            theirs.append(_seconds(scratch, "mlflow", "--help"))
            pilots.append(_seconds(scratch, "sovctl", "init", "pilot", f"p{number}", "--example", "fintech"))
    help_, peer, pilot = (statistics.median(times) for times in (ours, theirs, pilots))
    results = [
        {"name": "cli.help", "value": help_, "unit": " s", "bar": 0.25, "ok": help_ <= 0.25},
        {"name": "cli.help / mlflow --help", "value": help_ / peer, "unit": "", "bar": 0.125, "ok": help_ <= peer / 8},
        {"name": "cli.init pilot", "value": pilot, "unit": " s", "bar": 1.0, "ok": pilot <= 1.0},
    ]
    for result in results:
        print(f"{result['name']}  {result['value']:.3g}{result['unit']}  bar ≤ {result['bar']}{result['unit']}")
    return results


def _seconds(where: str, program: str, *arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([BIN / program, *arguments], cwd=where, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
