"""NodeServer: endpoints kept by the region's node, which pins the key and the approvers that releases are checked against."""

from __future__ import annotations

from collections.abc import Mapping

from sovplatform.interfaces import Server
from sovplatform.records import EndpointStatus, ServingState
from sovplatform.wire import OperationClient


class NodeServer(Server):
    def __init__(self, client: OperationClient) -> None:
        self._client = client

    def apply(self, state: ServingState) -> EndpointStatus:
        return EndpointStatus.model_validate(self._client.call("serve", state.model_dump(mode="json")))

    def status(self, name: str) -> EndpointStatus:
        return EndpointStatus.model_validate(self._client.call("endpoint", {"name": name}))

    def predict(self, name: str, payload: Mapping[str, object]) -> Mapping[str, object]:
        return self._client.call("predict", {"name": name, "payload": dict(payload)})

    def metrics(self, name: str) -> str:
        return str(self._client.call("metrics", {"name": name})["text"])

    def remove(self, name: str) -> None:
        self._client.call("unserve", {"name": name})
