"""Release: propose each region's signed version in git, and see who has approved it."""

from __future__ import annotations

from sovplatform.approvals import check_approvals
from sovplatform.records import ModelVersion, Release, now
from sovplatform.releases import ReleaseRepository
from sovplatform.stages.context import StageContext
from sovplatform.stages.records import Released, Signed


def release(context: StageContext, signed: Signed) -> Released:
    """What is not approved yet is waited for; nothing is served before."""
    repository = ReleaseRepository(context.root / context.pilot.release.repository)
    proposed = {region: propose(context, repository, region, version) for region, version in signed.versions.items()}
    approved, waiting = {}, []
    for region, item in proposed.items():
        reasons = missing(context, repository, item)
        if reasons:
            waiting.append(item.id)
            continue
        approved[region] = item
        who = [approval.approver for approval in repository.approvals(item.id)]
        facts = {"artifact": item.artifact, "proposer": item.proposer, "approvers": who, "release": item.digest}
        context.record("release.approved", item.id, facts, key=f"approved/{item.digest}", regions=[region])
    summary = (
        f"waiting for approval: {', '.join(waiting)}" if waiting else f"approved: {', '.join(r.id for r in approved.values())}"
    )
    return Released(releases=approved, waiting=tuple(waiting), summary=summary)


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
