"""What a region pins about releases: whose signatures and whose approvals count. Never read from the release itself."""

from __future__ import annotations

from collections.abc import Mapping

from sovplatform.records import Record, ServedModel, ServingState


class ServingTrust(Record):
    """The region's own word: `keys` (PEM) that may sign models, `approvers` (name to SSH line), how many are needed.

    `region` is the only one whose releases are served; empty for any.
    """

    keys: tuple[str, ...]
    approvers: Mapping[str, str]
    needed: int = 1
    region: str = ""

    @classmethod
    def of_state(cls, state: ServingState, served: ServedModel) -> ServingTrust:
        """What a state brings itself, for a region that has pinned nothing else beside it."""
        return cls(keys=(served.key,), approvers=state.approvers)
