"""ε is what the literature and dp-accounting say, never falls as plans are added, and calibration never overspends."""

import math

import pytest
from dp_accounting import dp_event, get_epsilon_gaussian
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant
from hypothesis import given
from hypothesis import strategies as st

from sovplatform import privacy
from sovplatform.errors import ConfigError, Unsupported
from sovplatform.records import PrivacyPlan

DELTA = 1e-5


def plan(noise: float, steps: int = 1, rate: float = 1.0, **other: object) -> PrivacyPlan:
    values = {"reservation": "r", "dataset": "d", "partition": "train", "clip_norm": 1.0, "delta": DELTA, **other}
    return PrivacyPlan(noise_multiplier=noise, steps=steps, sampling_rate=rate, **values)


def test_nothing_spends_nothing() -> None:
    assert privacy.epsilon([], DELTA) == 0.0


@pytest.mark.parametrize("noise", [0.2, 0.5, 1.0, 2.0, 3.7306, 10.0, 100.0])
def test_one_gaussian_is_exact(noise: float) -> None:
    assert privacy.epsilon([plan(noise)], DELTA) == pytest.approx(get_epsilon_gaussian(noise, DELTA), abs=1e-9)


def test_a_published_value_is_met() -> None:
    """Balle & Wang, ICML 2018: ε = 1 at δ = 1e-5 needs 3.7306, where the classical formula takes 4.8448."""
    assert privacy.noise_multiplier(1.0, DELTA, 1.0, 1) == pytest.approx(3.7306, abs=1e-4)


def test_steps_and_plans_compose_alike_and_the_order_does_not_matter() -> None:
    once = privacy.epsilon([plan(5.0, steps=6)], DELTA)
    assert privacy.epsilon([plan(5.0, steps=2), plan(5.0, steps=4)], DELTA) == pytest.approx(once, rel=1e-9)
    assert privacy.epsilon([plan(5.0), plan(9.0)], DELTA) == privacy.epsilon([plan(9.0), plan(5.0)], DELTA)


def test_composition_without_sampling_is_below_renyi() -> None:
    event = dp_event.SelfComposedDpEvent(dp_event.GaussianDpEvent(8.0), 14)
    assert privacy.epsilon([plan(8.0, steps=14)], DELTA) < RdpAccountant().compose(event).get_epsilon(DELTA)


def test_subsampling_is_accounted_by_the_tighter_bound() -> None:
    event = dp_event.SelfComposedDpEvent(dp_event.PoissonSampledDpEvent(0.25, dp_event.GaussianDpEvent(5.0)), 20)
    spent = privacy.epsilon([plan(5.0, steps=20, rate=0.25)], DELTA)
    assert spent == pytest.approx(PLDAccountant().compose(event).get_epsilon(DELTA), rel=1e-3)
    assert spent < RdpAccountant().compose(event).get_epsilon(DELTA)
    assert spent < privacy.epsilon([plan(5.0, steps=20)], DELTA) / 2


def test_further_plans_never_lower_it() -> None:
    first = privacy.epsilon([plan(5.0, steps=20, rate=0.25)], DELTA)
    second = privacy.epsilon([plan(5.0, steps=20, rate=0.25), plan(40.0)], DELTA)
    third = privacy.epsilon([plan(5.0, steps=20, rate=0.25), plan(40.0), plan(3.0, rate=0.1)], DELTA)
    assert first < second < third


@given(st.lists(st.tuples(st.floats(0.3, 50), st.integers(1, 100)), min_size=1, max_size=5), st.floats(1e-9, 0.1))
def test_every_plan_adds(plans: list[tuple[float, int]], delta: float) -> None:
    made = [plan(noise, steps) for noise, steps in plans]
    assert privacy.epsilon(made, delta) >= privacy.epsilon(made[:-1], delta)
    assert privacy.epsilon(made, delta) >= privacy.epsilon(made, min(0.2, delta * 2))


@given(st.floats(0.01, 20), st.floats(1e-9, 1e-2), st.integers(1, 5000))
def test_calibrated_noise_never_overspends_and_wastes_little(epsilon: float, delta: float, steps: int) -> None:
    noise = privacy.noise_multiplier(epsilon, delta, 1.0, steps)
    spent = privacy.epsilon([plan(noise, steps, delta=delta)], delta)
    assert 0.999 * epsilon < spent <= epsilon


@pytest.mark.parametrize(("epsilon", "rate", "steps"), [(2.0, 0.25, 20), (0.5, 0.02, 60)])
def test_calibrated_noise_with_sampling_never_overspends(epsilon: float, rate: float, steps: int) -> None:
    noise = privacy.noise_multiplier(epsilon, DELTA, rate, steps)
    spent = privacy.epsilon([plan(noise, steps, rate)], DELTA)
    assert 0.99 * epsilon < spent <= epsilon


def test_noise_that_hides_nothing_is_infinite() -> None:
    assert privacy.epsilon([plan(1e-6, steps=100)], DELTA) == math.inf
    assert privacy.epsilon([plan(0.01, steps=10, rate=0.5)], DELTA) > privacy.HOPELESS


def test_unknown_mechanisms_are_not_guessed_at() -> None:
    with pytest.raises(Unsupported, match="laplace"):
        privacy.epsilon([plan(1.0, mechanism="laplace")], DELTA)


@pytest.mark.parametrize("delta", [0.0, 1.0, -1.0, math.nan])
def test_a_delta_that_makes_no_sense_is_refused(delta: float) -> None:
    with pytest.raises(ConfigError, match="δ"):
        privacy.epsilon([plan(1.0)], delta)


@pytest.mark.parametrize(
    ("epsilon", "rate", "steps"), [(0.0, 1.0, 1), (-1.0, 1.0, 1), (1.0, 0.0, 1), (1.0, 1.1, 1), (1.0, 1.0, 0)]
)
def test_targets_that_make_no_sense_are_refused(epsilon: float, rate: float, steps: int) -> None:
    with pytest.raises(ConfigError):
        privacy.noise_multiplier(epsilon, DELTA, rate, steps)
