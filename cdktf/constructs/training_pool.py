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
        training, region = setting.spec.training, setting.place.region
        gpu, role = str(region.settings.get("gpu") or training.gpu), region.role  # a place may not have what the others have
        return constructs.TrainingPool(
            **setting.common(), gpu=gpu, nodes=training.nodes, spot=training.spot and role is Role.global_
        )
