"""Raw data at rest, where it is."""

from __future__ import annotations

from house.constructs.part import Part, Setting

from sovplatform import constructs
from sovplatform.records import Role


class RawDataStore(Part):
    """See `sovplatform.constructs.RawDataStore`."""

    roles = frozenset({Role.sovereign})

    @staticmethod
    def describe(setting: Setting) -> constructs.RawDataStore:
        return constructs.RawDataStore(**setting.common(), datasets=setting.place.datasets)
