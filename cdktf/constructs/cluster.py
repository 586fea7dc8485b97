"""The Kubernetes cluster of a region."""

from __future__ import annotations

from house.constructs.part import Part, Setting

from sovplatform import constructs


class Cluster(Part):
    """See `sovplatform.constructs.Cluster`."""

    @staticmethod
    def describe(setting: Setting) -> constructs.Cluster:
        return constructs.Cluster(**setting.common(), version=setting.spec.kubernetes)
