"""The ONNX graphs of the tabular task: preprocessing by itself, and in front of the model.

There is one definition of preprocessing, this one: training runs it, and the exported model begins with it. It has one
input per raw column, named as the column: float32 [N, 1], NaN for missing, or string [N, 1]. Nothing in it is learnt
from data; all constants come from the task's public schema.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from sovplatform.errors import ConfigError
from sovplatform.pilot import CategoryFeature, NumberFeature, TaskSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto

FEATURES = "features"
PROBABILITY = "probability"
OPSETS = {"": 18, "ai.onnx.ml": 3}
IR_VERSION = 9


def check(spec: TaskSpec) -> None:
    """Raises ConfigError when the schema can't be computed: bounds, bins or values that make no sense."""
    for feature in spec.features:
        problem = _number_problem(feature) if isinstance(feature, NumberFeature) else _category_problem(feature)
        if feature.name in (FEATURES, PROBABILITY) or feature.name.startswith("/"):
            problem = "is a name the model needs itself"
        if problem:
            raise ConfigError(
                f"task {spec.name}: feature {feature.name} {problem}", remedy="correct `task.features` in pilot.yaml"
            )


def _number_problem(feature: NumberFeature) -> str:
    if not (math.isfinite(feature.min) and math.isfinite(feature.max) and feature.min < feature.max):
        return "needs finite bounds, min below max"
    if feature.scale == "log" and feature.min < 0:
        return "has scale log, which needs a min of at least 0"
    edges = (feature.min, *feature.bins, feature.max)
    if any(low >= high for low, high in itertools.pairwise(edges)):
        return "needs rising bins between min and max"
    return ""


def _category_problem(feature: CategoryFeature) -> str:
    return "" if len(set(feature.values)) == len(feature.values) else "has a value twice"


def width(spec: TaskSpec) -> int:
    """The number of features that preprocessing makes: of a number 2 and its intervals, of a category its values."""
    return sum(
        2 + (len(feature.bins) + 1 if feature.bins else 0) if isinstance(feature, NumberFeature) else len(feature.values)
        for feature in spec.features
    )


def preprocessing(spec: TaskSpec) -> ModelProto:
    """Raw columns → `features` float32 [N, width]."""
    graph = _Graph()
    graph.node("Identity", [_features(graph, spec)], FEATURES)
    return graph.model(spec, FEATURES, width(spec))


def model(spec: TaskSpec, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> ModelProto:
    """Raw columns → `probability` float32 [N, 1]: preprocessing, then logistic regression."""
    graph = _Graph()
    scored = graph.node("Gemm", [_features(graph, spec), graph.constant(weight.reshape(-1, 1)), graph.constant(bias)])
    graph.node("Sigmoid", [scored], PROBABILITY)
    return graph.model(spec, PROBABILITY, 1)


def _features(graph: _Graph, spec: TaskSpec) -> str:
    numbers = [feature for feature in spec.features if isinstance(feature, NumberFeature)]
    categories = [feature for feature in spec.features if isinstance(feature, CategoryFeature)]
    blocks = _numbers(graph, numbers) if numbers else []
    blocks += [_category(graph, feature) for feature in categories]
    return graph.node("Concat", blocks, axis=1)


def _category(graph: _Graph, feature: CategoryFeature) -> str:
    """One-hot of the declared values; anything else is all zeros."""
    coded = graph.node("OneHotEncoder", [feature.name], domain="ai.onnx.ml", cats_strings=list(feature.values), zeros=1)
    return graph.node("Flatten", [coded], axis=1)


def _numbers(graph: _Graph, numbers: list[NumberFeature]) -> list[str]:
    """Scaled to [-1, 1], missing → 0; then 1 where missing; then the intervals."""
    import numpy as np

    low, high = [f.min for f in numbers], [f.max for f in numbers]
    is_log = np.array([f.scale == "log" for f in numbers])
    raw = graph.node("Concat", [f.name for f in numbers], axis=1)
    missing = graph.node("IsNaN", [raw])
    known = graph.node("Where", [missing, graph.floats(low), raw])
    clipped = graph.node("Min", [graph.node("Max", [known, graph.floats(low)]), graph.floats(high)])
    logs = graph.node("Log", [graph.node("Add", [graph.node("Relu", [clipped]), graph.floats([1.0])])])
    curved = graph.node("Where", [graph.constant(is_log), logs, clipped])
    bottom = np.array([math.log1p(f.min) if f.scale == "log" else f.min for f in numbers])
    top = np.array([math.log1p(f.max) if f.scale == "log" else f.max for f in numbers])
    slope = 2 / (top - bottom)
    shifted = graph.node("Sub", [curved, graph.floats(bottom)])
    scaled = graph.node("Sub", [graph.node("Mul", [shifted, graph.floats(slope)]), graph.floats([1.0])])
    centred = graph.node("Where", [missing, graph.floats([0.0]), scaled])
    indicator = graph.node("Cast", [missing], to=1)
    return [centred, indicator, *_intervals(graph, numbers, clipped, indicator)]


def _intervals(graph: _Graph, numbers: list[NumberFeature], clipped: str, indicator: str) -> list[str]:
    """One-hot of the interval a number is in, missing → zeros: differences of "at least this threshold"."""
    import numpy as np

    binned = [(index, f.bins) for index, f in enumerate(numbers) if f.bins]
    if not binned:
        return []
    thresholds = [(index, edge) for index, bins in binned for edge in bins]
    intervals = [index for index, bins in binned for _ in range(len(bins) + 1)]
    matrix = np.zeros((len(thresholds), len(intervals)), np.float32)
    offset = np.zeros(len(intervals), np.float32)
    row = column = 0
    for _, bins in binned:
        offset[column] = 1
        for _ in bins:
            matrix[row, column], matrix[row, column + 1] = -1, 1
            row, column = row + 1, column + 1
        column += 1
    values = graph.node("Gather", [clipped, graph.integers([index for index, _ in thresholds])], axis=1)
    reached = graph.node("GreaterOrEqual", [values, graph.floats([edge for _, edge in thresholds])])
    within = graph.node("Gemm", [graph.node("Cast", [reached], to=1), graph.constant(matrix), graph.constant(offset)])
    present = graph.node("Sub", [graph.floats([1.0]), graph.node("Gather", [indicator, graph.integers(intervals)], axis=1)])
    return [graph.node("Mul", [within, present])]


class _Graph:
    """Nodes and constants in the order they are added, with names that no column can have."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, operator: str, inputs: list[str], output: str = "", *, domain: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = output or f"/{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, domain=domain, **attributes))
        return name

    def constant(self, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        name = f"/constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def floats(self, values: Any) -> str:
        import numpy as np

        return self.constant(np.asarray(values, np.float32))

    def integers(self, values: list[int]) -> str:
        import numpy as np

        return self.constant(np.asarray(values, np.int64))

    def model(self, spec: TaskSpec, output: str, columns: int) -> ModelProto:
        from onnx import TensorProto, checker, helper

        inputs = [
            helper.make_tensor_value_info(
                feature.name, TensorProto.FLOAT if isinstance(feature, NumberFeature) else TensorProto.STRING, ["N", 1]
            )
            for feature in spec.features
        ]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", columns])]
        graph = helper.make_graph(self.nodes, spec.name, inputs, outputs, initializer=self.constants)
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        made = helper.make_model(graph, opset_imports=opsets, producer_name="sovplatform", ir_version=IR_VERSION)
        checker.check_model(made)
        return made
