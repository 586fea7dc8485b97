"""What nobody may do in the region's account or project, from the first day."""

from __future__ import annotations

from house.constructs.part import Part, Setting

from sovplatform import constructs
from sovplatform.records import Role


class Guardrails(Part):
    """See `sovplatform.constructs.Guardrails`."""

    roles = frozenset(Role)

    @staticmethod
    def describe(setting: Setting) -> constructs.Guardrails:
        return constructs.Guardrails(**setting.common())
