"""Runs all benchmarks and prints one table: `python -m benchmarks [NAME …]`, or `make bench`.

A benchmark is a module here whose `main()` returns a list of `{"name", "value", "unit", "bar", "ok"}`; `bar` is a number that
`value` must not exceed (or must reach, with `"at_least": True`), or text. Each runs in a process of its own.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--one"]:
        with contextlib.redirect_stdout(sys.stderr):
            results = importlib.import_module(f"benchmarks.{arguments[1]}").main()
        print(json.dumps(results))
        return 0
    known = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    unknown = [name for name in arguments if name not in known]
    if unknown:
        print(f"no benchmark {unknown[0]}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    results: list[dict[str, Any]] = []
    for name in arguments or known:
        results += _run(name)
    _print(results)
    return 0 if all(result.get("ok") is not False for result in results) else 1


def _run(name: str) -> list[dict[str, Any]]:
    print(f"{name} …", end="", flush=True)
    began = time.monotonic()
    command = [sys.executable, "-m", "benchmarks", "--one", name]
    # Users' Python keeps its byte code; without, each job would compile the SDK anew.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ended = subprocess.run(command, cwd=HERE.parent, env=environment, capture_output=True, text=True, check=False)
    print(f" {time.monotonic() - began:.0f} s")
    if ended.returncode:
        print(ended.stderr, file=sys.stderr)
        return [{"name": name, "value": f"failed with {ended.returncode}", "ok": False}]
    results: list[dict[str, Any]] = json.loads(ended.stdout)
    return results


def _print(results: list[dict[str, Any]]) -> None:
    rows = [(str(result["name"]), _value(result), _bar(result), _verdict(result)) for result in results]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    print()
    for name, value, bar, verdict in rows:
        print(f"{name:<{widths[0]}}  {value:>{widths[1]}}  {bar:<{widths[2]}}  {verdict}".rstrip())


def _value(result: dict[str, Any]) -> str:
    value = result["value"]
    spread = f" ± {result['spread']:.3g}" if result.get("spread") is not None else ""
    return f"{value:,.4g}{result.get('unit', '')}{spread}" if isinstance(value, int | float) else str(value)


def _bar(result: dict[str, Any]) -> str:
    bar = result.get("bar", "")
    if isinstance(bar, int | float):
        return f"{'≥' if result.get('at_least') else '≤'} {bar:,g}{result.get('unit', '')}"
    return str(bar or "")


def _verdict(result: dict[str, Any]) -> str:
    return {True: "ok", False: "MISSED"}.get(result.get("ok"), "")  # type: ignore[call-overload, no-any-return]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
