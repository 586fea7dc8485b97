"""No record moves an update further than the clip norm, the noise is as large as it says, and the rounds converge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sovplatform.errors import ConfigError
from sovplatform.pilot import TrainingSpec
from sovplatform.tasks import dpsgd
from sovplatform.tasks.tabular import TabularTask

HOSTILE = st.floats(width=32, allow_nan=True, allow_infinity=True)
TINY = 1e-9


class Silent:
    """A source of no noise at all, to look at what is noised."""

    def random(self, size: int) -> np.ndarray:
        return np.zeros(size)

    def standard_normal(self, size: int) -> np.ndarray:
        return np.zeros(size)


def training(**other: object) -> TrainingSpec:
    values = {"epsilon": 2.0, "delta": 1e-5, "rounds": 3, "clip_norm": 1.0, "sampling_rate": 1.0, "learning_rate": 1.0}
    return TrainingSpec.model_validate({**values, **other})


def norm(grads: dict[str, np.ndarray]) -> float:
    return float(np.sqrt(sum((value**2).sum() for value in grads.values())))


@given(arrays(np.float32, (3, 4), elements=HOSTILE), arrays(np.float32, (3, 2, 2), elements=HOSTILE), st.floats(1e-3, 1e3))
def test_one_record_moves_the_sum_by_at_most_the_clip_norm(a: np.ndarray, b: np.ndarray, clip: float) -> None:
    with_all = dpsgd.clipped_sum({"a": a, "b": b}, clip)
    without = dpsgd.clipped_sum({"a": a[1:], "b": b[1:]}, clip)
    assert norm({name: with_all[name] - without[name] for name in with_all}) <= clip * (1 + 1e-9)


def test_small_gradients_are_not_clipped() -> None:
    grads = {"a": np.array([[0.3, 0.4], [0.1, 0.0]])}
    np.testing.assert_allclose(dpsgd.clipped_sum(grads, 1.0)["a"], [0.4, 0.4])


def test_clipping_is_over_all_parameters_together() -> None:
    grads = {"a": np.array([[3.0]]), "b": np.array([[[4.0]]])}
    clipped = dpsgd.clipped_sum(grads, 1.0)
    assert (clipped["a"][0], clipped["b"][0]) == pytest.approx((0.6, 0.8))


@given(st.floats(-(2.0**100), 2.0**100, width=32), st.sampled_from([0.0, 1.0]))
def test_one_hostile_record_moves_what_an_update_is_made_of_by_at_most_the_clip_norm(
    task: TabularTask, cell: float, label: float
) -> None:
    """The mechanism is the sum of gradients together with the share for the count; an update is their quotient."""
    spec = training(clip_norm=0.7)
    x = np.random.default_rng(6).normal(size=(9, task.width)).astype(np.float32)
    y = np.zeros(9, np.float32)
    x[0], y[0] = cell, label

    def released(start: int) -> np.ndarray:
        count = 9 - start
        made = dpsgd.update(task, task.initial(), x[start:], y[start:], spec, TINY, Silent())
        sums = np.concatenate([value.astype(np.float64).ravel() * count for value in made.values()])
        return np.append(sums, dpsgd.COUNT_SHARE * spec.clip_norm * count)

    assert np.linalg.norm(released(0) - released(1)) <= spec.clip_norm * (1 + 1e-5)


@pytest.mark.parametrize("rng", [np.random.default_rng(3), dpsgd.secure_rng()], ids=["seeded", "secure"])
def test_noise_has_the_stated_scale(rng: dpsgd.Rng) -> None:
    size = 200_000
    noised = dpsgd.clip_and_noise({"a": np.zeros((1, size))}, 0.5, 3.0, rng)["a"]
    assert noised.std() == pytest.approx(1.5, rel=0.01)
    assert noised.mean() == pytest.approx(0.0, abs=0.02)
    assert (np.abs(noised) > 3 * 1.5).mean() == pytest.approx(0.0027, abs=0.0008)
    assert (np.abs(noised) < 1.5).mean() == pytest.approx(0.6827, abs=0.006)


def test_an_updates_noise_has_the_scale_that_is_accounted_for(task: TabularTask) -> None:
    """Without any record the sum is noise alone, divided by the fewest records that can be told from none."""
    x, y = np.zeros((0, task.width), np.float32), np.zeros(0, np.float32)
    rng = np.random.default_rng(5)
    found = [dpsgd.update(task, task.initial(), x, y, training(clip_norm=0.5), 4.0, rng)["weight"] for _ in range(800)]
    fewest = dpsgd.FEWEST * 4.0 / dpsgd.COUNT_SHARE
    assert np.std(found) * fewest == pytest.approx(4.0 * 0.5, rel=0.05)


def test_secure_noise_is_never_the_same_twice() -> None:
    assert dpsgd.secure_rng().standard_normal(4).tolist() != dpsgd.secure_rng().standard_normal(4).tolist()


def test_an_update_has_the_contracts_tensors_and_nothing_else(task: TabularTask) -> None:
    x, y = np.ones((7, task.width), np.float32), np.ones(7, np.float32)
    made = dpsgd.update(task, task.initial(), x, y, training(), 1.0, dpsgd.secure_rng())
    assert {name: (value.dtype, value.shape) for name, value in made.items()} == {
        name: (np.dtype(np.float32), tensor.shape) for name, tensor in task.contract().tensors.items()
    }


def test_an_update_without_noise_is_refused(task: TabularTask) -> None:
    x, y = np.ones((7, task.width), np.float32), np.ones(7, np.float32)
    for noise in (0.0, -1.0, float("nan")):
        with pytest.raises(ConfigError, match="noise"):
            dpsgd.update(task, task.initial(), x, y, training(), noise, dpsgd.secure_rng())


def test_with_little_noise_an_update_is_the_mean_gradient_in_any_chunks(
    task: TabularTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(50, task.width)).astype(np.float32), (rng.random(50) < 0.5).astype(np.float32)
    expected = {name: value.mean(axis=0) for name, value in task.gradients(task.initial(), x, y).items()}
    for chunk in (7, 4096):
        monkeypatch.setattr(dpsgd, "CHUNK", chunk)
        made = dpsgd.update(task, task.initial(), x, y, training(clip_norm=1e3), TINY, Silent())
        for name, value in expected.items():
            np.testing.assert_allclose(made[name], value, rtol=1e-4, atol=1e-6)


def test_the_exact_number_of_records_does_not_decide_the_scale(task: TabularTask) -> None:
    """One record more or less changes the divisor by one count, far below the count's own noise."""
    rng = np.random.default_rng(2)
    x, y = np.ones((1000, task.width), np.float32), np.ones(1000, np.float32)
    sizes = [dpsgd.update(task, task.initial(), x, y, training(), 5.0, rng)["weight"].mean() for _ in range(200)]
    assert np.std(sizes) / abs(np.mean(sizes)) > 10 / 1000


