"""From desired state in git to a serving endpoint: reconcile, promote, roll back."""

from __future__ import annotations

import time
from typing import Any

from sovplatform.errors import Denied, NotFound, Unavailable
from sovplatform.records import EndpointStatus, Release, ServedModel, ServingState, canonical, digest_of
from sovplatform.releases import ReleaseRepository
from sovplatform.stages.context import StageContext

CONTROL_PLANE = "sovctl"
READY_SECONDS = 90.0
_POLL_SECONDS = 0.05


def reconcile(context: StageContext, repository: ReleaseRepository, region: str) -> EndpointStatus:
    """Make the region's endpoint serve what git says, and wait until it does.

    Raises:
        Denied: the region refused the model; `refused` is its reason.
        Unavailable: the endpoint is not ready in time.
    """
    desired = repository.desired(region)
    stable = _served(repository, desired.stable)
    canary = _served(repository, desired.canary)
    name = context.pilot.task.name
    server = context.regions[region].server()
    asked = server.apply(ServingState(name=name, stable=stable, canary=canary, percent=desired.percent))
    deadline = time.monotonic() + READY_SECONDS
    status = server.status(name)
    while not _as_desired(status, asked, desired.stable, desired.canary):
        if status.refused and status.observed >= asked.observed:
            facts: dict[str, Any] = {"stable": desired.stable, "canary": desired.canary, "reason": status.refused}
            key = f"refused/{desired.digest}/{status.observed}"
            context.record("serving.refused", name, facts, key=key, regions=[region])
            raise Denied(
                f"region {region} refused to serve {desired.canary or desired.stable}",
                reasons=[status.refused],
                remedy="see `sovctl status`",
            )
        if time.monotonic() > deadline:
            raise Unavailable(f"the endpoint in region {region} is not ready", remedy="see its log in the region, then run again")
        time.sleep(_POLL_SECONDS)
        status = server.status(name)
    facts = {"stable": status.stable, "canary": status.canary, "percent": status.percent}
    context.record("serving.reconciled", name, facts, key=f"serving/{desired.digest}/{status.observed}", regions=[region])
    return status


def desire(
    context: StageContext,
    repository: ReleaseRepository,
    region: str,
    *,
    stable: str,
    canary: str = "",
    percent: int = 0,
    actor: str,
) -> None:
    """Say what the region shall serve: in its ledger first, then in git. What cannot be recorded does not happen.

    Raises:
        LedgerUnwritable: the region cannot record it; git says what it said before.
        Unavailable: the region does not answer; likewise.
    """
    facts = {"stable": stable, "canary": canary, "percent": percent, "actor": actor}
    key = f"desired/{region}/{repository.turns(region)}/{digest_of(canonical(facts))}"
    context.record("release.desired", canary or stable or region, facts, key=key, regions=[region])
    repository.set_desired(region, stable=stable, canary=canary, percent=percent, actor=actor)


def promote(context: StageContext, repository: ReleaseRepository, item: Release, *, actor: str) -> EndpointStatus:
    """Give the release all requests."""
    if repository.desired(item.region).stable != item.id or repository.desired(item.region).canary:
        desire(context, repository, item.region, stable=item.id, actor=actor)
    status = reconcile(context, repository, item.region)
    facts = {"artifact": item.artifact, "version": item.version, "actor": actor}
    context.record("release.promoted", item.id, facts, key=f"promoted/{item.digest}/{status.observed}", regions=[item.region])
    return status


def rollback(context: StageContext, repository: ReleaseRepository, region: str, *, actor: str) -> EndpointStatus:
    """Withdraw the canary, or, without one, go back to the release that was stable before.

    Raises:
        NotFound: there was none before.
    """
    desired = repository.desired(region)
    target = desired.stable
    if not desired.canary:
        before = [item for item in repository.stables(region) if item != desired.stable]
        if not before:
            raise NotFound(
                f"region {region} has served no release before {desired.stable or 'this'}", remedy="see `sovctl release list`"
            )
        target = before[0]
    desire(context, repository, region, stable=target, actor=actor)
    status = reconcile(context, repository, region)
    facts = {"from": desired.canary or desired.stable, "to": target, "actor": actor}
    context.record(
        "release.rolled-back", target or region, facts, key=f"rolled-back/{region}/{status.observed}", regions=[region]
    )
    return status


def _served(repository: ReleaseRepository, release_id: str) -> ServedModel | None:
    """The places are relative to the region's home; the key and the approvers are the region's own to pin."""
    if not release_id:
        return None
    item = repository.release(release_id)
    home = f"models/{item.artifact.removeprefix('sha256:')}"
    approvals = repository.approvals(release_id)
    return ServedModel(release=item, directory=f"{home}/model", signature=f"{home}/model.sig", key="", approvals=approvals)


def _as_desired(status: EndpointStatus, asked: EndpointStatus, stable: str, canary: str) -> bool:
    return (status.stable, status.canary) == (stable, canary) and (status.ready or not (stable or canary)) and not status.refused
