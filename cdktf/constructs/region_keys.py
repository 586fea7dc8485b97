"""The keys of a region: one for data at rest, and those that sign."""

from __future__ import annotations

from house.constructs.part import Part, Setting

from sovplatform import constructs
from sovplatform.records import KeyPurpose

KEYS = {
    "data": KeyPurpose.wrap,
    "artifacts": KeyPurpose.sign,
    "decisions": KeyPurpose.sign,
    "models": KeyPurpose.sign,
    "ledger": KeyPurpose.seal,
}
"""As docs/architecture.md lists them; who may use which is the provider's to say."""


class RegionKeys(Part):
    """See `sovplatform.constructs.RegionKeys`."""

    @staticmethod
    def describe(setting: Setting) -> constructs.RegionKeys:
        return constructs.RegionKeys(**setting.common(), keys=KEYS)
