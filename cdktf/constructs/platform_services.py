"""What runs in every cluster, by the week in which it comes."""

from __future__ import annotations

from house.constructs.charts import charts
from house.constructs.part import Part, Setting

from sovplatform import constructs
from sovplatform.records import Role


class PlatformServices(Part):
    """See `sovplatform.constructs.PlatformServices`."""

    roles = frozenset(Role)

    @staticmethod
    def describe(setting: Setting) -> constructs.PlatformServices:
        return constructs.PlatformServices(**setting.common(), charts=charts(setting.week, setting.pilot, setting.place.region))
