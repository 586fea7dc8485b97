"""Privacy accounting: the ε that a set of plans spends at δ, and the noise that a target ε needs.

Neighbouring datasets differ in one added or removed record. A plan is `steps` Poisson-subsampled Gaussian mechanisms
(Mironov, Talwar & Zhang, "Rényi Differential Privacy of the Sampled Gaussian Mechanism", 2019). Without subsampling the
composition is one Gaussian mechanism whose ε is known exactly (Balle & Wang, "Improving the Gaussian Mechanism for
Differential Privacy", ICML 2018), so that nothing heavy is imported; with it, `dp-accounting` composes privacy loss
distributions and Rényi divergences, and the smaller of its two upper bounds counts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

from sovplatform.errors import ConfigError, Unsupported
from sovplatform.records import PrivacyPlan

MECHANISM = "gaussian"
HOPELESS = 100.0  # no budget is that large (the pilot's limit is 20), and loss distributions so wide fill the memory
LARGEST_NOISE = 1e9
SLACK = 1e-3  # of ε, left unspent for fewer of the costly evaluations

Subsampled = tuple[float, float, int]  # sampling rate, noise multiplier, steps


def epsilon(plans: Sequence[PrivacyPlan], delta: float) -> float:
    """The ε at `delta` that all plans together spend of one partition of records; never too small.

    Further plans never lower it. No plans spend 0; noise too small to count for anything spends infinity. Plans on
    disjoint partitions compose in parallel: account for each partition by itself and take the largest.

    Raises:
        ConfigError: `delta` is not between 0 and 1.
        Unsupported: a plan's mechanism is not `gaussian`.
    """
    _check_delta(delta)
    precision = 0.0
    subsampled: Counter[tuple[float, float]] = Counter()
    for plan in plans:
        if plan.mechanism != MECHANISM:
            raise Unsupported(
                f"mechanism {plan.mechanism}", reason="only gaussian is accounted for", remedy="plan gaussian noise"
            )
        if plan.sampling_rate == 1:
            precision += plan.steps / plan.noise_multiplier**2
        else:
            subsampled[plan.sampling_rate, plan.noise_multiplier] += plan.steps
    parts = tuple(sorted((rate, noise, steps) for (rate, noise), steps in subsampled.items()))
    return _subsampled(precision, parts, delta) if parts else _gaussian(math.sqrt(precision), delta)


def accounted(plan: PrivacyPlan, delta: float) -> float:
    """The ε of one plan as `dp-accounting` computes it, also where `epsilon` needs no library: a second accountant.

    Raises:
        ConfigError: `delta` is not between 0 and 1.
    """
    _check_delta(delta)
    if plan.sampling_rate < 1:
        return epsilon([plan], delta)
    from dp_accounting import get_epsilon_gaussian

    return float(get_epsilon_gaussian(plan.noise_multiplier / math.sqrt(plan.steps), delta))


@lru_cache(maxsize=1024)
def noise_multiplier(epsilon: float, delta: float, sampling_rate: float, steps: int) -> float:
    """The noise multiplier, six digits and hardly above the least, with which `steps` steps spend at most `epsilon` at `delta`.

    Raises:
        ConfigError: an argument is out of range, or no finite noise reaches the target.
    """
    _check_delta(delta)
    if not (0 < epsilon < HOPELESS and 0 < sampling_rate <= 1 and steps > 0):
        raise ConfigError(
            f"no noise can be found for ε={epsilon}, sampling rate {sampling_rate}, {steps} steps",
            remedy=f"give 0 < ε < {HOPELESS:g}, 0 < sampling rate ≤ 1 and at least one step",
        )

    if sampling_rate == 1:
        return _least(lambda noise: _gaussian(math.sqrt(steps) / noise, delta), epsilon, start=math.sqrt(steps), slack=1e-9)

    def parts(noise: float) -> tuple[Subsampled, ...]:
        return ((sampling_rate, noise, steps),)

    near = _least(lambda noise: _renyi(0.0, parts(noise), delta), epsilon, start=1.0, slack=SLACK)
    return _least(lambda noise: _subsampled(0.0, parts(noise), delta), epsilon, start=near, slack=SLACK)


def _check_delta(delta: float) -> None:
    if not 0 < delta < 1:
        raise ConfigError(f"δ is {delta}", remedy="give a δ between 0 and 1, well below one over the number of records")


def _least(spent: Callable[[float], float], target: float, start: float, slack: float) -> float:
    """A noise at which the falling function `spent` is at most `target`, and not below it by more than the share `slack`.

    False position on a doubly logarithmic scale, where ε over noise is nearly a line, aimed at the middle of the slack.
    """
    low, high = _bracket(spent, target, start)
    floor = math.log1p(-slack)
    below, above = _excess(spent(low), target), _excess(spent(high), target)
    while above < floor:
        share = (below - floor / 2) / (below - above) if math.isfinite(below - above) else 0.5
        middle = low * (high / low) ** share
        if not low < middle < high:
            break
        excess = _excess(spent(middle), target)
        if excess > 0:
            low, below = middle, excess
        else:
            high, above = middle, excess
    return _round_up(high, digits=6)


def _bracket(spent: Callable[[float], float], target: float, start: float) -> tuple[float, float]:
    low = high = start
    while spent(high) > target:
        low, high = high, high * 1.2
        if high > LARGEST_NOISE:
            raise ConfigError(f"no noise reaches ε={target}", remedy="raise ε or δ, or take fewer rounds")
    while spent(low) <= target:
        low, high = low / 1.2, low
    return low, high


def _excess(spent: float, target: float) -> float:
    return math.log(spent / target) if spent > 0 else -math.inf


def _round_up(value: float, digits: int) -> float:
    unit = 10.0 ** (math.floor(math.log10(value)) - digits + 1)
    rounded = round(math.ceil(value / unit) * unit, 12)
    return rounded if rounded >= value else value


def _log_normal_cdf(x: float) -> float:
    if x > -30:
        return math.log(math.erfc(-x / math.sqrt(2)) / 2)
    return -x * x / 2 - math.log(-x) - math.log(2 * math.pi) / 2  # an upper bound, and tight, so far out in the tail


def _gaussian_delta(eps: float, mu: float) -> float:
    return math.exp(_log_normal_cdf(mu / 2 - eps / mu)) - math.exp(eps + _log_normal_cdf(-mu / 2 - eps / mu))


@lru_cache(maxsize=4096)
def _gaussian(mu: float, delta: float) -> float:
    """ε of one Gaussian mechanism with sensitivity `mu` times its standard deviation, rounded up."""
    if mu == 0 or _gaussian_delta(0.0, mu) <= delta:
        return 0.0
    low, high = 0.0, 1.0
    while _gaussian_delta(high, mu) > delta:
        low, high = high, high * 2
        if high > 1e6:
            return math.inf
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _gaussian_delta(middle, mu) > delta else (low, middle)
    return high


@lru_cache(maxsize=1024)
def _subsampled(precision: float, parts: tuple[Subsampled, ...], delta: float) -> float:
    """ε of subsampled mechanisms, composed with one Gaussian mechanism of `precision` = (sensitivity ÷ deviation)²."""
    bound = _renyi(precision, parts, delta)
    return bound if bound > HOPELESS else min(bound, _loss_distribution(precision, parts, delta))


def _renyi(precision: float, parts: tuple[Subsampled, ...], delta: float) -> float:
    from dp_accounting import dp_event
    from dp_accounting.rdp import RdpAccountant

    accountant = RdpAccountant(orders=[*range(2, 65), 80, 96, 128, 192, 256, 512, 1024])
    for rate, noise, steps in parts:
        accountant.compose(dp_event.PoissonSampledDpEvent(rate, dp_event.GaussianDpEvent(noise)), steps)
    if precision > 0:
        accountant.compose(dp_event.GaussianDpEvent(1 / math.sqrt(precision)))
    return float(accountant.get_epsilon(delta))


def _loss_distribution(precision: float, parts: tuple[Subsampled, ...], delta: float) -> float:
    from dp_accounting.pld import privacy_loss_distribution

    make = privacy_loss_distribution.from_gaussian_mechanism
    composed = privacy_loss_distribution.identity()
    for rate, noise, steps in parts:
        composed = composed.compose(make(noise, sampling_prob=rate, use_connect_dots=True).self_compose(steps))
    if precision > 0:
        composed = composed.compose(make(1 / math.sqrt(precision), use_connect_dots=True))
    return float(composed.get_epsilon_for_delta(delta))