@given(st.floats(0.05, 0.95))
@settings(max_examples=10)
def test_poisson_sampling_takes_each_record_by_itself(rate: float) -> None:
    rng = np.random.default_rng(7)
    sizes = [len(dpsgd.sample(2000, rate, rng)) for _ in range(200)]
    assert np.mean(sizes) == pytest.approx(2000 * rate, rel=0.05)
    assert np.std(sizes) == pytest.approx(np.sqrt(2000 * rate * (1 - rate)), rel=0.3)


def test_a_rate_of_one_takes_everybody() -> None:
    assert dpsgd.sample(5, 1.0, dpsgd.secure_rng()).tolist() == [0, 1, 2, 3, 4]


def test_updates_are_combined_equally_or_by_public_weights() -> None:
    updates = [{"a": np.array([0.0], np.float32)}, {"a": np.array([3.0], np.float32)}]
    assert dpsgd.combine(updates)["a"].tolist() == [1.5]
    assert dpsgd.combine(updates, [2, 1])["a"].tolist() == [1.0]
    for weights in ([1], [0, 0], [-1, 2]):
        with pytest.raises(ConfigError):
            dpsgd.combine(updates, weights)


def test_steps_have_momentum_and_decay() -> None:
    spec = training(learning_rate=0.1, momentum=0.5, l2=0.01)
    one = {"a": np.array([1.0], np.float32)}
    params, state = dpsgd.apply(one, one, {}, spec)
    assert params["a"][0] == pytest.approx(1 - 0.1 * (1.01 + 0.5 * 1.01))
    moved, state = dpsgd.apply(params, one, state, spec)
    gradient = 1 + 0.01 * params["a"][0]
    speed = 0.5 * 1.01 + gradient
    assert state["a"][0] == pytest.approx(speed)
    assert moved["a"][0] == pytest.approx(params["a"][0] - 0.1 * (gradient + 0.5 * speed))
    assert moved["a"].dtype == np.float32


@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_rounds_with_little_noise_find_what_is_there_to_find(task: TabularTask, rate: float) -> None:
    rng = np.random.default_rng(11)
    x = rng.normal(size=(3000, task.width)).astype(np.float32)
    truth = np.linspace(-1, 1, task.width)
    y = (rng.random(3000) < 1 / (1 + np.exp(-x @ truth))).astype(np.float32)
    spec = training(rounds=40, clip_norm=5.0, sampling_rate=rate, momentum=0.5)
    aggregator = dpsgd.Aggregator(task, spec, members=3)
    for _ in range(spec.rounds):
        parts = [(x[part::3], y[part::3]) for part in range(3)]
        aggregator.step([dpsgd.update(task, aggregator.parameters, a, b, spec, 0.01, rng) for a, b in parts])
    np.testing.assert_allclose(aggregator.result()["weight"], truth, atol=0.25)


def test_a_round_needs_every_members_update(task: TabularTask) -> None:
    aggregator = dpsgd.Aggregator(task, training(), members=3)
    with pytest.raises(ConfigError, match="2 updates of 3"):
        aggregator.step([task.initial(), task.initial()])


def test_the_same_updates_give_the_same_parameters(task: TabularTask) -> None:
    rng = np.random.default_rng(4)
    updates = [
        [{n: rng.normal(size=t.shape).astype(np.float32) for n, t in task.contract().tensors.items()}] * 2 for _ in range(3)
    ]
    results = []
    for _ in range(2):
        aggregator = dpsgd.Aggregator(task, training(momentum=0.9), members=2)
        for update in updates:
            aggregator.step(update)
        results.append(aggregator.result()["weight"].tobytes())
    assert results[0] == results[1]
