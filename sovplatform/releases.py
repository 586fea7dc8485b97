"""The git repository of desired state: releases, their approvals, and what each region shall serve.

    proposals/REGION/RELEASE.yaml      a Release, as proposed
    approvals/RELEASE/APPROVER.json    an Approval of it
    serving/REGION.yaml                Desired: which release is stable, which is the canary, at how many percent

Only what is committed counts (at HEAD); edits that are not committed are reported and never read. One change is one
commit, with the actor as its author, so `git log` is the history and any GitOps tool can follow the branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from sovplatform.config import yamlsource
from sovplatform.errors import ConfigError, Conflict, NotFound, Unknown
from sovplatform.gitstore import GitStore
from sovplatform.records import Approval, Name, Record, Release

R = TypeVar("R", bound=Record)
_NAME = TypeAdapter[str](Name)


class Desired(Record):
    """What one region shall serve: release ids, empty for none; the canary gets `percent` of the requests."""

    region: Name
    stable: str = ""
    canary: str = ""
    percent: int = Field(default=0, ge=0, le=100)


class Change(Record):
    """One commit of the history."""

    commit: str
    actor: str
    at: AwareDatetime
    message: str


class ReleaseRepository:
    """The repository at `path`. Every method reads HEAD; every writing method makes at most one commit."""

    def __init__(self, path: Path) -> None:
        self._store = GitStore(path)

    @classmethod
    def create(cls, path: Path, *, actor: str, files: Sequence[tuple[str, bytes]] = ()) -> ReleaseRepository:
        """Make the repository with a first commit by `actor`, or open the one that is there.

        Raises:
            ConfigError: git is missing, or too old.
        """
        GitStore.create(path, actor=actor, files=dict(files), message="Begin the record of releases")
        return cls(path)

    def propose(self, release: Release) -> Release:
        """Record a proposal; the same one twice is one.

        Raises:
            Conflict: a release of that id was proposed with another content.
            Locked: another writer holds the repository.
        """
        path = _proposal(release.region, release.id)
        with self._store.writing() as commit:
            there = next((known for known in self.releases() if known.id == release.id), None)
            if there is not None and there != release:
                raise Conflict(f"release {release.id} was proposed with another content", remedy="propose it under another id")
            if there is None:
                message = f"Propose {release.id} for {release.region}: {release.model} version {release.version}"
                commit({path: _yaml(release)}, release.proposer, message)
        return release

    def approve(self, release_id: str, approval: Approval) -> Approval:
        """Record an approval, or renew the approver's. Whether it is valid is for `approvals.check_approvals` to say.

        Raises:
            NotFound: no such release.
            Locked: another writer holds the repository.
        """
        path = f"approvals/{_checked(release_id)}/{_checked(approval.approver)}.json"
        with self._store.writing() as commit:
            self.release(release_id)
            commit({path: approval.model_dump_json(indent=2).encode() + b"\n"}, approval.approver, f"Approve {release_id}")
        return approval

    def set_desired(self, region: str, *, stable: str, canary: str = "", percent: int = 0, actor: str) -> Desired:
        """Say what the region shall serve; saying so twice is no second commit.

        Raises:
            NotFound: a release that was never proposed for this region.
            ConfigError: a canary without a share, or a share without a canary.
            Locked: another writer holds the repository.
        """
        if bool(canary) != bool(percent):
            raise ConfigError(f"canary '{canary}' and {percent} percent do not go together", remedy="give both, or neither")
        desired = Desired(region=region, stable=stable, canary=canary, percent=percent)
        with self._store.writing() as commit:
            for wanted in filter(None, (stable, canary)):
                if self.release(wanted).region != region:
                    raise NotFound(f"release {wanted} is not for region {region}", remedy="see: sovctl release list")
            commit({f"serving/{_checked(region)}.yaml": _yaml(desired)}, actor, _summary(desired, self.desired(region)))
        return desired

    def desired(self, region: str) -> Desired:
        """What the region shall serve; nothing when nothing was said yet."""
        path = f"serving/{_checked(region)}.yaml"
        return _parse(Desired, path, self._store.read(path)) if self._store.exists(path) else Desired(region=region)

    def releases(self, region: str | None = None) -> tuple[Release, ...]:
        """All proposals, of one region or of all, oldest first."""
        folder = "proposals/" if region is None else f"proposals/{_checked(region)}/"
        found = [_parse(Release, path, data) for path, data in self._store.read_all(folder).items()]
        return tuple(sorted(found, key=lambda release: (release.proposed_at, release.id)))

    def release(self, release_id: str) -> Release:
        """One proposal.

        Raises:
            Unknown: no such release.
        """
        for release in self.releases():
            if release.id == release_id:
                return release
        raise Unknown(f"there is no release {release_id}", remedy="see: sovctl release list")

    def approvals(self, release_id: str) -> tuple[Approval, ...]:
        """The approvals of one release, by approver."""
        files = self._store.read_all(f"approvals/{_checked(release_id)}/")
        return tuple(_parse(Approval, path, data) for path, data in sorted(files.items()))

    def stables(self, region: str) -> tuple[str, ...]:
        """The releases that have been the region's stable one, newest first, without repetition: where to roll back to."""
        path = f"serving/{_checked(region)}.yaml"
        found = (_parse(Desired, path, data).stable for data in self._store.versions(path))
        return tuple(dict.fromkeys(stable for stable in found if stable))

    def turns(self, region: str) -> int:
        """How often the region has been told something else to serve."""
        return sum(1 for _ in self._store.versions(f"serving/{_checked(region)}.yaml"))

    def history(self, limit: int = 50) -> tuple[Change, ...]:
        """The last changes, newest first."""
        return tuple(
            Change(commit=commit, actor=actor, at=datetime.fromisoformat(at), message=message)
            for commit, actor, at, message in self._store.log(limit)
        )

    def edited(self) -> tuple[str, ...]:
        """Files that differ from HEAD. They do not count until somebody commits them."""
        return self._store.edited()


def _proposal(region: str, release_id: str) -> str:
    return f"proposals/{_checked(region)}/{_checked(release_id)}.yaml"


def _checked(name: str) -> str:
    """A name that is safe as a part of a path."""
    try:
        return _NAME.validate_python(name)
    except ValidationError as err:
        raise ConfigError(f"'{name}' is no name", remedy="use lower-case letters, digits and '-'") from err


def _yaml(record: Record) -> bytes:
    import yaml

    return yaml.safe_dump(record.model_dump(mode="json"), sort_keys=False, allow_unicode=True).encode()


def _parse(kind: type[R], path: str, data: bytes) -> R:
    try:
        if path.endswith(".json"):
            return kind.model_validate_json(data)
        return kind.model_validate(yamlsource.parse(data.decode(), Path(path)).data)
    except (ValidationError, UnicodeDecodeError) as err:
        raise ConfigError(f"{path} at HEAD is no {kind.__name__}", remedy="revert the commit that changed it") from err


def _summary(desired: Desired, before: Desired) -> str:
    if desired.canary:
        return f"Serve {desired.canary} to {desired.percent} % of {desired.region}"
    if not desired.stable:
        return f"Serve nothing in {desired.region}"
    verb = "Promote" if before.canary == desired.stable else "Serve"
    return f"{verb} {desired.stable} in {desired.region}"
