"""Plain gradient descent without privacy, for models that never leave the place of their data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sovplatform.tasks.task import Task

if TYPE_CHECKING:
    from sovplatform.tasks.task import Floats, Parameters

STEPS = 600
LEARNING_RATE = 0.5
MOMENTUM = 0.9
DECAY = 1e-3  # the better of 0.001 and 0.01 for most single regions


def fit(task: Task, x: Floats, y: Floats) -> Parameters:
    """Parameters learnt by plain gradient descent on all of the data, without privacy."""
    params = task.initial()
    velocity = {name: 0 * value for name, value in params.items()}
    for _ in range(STEPS):
        for name, gradient in task.gradients(params, x, y).items():
            velocity[name] = MOMENTUM * velocity[name] + gradient.mean(axis=0) + DECAY * params[name]
            params[name] = params[name] - LEARNING_RATE * velocity[name]
    return params
