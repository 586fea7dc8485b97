"""GPUs that train: spot in the global fabric, reserved in sovereign regions."""

from __future__ import annotations

from typing import Any

from house.constructs.part import Element, Part, Setting
from house.constructs.wires import Wires

from sovplatform import constructs
from sovplatform.errors import Unsupported
from sovplatform.infrastructure.request import gpu_of
from sovplatform.records import Role


class TrainingPool(Part):
    """See `sovplatform.constructs.TrainingPool`."""

    roles = frozenset({Role.sovereign, Role.global_})

    @staticmethod
    def describe(setting: Setting) -> constructs.TrainingPool:
        training, region = setting.spec.training, setting.place.region
        spot = training.spot and region.role is Role.global_
        return constructs.TrainingPool(**setting.common(), gpu=gpu_of(region, training.gpu), nodes=training.nodes, spot=spot)

    def add(self, stack: Any, wires: Wires) -> list[Element]:
        """As `Part.add`; without a GPU there is nothing to make."""
        if not getattr(self.construct, "gpu", ""):
            raise Unsupported(self.construct.title, reason="the settings say that there is no GPU")
        return super().add(stack, wires)
