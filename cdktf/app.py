"""Synthesises a pilot's stacks with the CDK that its argument names: SynthRequest in, Synthesis or an error out, as JSON.

It runs as a program, so that jsii and its Node live and die with it. This folder has the name of the library `cdktf` and its
`constructs/` that of another; neither may shadow them, so what is here is imported below a name of its own, `house`.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
house = types.ModuleType("house")
house.__path__ = [str(HERE)]
sys.modules["house"] = house


def main() -> None:
    """Nothing but JSON is written to standard output, whatever happens."""
    import json

    from house.constructs import _cdk  # type: ignore[import-not-found]

    answers, sys.stdout = sys.stdout, sys.stderr
    _cdk.load(sys.argv[1])

    from sovplatform.errors import SovError
    from sovplatform.infrastructure.request import SynthRequest
    from sovplatform.wire import encode_error

    try:
        from house.stacks.pilot import synthesise  # type: ignore[import-not-found]

        answers.write(synthesise(SynthRequest.from_json(sys.stdin.buffer.read())).model_dump_json())
    except SovError as err:
        json.dump(encode_error(err), answers)


if __name__ == "__main__":
    main()
