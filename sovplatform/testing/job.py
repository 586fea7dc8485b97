"""The process of one job of `MemoryTrainer`: set its limits, call its entry point, write down what came of it."""

from __future__ import annotations

import importlib
import json
import resource
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace


def main(directory: Path) -> int:
    spec = json.loads((directory / "spec.json").read_text())
    _limit(resource.RLIMIT_DATA, spec["memory_mb"] * 2**20)
    _limit(resource.RLIMIT_CPU, spec["cpu_seconds"])
    module, _, function = spec["entrypoint"].partition(":")
    try:
        result = getattr(importlib.import_module(module), function)(SimpleNamespace(config=spec["config"], directory=directory))
        outcome, code = json.dumps({"result": result or {}}), 0
    except BaseException as err:
        traceback.print_exc()
        outcome, code = json.dumps({"error": f"{type(err).__name__}: {err}"}), 1
    (directory / "outcome.json").write_text(outcome)
    return code


def _limit(kind: int, amount: int) -> None:
    if amount:
        resource.setrlimit(kind, (amount, amount))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
