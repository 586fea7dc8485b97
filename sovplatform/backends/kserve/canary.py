"""The KServe model of an endpoint: a stable and a canary version behind one name. Import `light.import_kserve` first."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from kserve.errors import InferenceError, InvalidInput, ModelNotReady
from kserve.model import Model
from kserve.protocol.infer_type import InferOutput, InferRequest, InferResponse
from prometheus_client import Counter, Gauge, Histogram

from sovplatform.backends.kserve.loaded import OUTPUT, LoadedModel
from sovplatform.errors import ConfigError

_LABELS = ("endpoint", "release", "version", "model")
_REQUESTS = Counter("sov_requests", "Predictions answered.", _LABELS)
_ERRORS = Counter("sov_request_errors", "Predictions that the model failed to answer.", _LABELS)
_SECONDS = Histogram(
    "sov_request_seconds",
    "Time to answer, in the model.",
    _LABELS,
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.06, 0.2, 1.0),
)
_REJECTED = Counter("sov_rejected_requests", "Requests that do not fit the model.", ("endpoint",))
_SHARE = Gauge("sov_canary_percent", "Share of the requests that the canary gets.", ("endpoint",))
_ROWS_IN_LOOP = 64


class Slot:
    """A loaded model in one of the two places, with its counters."""

    def __init__(self, endpoint: str, model: LoadedModel, place: str) -> None:
        labels = (endpoint, model.release, model.version, place)
        self.model = model
        self.requests = _REQUESTS.labels(*labels)
        self.errors = _ERRORS.labels(*labels)
        self.seconds = _SECONDS.labels(*labels)
        self.headers = {"x-model-version": model.version, "x-release": model.release, "x-model": place}


@dataclass
class Slots:
    """What is served now. Replaced as a whole, never changed, so that a request sees one state."""

    stable: Slot | None = None
    canary: Slot | None = None
    percent: int = 0
    _spread: int = field(default=0, repr=False)

    def choose(self) -> Slot | None:
        """Every `percent` of a hundred requests, evenly spread, go to the canary."""
        if self.canary is None:
            return self.stable
        self._spread += self.percent
        if self._spread < 100:
            return self.stable
        self._spread -= 100
        return self.canary


class CanaryModel(Model):  # type: ignore[misc] # KServe is untyped
    """Answers V1 and V2 requests. The headers of an answer, and V2's `model_version`, tell who answered.

    When the canary fails on a request that fits it, the failure is counted and the stable model answers.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, return_response_headers=True)
        self._slots = Slots()
        self._swap = threading.Lock()

    @property
    def slots(self) -> Slots:
        return self._slots

    def show(self, stable: LoadedModel | None, canary: LoadedModel | None, percent: int) -> None:
        """Serve these from the next request on."""
        slots = Slots(
            Slot(self.name, stable, "stable") if stable else None,
            Slot(self.name, canary, "canary") if canary and stable else None,
            percent,
        )
        with self._swap:
            self._slots = slots
            self.ready = stable is not None
        _SHARE.labels(self.name).set(percent if slots.canary else 0)

    def load(self) -> bool:
        """KServe calls this for a model that is not ready; only the reconciler loads."""
        return bool(self.ready)

    def get_input_types(self) -> list[dict[str, Any]]:
        """V2's metadata of the stable model."""
        columns = self._slots.stable.model.columns.kinds if self._slots.stable else {}
        return [
            {"name": name, "datatype": "FP32" if kind == "number" else "BYTES", "shape": [-1, 1]}
            for name, kind in columns.items()
        ]

    def get_output_types(self) -> list[dict[str, Any]]:
        return [{"name": OUTPUT, "datatype": "FP32", "shape": [-1, 1]}]

    async def predict(self, payload: Any, headers: dict[str, str] | None = None, response_headers: Any = None) -> Any:
        """V1: `{"predictions": [p, …]}`; V2: one output `probability`."""
        slots = self._slots
        slot = slots.choose()
        if slot is None or slots.stable is None:
            raise ModelNotReady(self.name)
        try:
            slot, probabilities = await self._answer(slot, slots.stable, payload)
        except ConfigError as err:
            _REJECTED.labels(self.name).inc()
            raise InvalidInput(str(err)) from err
        if response_headers is not None:
            response_headers.update(slot.headers)
        if isinstance(payload, InferRequest):
            return _v2(payload, self.name, slot.model.version, probabilities)
        return {"predictions": probabilities.ravel().tolist(), "model_version": slot.model.version}

    async def _answer(self, slot: Slot, stable: Slot, payload: Any) -> tuple[Slot, Any]:
        began = time.perf_counter()
        # a row takes less than a hand-over to a thread; many would hold up the others
        few = _rows(payload) <= _ROWS_IN_LOOP
        tensors = _tensors(slot.model, payload) if few else await asyncio.to_thread(_tensors, slot.model, payload)
        try:
            run = slot.model.run
            probabilities = run(tensors) if few else await asyncio.to_thread(run, tensors)
        except Exception as err:  # ONNX Runtime's errors have no common base
            slot.errors.inc()
            if slot is stable:
                raise InferenceError("the model failed to answer") from err
            return await self._answer(stable, stable, payload)
        slot.requests.inc()
        slot.seconds.observe(time.perf_counter() - began)
        return slot, probabilities


def _rows(payload: Any) -> int:
    """About how many rows a request has: it is not read yet."""
    if isinstance(payload, InferRequest):
        return max((tensor.shape[0] for tensor in payload.inputs if tensor.shape), default=0)
    instances = payload.get("instances") if isinstance(payload, dict) else None
    return len(instances) if isinstance(instances, list) else 0


def _tensors(model: LoadedModel, payload: Any) -> Any:
    if isinstance(payload, InferRequest):
        return model.columns.from_arrays([(tensor.name, _array(tensor)) for tensor in payload.inputs])
    if not isinstance(payload, dict):
        raise ConfigError("the request is not an object", remedy='send {"instances": [...]}')
    return model.columns.from_instances(payload.get("instances"))


def _array(tensor: Any) -> Any:
    try:
        if any(size < 0 for size in tensor.shape):
            raise ValueError
        return tensor.as_numpy()
    except Exception as err:  # KServe lets numpy's and struct's errors through
        raise ConfigError(
            f"tensor {tensor.name} cannot be read as {tensor.datatype} {tensor.shape}", remedy="send FP32 or BYTES"
        ) from err


def _v2(request: InferRequest, name: str, version: str, probabilities: Any) -> InferResponse:
    output = InferOutput(OUTPUT, list(probabilities.shape), "FP32")
    output.set_data_from_numpy(probabilities, binary_data=bool(request.use_binary_outputs))
    return InferResponse(
        response_id=request.id or str(uuid.uuid4()),
        model_name=name,
        model_version=version,
        infer_outputs=[output],
        use_binary_outputs=request.use_binary_outputs,
        requested_outputs=request.request_outputs,
    )
