"""KServe's model server as the embedded profile needs it. Import `light.import_kserve` first."""

from __future__ import annotations

import logging
import socket
from typing import Any, NoReturn

from kserve.errors import InvalidInput, ModelNotFound, ModelNotReady
from kserve.model import Model
from kserve.model_server import ModelServer
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from kserve.protocol.rest.server import RESTServer
from starlette.middleware.trustedhost import TrustedHostMiddleware

from sovplatform.backends.kserve.caller import HOSTS, OwnUserProtocol

_QUIET = ("uvicorn.access", "kserve.trace", "watchfiles.main")


class LoopbackModelServer(ModelServer):  # type: ignore[misc] # KServe is untyped
    """Serves one model on a socket that is bound already: upstream binds 0.0.0.0, and a port of its own choice.

    It starts before its model is ready, says so under `/v2/health/ready`, and lets nobody load or unload over HTTP.
    """

    def __init__(self, model: Model, listener: socket.socket, grace_seconds: int) -> None:
        super().__init__(
            http_port=listener.getsockname()[1],
            enable_grpc=False,
            workers=1,
            enable_latency_logging=False,
            grace_period=grace_seconds,
        )
        self._listener = listener
        self.dataplane = _ReadyDataPlane(self.registered_models, model)
        self.model_repository_extension = _FixedRepository(self.registered_models)
        self.register_model(model)
        for name in _QUIET:  # a line for every request costs more than the request
            logging.getLogger(name).setLevel(logging.WARNING)
        for handler in logging.getLogger("kserve").handlers:
            handler.addFilter(_is_ours)

    def serve(self) -> None:
        """Until SIGTERM or SIGINT."""
        rest = _LocalServer(
            "kserve.model_server:app",
            self.dataplane,
            self.model_repository_extension,
            self.http_port,
            grace_period=self.grace_period,
        )
        rest.config.http = OwnUserProtocol
        rest.run(sockets=[self._listener])


class _LocalServer(RESTServer):  # type: ignore[misc] # KServe is untyped
    """Upstream's, for callers who name the host as it is named here."""

    def _add_middlewares(self, app: Any) -> None:
        super()._add_middlewares(app)
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)


def _is_ours(record: logging.LogRecord) -> bool:
    """False for what a client did wrong, which KServe logs as an error; of other errors no more than the type.

    What an exception says, and the lines of its traceback, may quote the request.
    """
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        record.msg, record.args, record.exc_info = f"{type(error).__name__} while a request was answered", (), None
    return not isinstance(error, (InvalidInput, ModelNotFound, ModelNotReady))


class _ReadyDataPlane(DataPlane):  # type: ignore[misc] # KServe is untyped
    """Upstream's server is always ready; this one is when its model is."""

    def __init__(self, registry: object, model: Model) -> None:
        super().__init__(model_registry=registry)
        self._model = model

    async def ready(self) -> bool:
        return bool(self._model.ready)


class _FixedRepository(ModelRepositoryExtension):  # type: ignore[misc] # KServe is untyped
    """Only the desired state decides what is loaded."""

    async def load(self, model_name: str) -> NoReturn:
        raise NotImplementedError(f"{model_name} is loaded by its serving state")

    async def unload(self, model_name: str) -> NoReturn:
        raise NotImplementedError(f"{model_name} is unloaded by its serving state")
