"""Machines that answer predictions where the data is."""

from __future__ import annotations

from house.constructs.part import Part, Setting

from sovplatform import constructs
from sovplatform.infrastructure.request import gpu_of
from sovplatform.records import Role


class ServingPool(Part):
    """See `sovplatform.constructs.ServingPool`."""

    roles = frozenset({Role.sovereign, Role.edge})

    @staticmethod
    def describe(setting: Setting) -> constructs.ServingPool:
        serving = setting.spec.serving
        return constructs.ServingPool(
            **setting.common(),
            gpu=gpu_of(setting.place.region, serving.gpu),
            nodes_min=serving.nodes_min,
            nodes_max=serving.nodes_max,
        )
