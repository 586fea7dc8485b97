"""The private network of a region."""

from __future__ import annotations

from house.constructs.part import Part, Setting

from sovplatform import constructs


class LandingZone(Part):
    """See `sovplatform.constructs.LandingZone`."""

    @staticmethod
    def describe(setting: Setting) -> constructs.LandingZone:
        return constructs.LandingZone(**setting.common(), cidr=setting.place.cidr)
