"""The second accountant: dp-accounting has the last word on what is reported."""

import pytest

from sovplatform import privacy
from sovplatform.records import PrivacyPlan


def _plan(noise: float, rate: float, steps: int) -> PrivacyPlan:
    return PrivacyPlan(
        reservation="r",
        dataset="d",
        partition="train",
        clip_norm=1.0,
        noise_multiplier=noise,
        sampling_rate=rate,
        steps=steps,
        delta=1e-5,
    )


@pytest.mark.parametrize(("noise", "rate", "steps"), [(7.5, 1.0, 14), (2.0, 1.0, 1), (1.1, 0.1, 20)])
def test_dp_accounting_agrees_with_what_the_gate_charges(noise: float, rate: float, steps: int) -> None:
    plan = _plan(noise, rate, steps)
    assert privacy.accounted(plan, 1e-5) == pytest.approx(privacy.epsilon([plan], 1e-5), rel=1e-3)


def test_less_noise_costs_more() -> None:
    assert privacy.accounted(_plan(2.0, 1.0, 14), 1e-5) > privacy.accounted(_plan(8.0, 1.0, 14), 1e-5)
