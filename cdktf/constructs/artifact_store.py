"""What may leave a region, and what came to it: signed and locked."""

from __future__ import annotations

from house.constructs.part import Part, Setting

from sovplatform import constructs


class ArtifactStore(Part):
    """See `sovplatform.constructs.ArtifactStore`."""

    @staticmethod
    def describe(setting: Setting) -> constructs.ArtifactStore:
        return constructs.ArtifactStore(**setting.common(), lock_days=setting.spec.storage.lock_days)
