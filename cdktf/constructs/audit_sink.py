"""The audit trail of a region's account or project."""

from __future__ import annotations

from house.constructs.part import Part, Setting

from sovplatform import constructs


class AuditSink(Part):
    """See `sovplatform.constructs.AuditSink`."""

    @staticmethod
    def describe(setting: Setting) -> constructs.AuditSink:
        return constructs.AuditSink(**setting.common(), retention_days=setting.spec.storage.audit_days)
