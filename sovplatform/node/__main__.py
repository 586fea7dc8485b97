"""`python -m sovplatform.node HOME`: the process of one region's node."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from pathlib import Path

from sovplatform.backends.node.process import SETTINGS, NodeSettings
from sovplatform.errors import SovError
from sovplatform.node.daemon import Node, log_error
from sovplatform.node.operations import operations
from sovplatform.wire import OperationServer, socket_path


def main(home: Path) -> int:
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # its memory holds keys; what it starts has the limit as well
    settings = NodeSettings.from_json((home / SETTINGS).read_bytes())
    try:
        node = Node(home, settings)
    except SovError as err:
        print(f"{type(err).__name__}: {err}", flush=True)
        return err.exit_code
    server = OperationServer(socket_path(home, "node.sock"), operations(node), log_error)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: node.stopping.set())
    threading.Thread(target=server.serve_forever, name="operations", daemon=True).start()
    node.stopping.wait()
    server.shutdown()
    server.server_close()
    socket_path(home, "node.sock").unlink(missing_ok=True)
    node.stop()
    return 0


if __name__ == "__main__":
    code = main(Path(sys.argv[1]))
    sys.stdout.flush()
    os._exit(code)  # what is left are threads that wait for nothing any more
