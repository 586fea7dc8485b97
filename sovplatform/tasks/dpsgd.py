"""DP-SGD over regions: clipped, noised gradients in each region; momentum steps in the global fabric.

Abadi et al., "Deep Learning with Differential Privacy", CCS 2016, with central noise replaced by each region's own full
noise: the fabric is not trusted, so every single update is private before it leaves.

The number of a region's records is private too. A record therefore contributes a vector of its clipped gradient and a
small constant, the two together at most `clip_norm` long, and the noised sum of the constants gives the number of
records to divide by. That is one Gaussian mechanism of sensitivity `clip_norm`, and what follows is post-processing.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sovplatform.errors import ConfigError
from sovplatform.pilot import TrainingSpec
from sovplatform.tasks.task import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sovplatform.tasks.task import Floats, Parameters

    Gradients = Mapping[str, NDArray[np.floating[Any]]]
    Doubles = NDArray[np.float64]

COUNT_SHARE = 0.1  # of the clip norm: costs 0.5 % of the gradient's bound
FEWEST = 3.0  # deviations of the count's noise; a smaller count is not told from none
CHUNK = 4096  # examples whose gradients are in memory at once


class Rng(Protocol):
    """Where randomness comes from. `numpy.random.Generator` is one; so is what `secure_rng` makes."""

    def random(self, size: int) -> Doubles: ...

    def standard_normal(self, size: int) -> Doubles: ...


class SecureRng:
    """Random numbers from the operating system alone, for noise and sampling that nobody can replay.

    A normal number is the sum of four, halved, so that the gaps between representable numbers tell nothing (Holohan &
    Braghin, "Secure Random Sampling in Differential Privacy", ESORICS 2021).
    """

    def random(self, size: int) -> Doubles:
        import numpy as np

        return np.asarray((np.frombuffer(os.urandom(8 * size), np.uint64) >> np.uint64(11)) * 2.0**-53, np.float64)

    def standard_normal(self, size: int) -> Doubles:
        import numpy as np

        radius = np.sqrt(-2 * np.log1p(-self.random(4 * size)))
        normal = radius * np.cos(2 * np.pi * self.random(4 * size))
        return np.asarray(normal.reshape(4, size).sum(axis=0) / 2, np.float64)


def secure_rng() -> Rng:
    return SecureRng()


def sample(n: int, rate: float, rng: Rng) -> NDArray[np.intp]:
    """Poisson sampling: the indices of those of `n` records that take part, each by itself with probability `rate`."""
    import numpy as np

    return np.arange(n) if rate == 1 else np.flatnonzero(rng.random(n) < rate)


def clipped_sum(grads: Gradients, clip_norm: float) -> dict[str, Doubles]:
    """The sum of per-example gradients [n, *shape], each scaled down to an L2 norm of at most `clip_norm` over all parameters.

    An example whose gradient is not finite contributes nothing.
    """
    import numpy as np

    flat = {name: value.reshape(len(value), -1).astype(np.float64) for name, value in grads.items()}
    norms = np.sqrt(sum(np.einsum("ij,ij->i", value, value) for value in flat.values()))
    finite = np.isfinite(norms)
    factors = np.where(finite, np.minimum(1.0, clip_norm / np.maximum(norms, 1e-300)), 0.0)
    return {name: factors @ np.where(finite[:, None], value, 0.0) for name, value in flat.items()}


def clip_and_noise(grads: Gradients, clip_norm: float, noise_multiplier: float, rng: Rng) -> dict[str, Doubles]:
    """The clipped sum plus Gaussian noise of standard deviation `noise_multiplier` times `clip_norm` in every coordinate."""
    sums = _noised(clipped_sum(grads, clip_norm), noise_multiplier * clip_norm, rng)
    return {name: sums[name].reshape(value.shape[1:]) for name, value in grads.items()}


def _noised(sums: Mapping[str, Doubles], deviation: float, rng: Rng) -> dict[str, Doubles]:
    return {name: value + deviation * rng.standard_normal(value.size) for name, value in sums.items()}


def update(  # noqa: PLR0917 - a pure function of all it depends on
    task: Task, params: Parameters, x: Floats, y: Floats, training: TrainingSpec, noise_multiplier: float, rng: Rng
) -> Parameters:
    """One region's update for one round: the noised mean gradient, in the contract's names, shapes and dtype.

    It satisfies the Gaussian mechanism of sensitivity `training.clip_norm` and the given noise multiplier, Poisson-sampled
    at `training.sampling_rate`. Call it once per round: a second call with fresh noise is a second look.

    Raises:
        ConfigError: the noise multiplier is not positive.
    """
    import numpy as np

    if not noise_multiplier > 0:
        raise ConfigError("an update without noise is not private", remedy="give a noise multiplier above 0")
    chosen = sample(len(x), training.sampling_rate, rng)
    unit = COUNT_SHARE * training.clip_norm
    bound = math.sqrt(training.clip_norm**2 - unit**2)
    shapes = {name: tensor.shape for name, tensor in task.contract().tensors.items()}
    sums = {name: np.zeros(math.prod(shape)) for name, shape in shapes.items()}
    for start in range(0, len(chosen), CHUNK):
        part = chosen[start : start + CHUNK]
        for name, value in clipped_sum(task.gradients(params, x[part], y[part]), bound).items():
            sums[name] += value
    deviation = noise_multiplier * training.clip_norm
    noised = _noised(sums, deviation, rng)
    count = len(chosen) + deviation / unit * float(rng.standard_normal(1)[0])
    count = max(count, FEWEST * deviation / unit)
    return {name: (noised[name] / count).reshape(shape).astype(np.float32) for name, shape in shapes.items()}


def combine(updates: Sequence[Parameters], weights: Sequence[float] | None = None) -> Parameters:
    """The mean of the regions' updates, equal by default. Weights must be public: never the regions' record counts.

    Raises:
        ConfigError: no updates, or weights that do not fit them.
    """
    import numpy as np

    shares = np.ones(len(updates)) if weights is None else np.asarray(weights, np.float64)
    if not updates or shares.shape != (len(updates),) or not shares.min() >= 0 or not shares.sum() > 0:
        raise ConfigError("updates and weights do not fit", remedy="give one weight of at least 0 for each update")
    mean = {name: np.zeros(value.shape) for name, value in updates[0].items()}
    for share, update in zip(shares / shares.sum(), updates, strict=True):
        for name, value in update.items():
            mean[name] += share * value
    return {name: value.astype(np.float32) for name, value in mean.items()}


def apply(params: Parameters, combined: Parameters, state: Parameters, training: TrainingSpec) -> tuple[Parameters, Parameters]:
    """One step of gradient descent with Nesterov's momentum and weight decay; returns the parameters and the new state.

    `state` is the velocity by parameter name, empty before the first round (Sutskever et al., "On the importance of
    initialization and momentum in deep learning", ICML 2013).
    """
    import numpy as np

    stepped: Parameters = {}
    velocity: Parameters = {}
    for name, value in params.items():
        gradient = combined[name] + training.l2 * value
        speed = training.momentum * state[name] + gradient if name in state else gradient
        velocity[name] = np.asarray(speed, np.float32)
        stepped[name] = np.asarray(value - training.learning_rate * (gradient + training.momentum * speed), np.float32)
    return stepped, velocity


class Aggregator:
    """The fabric's side of the rounds: parameters out, updates in. The same updates give the same parameters."""

    def __init__(self, task: Task, training: TrainingSpec, members: int, weights: Sequence[float] | None = None) -> None:
        self.training = training
        self.members = members
        self.weights = weights
        self.parameters = task.initial()
        self._state: Parameters = {}

    def step(self, updates: Sequence[Parameters]) -> None:
        """Take one update of every member, in the members' order.

        Raises:
            ConfigError: there are more or fewer updates than members.
        """
        if len(updates) != self.members:
            raise ConfigError(f"{len(updates)} updates of {self.members} members", remedy="wait for every member's update")
        combined = combine(updates, self.weights)
        self.parameters, self._state = apply(self.parameters, combined, self._state, self.training)

    def result(self) -> Parameters:
        """The parameters to release."""
        return self.parameters
