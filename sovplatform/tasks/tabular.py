"""The built-in task: logistic regression on a declared schema. Configuration only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sovplatform.errors import ConfigError
from sovplatform.pilot import TaskSpec
from sovplatform.records import ShapeContract, TensorSpec
from sovplatform.tasks import graph
from sovplatform.tasks.feed import column, feed
from sovplatform.tasks.task import MODEL, TASK, Prepared, Task

if TYPE_CHECKING:
    from sovplatform.tasks.task import Floats, Parameters


class TabularTask(Task):
    """P(positive) = sigmoid(features · weight + bias); the loss is the log loss."""

    def __init__(self, spec: TaskSpec) -> None:
        super().__init__(spec)
        graph.check(spec)
        self.width = graph.width(spec)

    def prepare(self, rows: Iterable[Mapping[str, str]]) -> Prepared:
        import numpy as np

        table = list(rows)
        if not table:
            return Prepared(np.zeros((0, self.width), np.float32), np.zeros(0, np.float32))
        (x,) = self._preprocessing.run([graph.FEATURES], feed(self.spec, table))
        return Prepared(x, self._targets(table))

    def contract(self) -> ShapeContract:
        tensors = {"weight": TensorSpec(dtype="F32", shape=(self.width,)), "bias": TensorSpec(dtype="F32", shape=(1,))}
        return ShapeContract(task=self.spec.name, tensors=tensors)

    def initial(self) -> Parameters:
        import numpy as np

        return {name: np.zeros(tensor.shape, np.float32) for name, tensor in self.contract().tensors.items()}

    def gradients(self, params: Parameters, x: Floats, y: Floats) -> Parameters:
        error = self.scores(params, x) - y
        return {"weight": error[:, None] * x, "bias": error[:, None]}

    def scores(self, params: Parameters, x: Floats) -> Floats:
        import numpy as np

        logits = x @ params["weight"] + params["bias"]
        return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), np.float32)  # the sigmoid, without overflow

    def export(self, params: Parameters, directory: Path) -> None:
        import numpy as np

        shapes = {name: tensor.shape for name, tensor in self.contract().tensors.items()}
        if {name: value.shape for name, value in params.items()} != shapes:
            raise ConfigError(
                f"these are not parameters of task {self.spec.name}", remedy="export what this task's training made"
            )
        weight, bias = (np.asarray(params[name], np.float32) for name in ("weight", "bias"))
        (directory / MODEL).write_bytes(graph.model(self.spec, weight, bias).SerializeToString(deterministic=True))
        (directory / TASK).write_bytes(self.spec.canonical())

    @cached_property
    def _preprocessing(self) -> Any:
        return session(graph.preprocessing(self.spec).SerializeToString())

    def _targets(self, table: list[Mapping[str, str]]) -> Floats:
        import numpy as np

        target = self.spec.target
        cells = column(list(table), target.column)
        if "" in cells:
            raise ConfigError(
                f"row {cells.index('') + 1} has no value in {target.column}", remedy="leave out rows without a target"
            )
        return np.array([cell == target.positive for cell in cells], np.float32)


def session(model: bytes) -> Any:
    """An ONNX Runtime session on one thread: these graphs are too small to share."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
