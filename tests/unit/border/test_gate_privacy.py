"""The gate on privacy: one step once, under the noise that was reserved."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sovplatform.records import Crossing
from tests.fixtures.border import PLAN, World, denied, evidence


def test_one_step_is_not_released_twice_with_fresh_noise(world: World) -> None:
    """Two noised versions of one gradient average the noise away."""
    world.allowed_update()
    fresh, folder = world.update({"w": np.full(20, 1.1, np.float32), "b": np.zeros(1, np.float32)})
    again = world.gate().decide(fresh, folder)
    assert not again.decision.allow
    assert "already released, with other noise" in "; ".join(again.decision.reasons)


def test_threads_that_race_for_one_step_release_one(world: World) -> None:
    world.reserve()
    made = [world.update({"w": np.full(20, n, np.float32), "b": np.zeros(1, np.float32)}) for n in range(6)]
    gate, barrier = world.gate(), threading.Barrier(6)

    def decide(item: tuple[Crossing, Path]) -> bool:
        barrier.wait(10)
        return gate.decide(*item).decision.allow

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(decide, made)) == 1
    assert len(world.events("privacy.released")) == 1
    assert len(world.events("gate.allowed")) == 1


def test_a_step_is_not_spent_by_a_denied_crossing(world: World) -> None:
    world.reserve()
    crossing, folder = world.update(task="churn")
    denied(world, crossing, folder, "another task")
    assert world.events("privacy.released") == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"noise_multiplier": 4.0}, "noise multiplier is not the reserved one"),
        ({"clip_norm": 9.0}, "clip norm is not the reserved one"),
        ({"sampling_rate": 0.5}, "sampling rate is not the reserved one"),
        ({"mechanism": "laplace"}, "mechanism is not the reserved one"),
        ({"partition": "holdout"}, "partition is not the reserved one"),
        ({"reservation": "another"}, "never reserved"),
        ({"dataset": "credit-fr"}, "not one of region de"),
    ],
)
def test_evidence_that_disagrees_with_its_reservation_is_refused(world: World, changes: dict[str, object], reason: str) -> None:
    world.reserve()
    crossing, folder = world.update(privacy=evidence(**changes))
    denied(world, crossing, folder, reason)


def test_a_step_beyond_the_reservation_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update(step=PLAN.steps)
    denied(world, crossing, folder, "beyond the 4 reserved")
