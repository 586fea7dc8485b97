"""A verified model in memory: an ONNX Runtime session, warm, with its counters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from sovplatform.backends.kserve.admission import Admitted
from sovplatform.backends.kserve.columns import CATEGORY, NUMBER, Columns
from sovplatform.errors import ConfigError
from sovplatform.pilot import NumberFeature, TaskSpec

if TYPE_CHECKING:
    from sovplatform.backends.kserve.columns import Tensors

OUTPUT = "probability"


class LoadedModel:
    """One model that can answer. Making it reads, checks and warms it; any failure is a ConfigError."""

    def __init__(self, admitted: Admitted) -> None:
        import onnxruntime

        self.admitted = admitted
        self.served = admitted.served
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        path = admitted.directory / "model.onnx"
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as err:  # ONNX Runtime's errors have no common base
            raise ConfigError(
                f"model.onnx of release {self.release} cannot be loaded: {_first_line(err)}", remedy="export it again"
            ) from err
        self.columns = Columns({tensor.name: tensor.type for tensor in self._session.get_inputs()})
        _check_task(admitted.directory / "task.json", self.columns, self.release)
        self._warm()

    @property
    def release(self) -> str:
        return self.served.release.id

    @property
    def version(self) -> str:
        return str(self.served.release.version)

    def run(self, tensors: Tensors) -> Any:
        """Probabilities, float32 of [rows, 1]."""
        return self._session.run([OUTPUT], tensors)[0]

    def _warm(self) -> None:
        try:
            for _ in range(3):
                shape = self.run(self.columns.sample()).shape
        except Exception as err:  # as above
            raise ConfigError(
                f"the model of release {self.release} does not answer", remedy=f"give it an output {OUTPUT}"
            ) from err
        if shape != (1, 1):
            raise ConfigError(f"the model of release {self.release} answers {list(shape)} for one row", remedy="answer [rows, 1]")


def _first_line(err: Exception) -> str:
    return (str(err).strip().splitlines() or [type(err).__name__])[0][:200]


def _check_task(path: Path, columns: Columns, release: str) -> None:
    """The model must take exactly the task's features."""
    try:
        task = TaskSpec.from_json(path.read_bytes())
    except (OSError, ValidationError) as err:
        raise ConfigError(f"task.json of release {release} cannot be read", remedy="put the task beside model.onnx") from err
    declared = {feature.name: NUMBER if isinstance(feature, NumberFeature) else CATEGORY for feature in task.features}
    wrong = sorted(name for name in declared.keys() | columns.kinds.keys() if declared.get(name) != columns.kinds.get(name))
    if wrong:
        raise ConfigError(
            f"the model of release {release} does not fit its task: {', '.join(wrong[:5])}", remedy="export it again"
        )
