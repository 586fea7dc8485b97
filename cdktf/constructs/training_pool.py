"""GPUs that train: spot in the global fabric, reserved in sovereign regions."""

from __future__ import annotations

from house.constructs.part import Part, Setting

from sovplatform import constructs
from sovplatform.records import Role


class TrainingPool(Part):
    """See `sovplatform.constructs.TrainingPool`."""

    roles = frozenset({Role.sovereign, Role.global_})

    @staticmethod
    def describe(setting: Setting) -> constructs.TrainingPool:
        training, role = setting.spec.training, setting.place.region.role
        return constructs.TrainingPool(
            **setting.common(), gpu=training.gpu, nodes=training.nodes, spot=training.spot and role is Role.global_
        )
