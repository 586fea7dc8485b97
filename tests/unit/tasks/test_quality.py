"""The area under the curve from noised histograms is near the exact one, with an honest error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovplatform.tasks import quality


def scored(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.3).astype(np.float32)
    return (1 / (1 + np.exp(-(rng.normal(size=n) + 1.2 * y - 1)))).astype(np.float32), y


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.booleans()), min_size=2, max_size=30))
def test_the_exact_area_counts_pairs(pairs: list[tuple[float, bool]]) -> None:
    scores, y = np.array([s for s, _ in pairs], np.float32), np.array([float(p) for _, p in pairs], np.float32)
    wins = [(a > b) + (a == b) / 2 for a in scores[y == 1] for b in scores[y == 0]]
    assert quality.auc(scores, y) == pytest.approx(np.mean(wins) if wins else 0.5)


def test_histograms_without_noise_are_near_the_exact_area() -> None:
    scores, y = scored(4000, 1)
    parts = [quality.histogram(scores[i::3], y[i::3], 50, 0.0, np.random.default_rng(0)) for i in range(3)]
    auc, error = quality.auc_from_histograms(parts)
    assert auc == pytest.approx(quality.auc(scores, y), abs=0.002)
    assert error == pytest.approx(np.sqrt(auc * (1 - auc) / 4000) * 1.15, rel=0.5)


def test_the_error_covers_the_noise() -> None:
    scores, y = scored(1100, 2)
    exact, rng = quality.auc(scores, y), np.random.default_rng(3)
    released = [
        quality.auc_from_histograms([quality.histogram(scores[i::3], y[i::3], 20, 4.0, rng) for i in range(3)], 4.0)
        for _ in range(300)
    ]
    spread = np.std([auc for auc, _ in released])
    noise = np.sqrt(
        np.mean([error for _, error in released]) ** 2
        - quality.auc_from_histograms([quality.histogram(scores, y, 20, 0, rng)])[1] ** 2
    )
    assert np.mean([auc for auc, _ in released]) == pytest.approx(exact, abs=0.01)
    assert noise == pytest.approx(spread, rel=0.25)


@given(st.floats(width=32), st.booleans())
def test_one_record_changes_one_count_by_one(score: float, positive: bool) -> None:
    scores, y = scored(20, 4)
    before = quality.histogram(scores, y, 10, 0.0, np.random.default_rng(0))
    after = quality.histogram(
        np.append(scores, np.float32(score)), np.append(y, np.float32(positive)), 10, 0.0, np.random.default_rng(0)
    )
    change = np.concatenate([after[label] - before[label] for label in quality.LABELS])
    assert np.abs(change).sum() == 1
    assert change[10:].sum() == float(positive)


def test_the_noise_has_the_stated_scale() -> None:
    empty = np.zeros(0, np.float32)
    noised = quality.histogram(empty, empty, 50_000, 2.5, np.random.default_rng(0))
    assert np.std(list(noised.values())) == pytest.approx(2.5, rel=0.02)


def test_histograms_have_the_tensors_of_their_contract() -> None:
    made = quality.histogram(*scored(50, 5), 15, 1.0, np.random.default_rng(0))
    contract = quality.statistics_contract(15).tensors
    assert {name: value.shape for name, value in made.items()} == {name: tensor.shape for name, tensor in contract.items()}
    assert all(value.dtype == np.float32 for value in made.values())


def test_without_records_nothing_is_claimed() -> None:
    zeros = {label: np.zeros(10, np.float32) for label in quality.LABELS}
    assert quality.auc_from_histograms([zeros]) == (0.5, 0.5)
