"""Preprocessing says what the schema says and learns nothing; the exported model computes what training computed."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovplatform.errors import ConfigError
from sovplatform.pilot import NumberFeature, TaskSpec
from sovplatform.tasks.feed import feed
from sovplatform.tasks.tabular import TabularTask, session
from sovplatform.tasks.task import Task

Row = dict[str, str]
MISSING, INTERVALS, HOME = slice(2, 4), slice(4, 7), slice(7, 9)


def parameters(task: Task, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=tensor.shape).astype(np.float32) for name, tensor in task.contract().tensors.items()}


def test_numbers_are_scaled_between_public_bounds_and_clipped_to_them(task: TabularTask, rows: list[Row]) -> None:
    x = task.prepare(rows).x
    np.testing.assert_allclose(x[:, 0], [0, -1, 1, 0, -1], atol=1e-6)
    np.testing.assert_allclose(x[:, 1], [-1, 0, 2 * np.log(50.9) / np.log(100) - 1, 0, 1], atol=1e-6)


def test_the_interval_of_a_number_is_one_hot_and_a_threshold_belongs_above(task: TabularTask, rows: list[Row]) -> None:
    x = task.prepare(rows).x
    assert x[:, INTERVALS].tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_missing_is_the_middle_and_told(task: TabularTask, rows: list[Row]) -> None:
    x = task.prepare(rows).x
    assert x[:, MISSING].tolist() == [[0, 0], [0, 0], [0, 0], [1, 1], [0, 0]]
    assert not x[3, [0, 1, 4, 5, 6, 7, 8]].any()


def test_categories_that_are_not_declared_are_none_of_them(task: TabularTask, rows: list[Row]) -> None:
    x = task.prepare(rows).x
    assert x[:, HOME].tolist() == [[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]]


def test_targets_are_one_for_the_positive_value(task: TabularTask, rows: list[Row]) -> None:
    assert task.prepare(rows).y.tolist() == [1, 0, 1, 0, 1]


def test_a_row_is_prepared_alike_in_any_company(task: TabularTask, rows: list[Row]) -> None:
    together = task.prepare(rows).x
    for index, row in enumerate(rows):
        assert task.prepare([row]).x[0].tobytes() == together[index].tobytes()


def test_no_rows_are_prepared_to_no_examples(task: TabularTask) -> None:
    x, y = task.prepare([])
    assert x.shape == (0, task.width) and y.shape == (0,)


def test_identities_never_reach_the_features(task: TabularTask, rows: list[Row]) -> None:
    changed = [{**row, "person": f"Somebody Else {index}"} for index, row in enumerate(rows)]
    without = [{name: cell for name, cell in row.items() if name != "person"} for row in rows]
    assert task.prepare(changed).x.tobytes() == task.prepare(without).x.tobytes() == task.prepare(rows).x.tobytes()
    assert "person" not in task.columns()


@pytest.mark.parametrize("change", [{"identifiers": ("age",)}, {"identifiers": ("outcome",)}])
def test_an_identifier_as_feature_or_target_is_refused(spec: TaskSpec, change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="identifier"):
        TabularTask(spec.model_copy(update=change))


@pytest.mark.parametrize(
    "change",
    [
        {"max": 20.0},
        {"max": float("inf")},
        {"scale": "log", "min": -1.0},
        {"bins": (5.0,)},
        {"bins": (40.0, 30.0)},
        {"name": "features"},
    ],
)
def test_a_schema_that_makes_no_sense_is_refused(spec: TaskSpec, change: dict[str, object]) -> None:
    broken = spec.features[0].model_copy(update=change)
    with pytest.raises(ConfigError, match=broken.name):
        TabularTask(spec.model_copy(update={"features": (broken,)}))


def test_a_value_that_cannot_be_read_is_not_repeated_in_the_error(task: TabularTask, rows: list[Row]) -> None:
    rows[2]["age"] = "DE89370400440532013000"
    with pytest.raises(ConfigError, match="row 3: column age") as caught:
        task.prepare(rows)
    assert "DE89" not in str(caught.value)


def test_a_missing_column_is_named(task: TabularTask, rows: list[Row]) -> None:
    del rows[1]["home"]
    with pytest.raises(ConfigError, match="row 2 has no column home"):
        task.prepare(rows)


def test_a_row_without_a_target_is_refused(task: TabularTask, rows: list[Row]) -> None:
    rows[4]["outcome"] = " "
    with pytest.raises(ConfigError, match="row 5"):
        task.prepare(rows)


def test_gradients_are_those_of_the_log_loss(task: TabularTask, rows: list[Row]) -> None:
    x, y = task.prepare(rows)
    params = parameters(task)
    found = task.gradients(params, x, y)

    def loss(name: str, index: int, shift: float) -> np.ndarray:
        moved = {key: value.astype(np.float64) for key, value in params.items()}
        moved[name][index] += shift
        logits = x.astype(np.float64) @ moved["weight"] + moved["bias"]
        return np.logaddexp(0, logits) - y * logits

    for name, tensor in task.contract().tensors.items():
        assert found[name].shape == (len(x), *tensor.shape)
        for index in range(tensor.shape[0]):
            numeric = (loss(name, index, 1e-5) - loss(name, index, -1e-5)) / 2e-5
            np.testing.assert_allclose(found[name][:, index], numeric, atol=1e-5)


@given(st.integers(0, 10_000), st.floats(0.1, 100))
def test_the_exported_model_scores_raw_rows_as_training_does(
    tmp_path_factory: pytest.TempPathFactory, seed: int, size: float
) -> None:
    task = TabularTask(_spec())
    params = {name: (value * size).astype(np.float32) for name, value in parameters(task, seed).items()}
    rng = np.random.default_rng(seed)
    table = [{"a": str(rng.normal() * 10), "b": rng.choice(["", "3", "70"]), "outcome": "bad"} for _ in range(20)]
    directory = tmp_path_factory.mktemp("model")
    task.export(params, directory)
    (served,) = session((directory / "model.onnx").read_bytes()).run(["probability"], feed(task.spec, table))
    assert served.shape == (20, 1)
    np.testing.assert_allclose(served[:, 0], task.scores(params, task.prepare(table).x), atol=2e-6)


def _spec() -> TaskSpec:
    features = (
        NumberFeature(name="a", type="number", min=-5, max=5, bins=(0,)),
        NumberFeature(name="b", type="number", min=1, max=50, scale="log"),
    )
    return TaskSpec.model_validate({"name": "t", "target": {"column": "outcome", "positive": "bad"}, "features": features})


def test_an_exported_model_takes_raw_columns_and_is_the_same_every_time(task: TabularTask, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        task.export(parameters(task), tmp_path / name)
    model = (tmp_path / "one/model.onnx").read_bytes()
    assert model == (tmp_path / "two/model.onnx").read_bytes()
    assert [value.name for value in onnx.load_from_string(model).graph.input] == ["age", "income", "home"]
    assert TaskSpec.from_json((tmp_path / "one/task.json").read_bytes()) == task.spec


def test_parameters_of_another_shape_are_not_exported(task: TabularTask, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="small"):
        task.export({**parameters(task), "extra": np.zeros(3, np.float32)}, tmp_path)


def test_large_logits_do_not_overflow(task: TabularTask) -> None:
    x = np.ones((2, task.width), np.float32) * np.array([[1], [-1]], np.float32)
    scores = task.scores({"weight": np.full(task.width, 1e6, np.float32), "bias": np.zeros(1, np.float32)}, x)
    assert scores.tolist() == [1.0, 0.0]
