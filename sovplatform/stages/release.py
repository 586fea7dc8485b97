"""Release: propose each region's signed version in git, and see who has approved it."""

from __future__ import annotations

from collections.abc import Mapping

from sovplatform.approvals import check_approvals
from sovplatform.records import ModelVersion, Release, now
from sovplatform.releases import ReleaseRepository
from sovplatform.stages.context import StageContext
from sovplatform.stages.records import Released, Signed


def release(context: StageContext, signed: Signed) -> Released:
    """What is not approved yet is waited for; nothing is served before."""
    repository = ReleaseRepository(context.root / context.pilot.release.repository)
    fallbacks = _approved(context, repository, signed.fallbacks)
    approved = _approved(context, repository, signed.versions)
    proposed = (item.id for item in repository.releases() if item.artifact in {v.artifact for v in _all(signed)})
    waiting = sorted(set(proposed) - {item.id for item in (*approved.values(), *fallbacks.values())})
    summary = (
        f"{len(waiting)} releases wait for approval" if waiting else f"approved: {', '.join(r.id for r in approved.values())}"
    )
    return Released(releases=approved, fallbacks=fallbacks, waiting=tuple(waiting), summary=summary)


def _all(signed: Signed) -> tuple[ModelVersion, ...]:
    return (*signed.fallbacks.values(), *signed.versions.values())


def _approved(context: StageContext, repository: ReleaseRepository, versions: Mapping[str, ModelVersion]) -> dict[str, Release]:
    """Propose each version in its region; those that have their approvals, by region."""
    approved = {}
    for region, version in versions.items():
        item = propose(context, repository, region, version)
        if missing(context, repository, item):
            continue
        approved[region] = item
        who = [approval.approver for approval in repository.approvals(item.id)]
        facts = {"artifact": item.artifact, "proposer": item.proposer, "approvers": who, "release": item.digest}
        context.record("release.approved", item.id, facts, key=f"approved/{item.digest}", regions=[region])
    return approved


def propose(context: StageContext, repository: ReleaseRepository, region: str, version: ModelVersion) -> Release:
    """One release per model version and region; proposing it again finds the one that is there."""
    identifier = f"{version.name}-{region}-v{version.version}"
    known = next(
        (item for item in repository.releases(region) if item.id == identifier and item.artifact == version.artifact), None
    )
    spec = context.pilot.release
    made = known or repository.propose(
        Release(
            id=identifier,
            region=region,
            model=version.name,
            version=version.version,
            artifact=version.artifact,
            proposer=spec.proposer.name,
            proposed_at=now(),
            canary_percent=spec.canary.percent,
        )
    )
    facts = {"artifact": made.artifact, "proposer": made.proposer, "release": made.digest}
    context.record("release.proposed", made.id, facts, key=f"proposed/{made.digest}", regions=[region])
    return made


def missing(context: StageContext, repository: ReleaseRepository, item: Release) -> tuple[str, ...]:
    """Why the release is not approved; nothing when it is."""
    spec = context.pilot.release
    keys = {approver.name: approver.key for approver in (*spec.approvers, spec.proposer)}
    return check_approvals(item, repository.approvals(item.id), keys, spec.approvals, now())
