"""Releases as people see them: who approved what, what is missing, and where each stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sovplatform.approvals import public_line, sign_release
from sovplatform.errors import Denied
from sovplatform.pilot import Approver, Pilot
from sovplatform.records import Record, Release
from sovplatform.releases import ReleaseRepository
from sovplatform.stages.context import StageContext
from sovplatform.stages.release import missing


class ReleaseView(Record):
    """A release, who approved it, what is still missing, and where it stands: waiting, approved, canary, stable or past."""

    release: Release
    approvers: tuple[str, ...]
    missing: tuple[str, ...]
    state: str


def view(context: StageContext, repository: ReleaseRepository, release: Release) -> ReleaseView:
    reasons = missing(context, repository, release)
    desired = repository.desired(release.region)
    state = "waiting" if reasons else "approved"
    if release.id in repository.stables(release.region):
        state = "past"
    if release.id == desired.canary:
        state = "canary"
    if release.id == desired.stable:
        state = "stable"
    approvers = tuple(approval.approver for approval in repository.approvals(release.id))
    return ReleaseView(release=release, approvers=approvers, missing=reasons, state=state)


def approve(context: StageContext, repository: ReleaseRepository, release_id: str, key_file: Path) -> None:
    """Approve with an approver's SSH key.

    Raises:
        NotFound: no such release.
        Denied: the key is not an approver's, or the proposer's own.
    """
    release = repository.release(release_id)
    approver = _approver(context.pilot, public_line(key_file))
    repository.approve(release_id, sign_release(release, approver, key_file, context.pilot.release.approval_ttl_hours))


@contextmanager
def refusals_recorded(context: StageContext, repository: ReleaseRepository, release_id: str) -> Iterator[None]:
    """Have a denial written into the ledger of the release's region before it is raised."""
    try:
        yield
    except Denied as err:
        border = context.border(repository.release(release_id).region)
        border.record("release.refused", release_id, {"reasons": [err.message, *err.reasons]})
        raise


def _approver(pilot: Pilot, line: str) -> Approver:
    """Whose key it is; `line` is an OpenSSH public key, as in `authorized_keys`."""
    key = line.split()[:2]
    for person in (*pilot.release.approvers, pilot.release.proposer):
        if person.key.split()[:2] == key:
            return person
    raise Denied("this key is not a listed approver's", remedy="use a key that pilot.yaml lists under release.approvers")
