"""The process of one endpoint: `python -m sovplatform.backends.kserve.runtime SERVING/NAME`.

KServe's own model server (V1 and Open Inference Protocol V2) on a loopback port, and beside it the reconciler.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import socket
import sys
import threading
from pathlib import Path

from sovplatform.backends.kserve.endpoint import Endpoint
from sovplatform.backends.kserve.light import import_kserve
from sovplatform.backends.pidfile import PidFile

_SWITCH_SECONDS = 0.0005  # a busy reconciler hands the interpreter back to requests after this
_GRACE_SECONDS = 2


def main(home: Path) -> int:
    """Serve the endpoint until SIGTERM. A second runtime of one endpoint ends at once."""
    endpoint = Endpoint(home)
    held = (home / "runtime.lock").open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    listener = bind(endpoint)
    shutil.rmtree(endpoint.private, ignore_errors=True)
    endpoint.private.mkdir(mode=0o700)
    sys.setswitchinterval(_SWITCH_SECONDS)
    import_kserve()
    pid_file = PidFile(endpoint.pid_file)
    if pid_file.pid() != os.getpid():
        pid_file.write(os.getpid())
    _serve(endpoint, listener)
    endpoint.write_status(endpoint.status().model_copy(update={"ready": False}))
    return 0


def bind(endpoint: Endpoint) -> socket.socket:
    """A loopback socket on the port of last time, or on a free one when that is taken; the port is written down."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", endpoint.port()))
    except OSError:
        listener.bind(("127.0.0.1", 0))
    endpoint.write_port(listener.getsockname()[1])
    return listener


def _serve(endpoint: Endpoint, listener: socket.socket) -> None:
    from sovplatform.backends.kserve.canary import CanaryModel
    from sovplatform.backends.kserve.modelserver import LoopbackModelServer
    from sovplatform.backends.kserve.reconciler import Reconciler

    model = CanaryModel(endpoint.name)
    server = LoopbackModelServer(model, listener, _GRACE_SECONDS)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    reconciler = Reconciler(endpoint, model)
    thread = threading.Thread(target=reconciler.run, name="reconciler", daemon=True)
    listener.listen()  # who reads `ready` in the status may connect at once, and waits those milliseconds in the backlog
    thread.start()
    try:
        server.serve()
    finally:
        reconciler.stop()
        thread.join(timeout=_GRACE_SECONDS)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
