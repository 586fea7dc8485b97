"""A job's process: `python -m sovplatform.node.job DIRECTORY`, started by the node and by nobody else.

It waits for the node's word, sets its own limits, runs the entry point, and ends when the node ends. What goes wrong is told
by type and place only: the text of an exception raised over raw data may hold that data.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from sovplatform.errors import ConfigError, SovError
from sovplatform.jobs.context import JobContext
from sovplatform.private import write_atomically
from sovplatform.records import JobSpec
from sovplatform.wire import encode_error


def _die_with_the_node() -> None:
    """Standard input is a pipe that only the node holds: end of file means that the node is gone."""
    while os.read(0, 1):
        pass
    os._exit(70)


def _limit(spec: JobSpec) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if spec.cpu_seconds:
        resource.setrlimit(resource.RLIMIT_CPU, (spec.cpu_seconds, spec.cpu_seconds + 1))
    if spec.memory_mb:
        # private writable memory; the address space would also count what libraries map and never touch
        size = spec.memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def _run(spec: JobSpec, directory: Path) -> dict[str, Any]:
    context = JobContext.of(spec, directory)
    code = context.pilot_directory
    if code is not None:
        sys.path.insert(0, str(code))
    module, _, name = spec.entrypoint.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as err:
        raise ConfigError(f"job {spec.id}: no function {spec.entrypoint}", remedy="name it as module:function") from err
    return dict(function(context) or {})


def _places(err: BaseException) -> str:
    frames = traceback.extract_tb(err.__traceback__)
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames[-6:]))


def main(argument: str) -> int:
    directory = Path(argument)
    spec = JobSpec.from_json((directory / "spec.json").read_bytes())
    if os.read(0, 3) != b"go\n":
        return 70
    threading.Thread(target=_die_with_the_node, daemon=True).start()
    _limit(spec)
    try:
        result = _run(spec, directory)
        write_atomically(directory / "result.json", json.dumps(result).encode())
    except SovError as err:
        print(f"{type(err).__name__}: {err}", flush=True)
        write_atomically(directory / "error.json", json.dumps(encode_error(err)).encode())
        return err.exit_code
    except Exception as err:
        places = _places(err)
        print(f"{type(err).__name__} at {places}", flush=True)
        failure = SovError(f"{type(err).__name__} in job {spec.id} at {places}", remedy=f"read the log: {directory.name}/log")
        write_atomically(directory / "error.json", json.dumps(encode_error(failure)).encode())
        return 1
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1])
    sys.stdout.flush()
    os._exit(code)  # threads of gRPC and of the model runtime need not be waited for
