"""Endpoints in this process: ONNX Runtime behind a lock, no port opened."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sovplatform.errors import ConfigError, NotFound, SovError, Unavailable
from sovplatform.interfaces.server import Server
from sovplatform.records import EndpointStatus, ServedModel, ServingState

Predict = Callable[[list[object]], list[object]]
Verify = Callable[[ServedModel, Mapping[str, str]], None]


def load_onnx(directory: Path) -> Predict:
    """The model at `model.onnx`. An instance maps the names of the model's inputs to values; the first output answers.

    Raises:
        ConfigError: ONNX Runtime is not installed, or there is no model that it can read.
    """
    try:
        import numpy
        import onnxruntime
    except ImportError as err:
        raise ConfigError("serving in memory needs ONNX Runtime", remedy="install sovplatform[kserve]") from err
    try:
        session = onnxruntime.InferenceSession(str(directory / "model.onnx"), providers=["CPUExecutionProvider"])
    except Exception as err:  # ONNX Runtime's errors have no common base
        raise ConfigError(f"the model in {directory.name} cannot be read: {err}", remedy="give an ONNX model") from err
    inputs = session.get_inputs()

    def predict(rows: list[object]) -> list[object]:
        try:
            columns = {
                entry.name: numpy.asarray(
                    [row[entry.name] for row in rows if isinstance(row, Mapping)],
                    dtype=object if entry.type == "tensor(string)" else numpy.float32,
                ).reshape((-1, 1)[: len(entry.shape)])
                for entry in inputs
            }
            answer: list[object] = numpy.ravel(session.run(None, columns)[0]).tolist()
        except Exception as err:  # as above
            raise ConfigError(f"the instances do not fit the model: {err}", remedy="send the model's raw columns") from err
        return answer

    return predict


@dataclass
class _Endpoint:
    state: ServingState
    models: dict[str, Predict] = field(default_factory=dict)
    shown: ServingState | None = None
    refused: str = ""
    requests: Counter[str] = field(default_factory=Counter)


class MemoryServer(Server):
    """Serves models by calling them. `verify` raises for a model that must not be loaded, given the region's approvers."""

    def __init__(self, verify: Verify, load: Callable[[Path], Predict] = load_onnx) -> None:
        self._verify = verify
        self._load = load
        self._endpoints: dict[str, _Endpoint] = {}
        self._lock = threading.RLock()

    def apply(self, state: ServingState) -> EndpointStatus:
        """As `Server.apply`; the model is loaded before this returns."""
        with self._lock:
            endpoint = self._endpoints.setdefault(state.name, _Endpoint(state))
            if endpoint.shown != state:
                endpoint.state = state
                self._show(endpoint)
            return self.status(state.name)

    def status(self, name: str) -> EndpointStatus:
        """As `Server.status`."""
        endpoint = self._endpoint(name)
        shown = endpoint.shown
        return EndpointStatus(
            name=name,
            ready="stable" in endpoint.models,
            url=f"memory:{name}",
            observed=endpoint.state.generation,
            stable=shown.stable.release.id if shown and shown.stable else "",
            canary=shown.canary.release.id if shown and shown.canary else "",
            percent=shown.percent if shown else 0,
            refused=endpoint.refused,
        )

    def predict(self, name: str, payload: Mapping[str, object]) -> Mapping[str, object]:
        """As `Server.predict`. Of each hundred requests, the canary answers the first `percent`."""
        instances = payload.get("instances")
        with self._lock:
            endpoint = self._endpoint(name)
            if "stable" not in endpoint.models:
                raise Unavailable(f"endpoint {name} has no model ready", remedy="see the endpoint's status for what was refused")
            if not isinstance(instances, list) or not instances:
                raise ConfigError("the payload has no instances", remedy='send {"instances": [...]}')
            percent = endpoint.shown.percent if endpoint.shown and "canary" in endpoint.models else 0
            chosen = "canary" if endpoint.requests.total() % 100 < percent else "stable"
            endpoint.requests[chosen] += 1
            return {"predictions": endpoint.models[chosen](instances)}

    def metrics(self, name: str) -> str:
        """As `Server.metrics`."""
        requests = self._endpoint(name).requests
        head = "# HELP sov_requests_total Predictions answered.\n# TYPE sov_requests_total counter\n"
        return head + "".join(
            f'sov_requests_total{{endpoint="{name}",model="{model}"}} {requests[model]}\n' for model in ("stable", "canary")
        )

    def remove(self, name: str) -> None:
        """As `Server.remove`."""
        with self._lock:
            self._endpoints.pop(name, None)

    def _show(self, endpoint: _Endpoint) -> None:
        """Load what the state asks for, all or nothing: a refused model leaves the endpoint as it was."""
        state, models = endpoint.state, {}
        try:
            for slot, served in (("stable", state.stable), ("canary", state.canary)):
                if served is not None:
                    self._verify(served, state.approvers)
                    models[slot] = self._load(Path(served.directory))
        except SovError as err:
            endpoint.refused = str(err)
            return
        endpoint.models, endpoint.shown, endpoint.refused = models, state, ""

    def _endpoint(self, name: str) -> _Endpoint:
        try:
            return self._endpoints[name]
        except KeyError as err:
            raise NotFound(f"no endpoint {name}", remedy="apply a serving state first") from err
