"""The whole run of the fintech pilot: servers cold, then, for a second pilot, servers warm."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

COLD_SECONDS, WARM_SECONDS = 45.0, 20.0
SOVCTL = Path(sys.executable).with_name("sovctl")


def main() -> list[dict[str, Any]]:
    results = [_measure("pilot.run_cold", COLD_SECONDS, warm=False), _measure("pilot.run_warm", WARM_SECONDS, warm=True)]
    for result in results:
        print(f"{result['name']}  {result['value']:.1f} s  bar ≤ {result['bar']:.0f} s  {'ok' if result['ok'] else 'MISSED'}")
    return results


def _measure(name: str, bar: float, *, warm: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="sov") as directory:
        pilot = Path(directory) / "demo"
        _sovctl("init", "pilot", str(pilot), "--example", "fintech")
        try:
            if warm:
                _sovctl("-C", str(pilot), "up")
            began = time.monotonic()
            _sovctl("-C", str(pilot), "run", "--approve-with", str(pilot / ".sov" / "people" / "approver"))
            seconds = time.monotonic() - began
        finally:
            _sovctl("-C", str(pilot), "down")
    return {"name": name, "value": seconds, "unit": "s", "bar": bar, "ok": seconds <= bar}


def _sovctl(*arguments: str) -> None:
    subprocess.run([SOVCTL, *arguments], check=True, stdout=subprocess.DEVNULL, timeout=300)


if __name__ == "__main__":
    main()
