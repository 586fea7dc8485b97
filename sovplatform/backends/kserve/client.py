"""HTTP to one endpoint, on a connection per thread that is kept alive."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Mapping

from sovplatform.errors import ConfigError, NotFound, Unavailable

_TIMEOUT_SECONDS = 30.0


class EndpointClient:
    """Speaks V1 with the model server on a loopback port."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.port = port
        self._local = threading.local()

    def predict(self, payload: Mapping[str, object]) -> Mapping[str, object]:
        """One V1 request.

        Raises:
            ConfigError: the payload does not fit the model.
            NotFound: the server does not have the model.
            Unavailable: no model is ready, or no server answers.
        """
        try:
            body = json.dumps(payload, allow_nan=False).encode()
        except (TypeError, ValueError) as err:
            raise ConfigError("the payload is no JSON", remedy="send numbers, texts and nulls") from err
        status, answer = self._request("POST", f"/v1/models/{self.name}:predict", body)
        if status == http.client.OK:
            answered: Mapping[str, object] = json.loads(answer)
            return answered
        message = _error(answer)
        if status in (http.client.BAD_REQUEST, http.client.UNPROCESSABLE_ENTITY):
            raise ConfigError(message, remedy="" if " — " in message else "send what the model takes")
        if status == http.client.NOT_FOUND:
            raise NotFound(f"endpoint {self.name} has no model", remedy="see the endpoint's status")
        raise Unavailable(f"endpoint {self.name} does not answer: {message}", remedy="see the endpoint's status and log")

    def metrics(self) -> str:
        """The Prometheus text."""
        return self._request("GET", "/metrics", None)[1].decode()

    def _request(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        """One exchange; once more on a new connection when the kept one was closed in the meantime."""
        for kept in (True, False):
            connection = self._connection(keep=kept)
            try:
                connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException) as err:
                connection.close()
                failure = err
        raise Unavailable(f"endpoint {self.name} does not answer", remedy="see the endpoint's status and log") from failure

    def _connection(self, keep: bool) -> http.client.HTTPConnection:
        known: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if known is None or not keep:
            known = self._local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT_SECONDS)
        return known


def _error(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["error"])
    except (ValueError, KeyError, TypeError):
        return "no reason given"
