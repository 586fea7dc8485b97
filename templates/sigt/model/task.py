"""The pilot's own task. To use it, write `entrypoint: task:OwnTask` under `task` in pilot.yaml.

This one is the built-in tabular task (logistic regression on the declared schema) in which a positive case counts
`positive_weight` times as much. Change it into what you need: see docs/tutorials/own-data-and-model.md of sovplatform.

The methods run inside the sovereign regions and see raw data there, so they must keep nothing of it. Every example's
gradient is clipped and the sum is noised after `gradients` returns: privacy does not depend on this file being right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sovplatform.tasks.tabular import TabularTask

if TYPE_CHECKING:
    from sovplatform.tasks.task import Floats, Parameters


class OwnTask(TabularTask):
    """Set the weight in pilot.yaml, under `task`: `settings: {positive_weight: 2.0}`."""

    def gradients(self, params: Parameters, x: Floats, y: Floats) -> Parameters:
        weight = float(str(self.spec.settings.get("positive_weight", 2.0)))
        scale = 1.0 + (weight - 1.0) * y
        plain = super().gradients(params, x, y)
        return {name: gradient * scale.reshape(-1, *[1] * (gradient.ndim - 1)) for name, gradient in plain.items()}
