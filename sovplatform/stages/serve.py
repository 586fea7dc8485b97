"""Serve: bring each endpoint to what git says, by way of a canary that must answer without an error first."""

from __future__ import annotations

from sovplatform.errors import SovError
from sovplatform.records import EndpointStatus, RegionSpec, Release
from sovplatform.releases import ReleaseRepository
from sovplatform.stages.context import StageContext
from sovplatform.stages.probe import failures, predict_url, probe, rows
from sovplatform.stages.records import Released, Served
from sovplatform.stages.rollout import CONTROL_PLANE, desire, promote, reconcile


def serve(context: StageContext, released: Released) -> Served:
    """Raises Denied when a region's server refuses a model; it goes on serving the last good one then."""
    repository = ReleaseRepository(context.root / context.pilot.release.repository)
    specs = [spec for spec in context.pilot.sovereign if spec.name in {**released.fallbacks, **released.releases}]
    statuses = context.each(specs, lambda spec: _bring_up(context, repository, spec, released))
    endpoints = {spec.name: status for spec, status in zip(specs, statuses, strict=True)}
    serving = ", ".join(status.stable for status in endpoints.values()) or "nothing before it is approved"
    return Served(endpoints=endpoints, waiting=released.waiting, summary=f"serving: {serving}")


def _bring_up(context: StageContext, repository: ReleaseRepository, spec: RegionSpec, released: Released) -> EndpointStatus:
    """The local model first, so that there is one to fall back on, then the released one."""
    fallback, item = released.fallbacks.get(spec.name), released.releases.get(spec.name)
    if fallback is not None and not repository.desired(spec.name).stable:
        promote(context, repository, fallback, actor=CONTROL_PLANE)
    return reconcile(context, repository, spec.name) if item is None else _roll_out(context, repository, spec, item)


def _roll_out(context: StageContext, repository: ReleaseRepository, spec: RegionSpec, item: Release) -> EndpointStatus:
    desired = repository.desired(spec.name)
    if item.id in repository.stables(spec.name):
        return reconcile(context, repository, spec.name)  # promoted before; if it was rolled back since, people wanted that
    if desired.stable and item.canary_percent:
        _try_canary(context, repository, item)
    return promote(context, repository, item, actor=CONTROL_PLANE)


def _try_canary(context: StageContext, repository: ReleaseRepository, item: Release) -> None:
    """Give the release its share of requests until it has answered enough of them; one error withdraws it."""
    desired, percent = repository.desired(item.region), item.canary_percent
    if (desired.canary, desired.percent) != (item.id, percent):
        desire(context, repository, item.region, stable=desired.stable, canary=item.id, percent=percent, actor=CONTROL_PLANE)
        context.record("release.canary", item.id, {"percent": percent}, key=f"canary/{item.digest}", regions=[item.region])
    status = reconcile(context, repository, item.region)
    server = context.regions[item.region].server()
    before = failures(server.metrics(status.name), item.id)
    count = context.pilot.release.canary.requests * 100 // percent
    answers = probe(predict_url(status), rows(context.pilot.task), count)
    errors = answers.errors + failures(server.metrics(status.name), item.id) - before
    if not errors:
        return
    desire(context, repository, item.region, stable=desired.stable, actor=CONTROL_PLANE)
    reconcile(context, repository, item.region)
    facts = {"errors": errors, "requests": count}
    context.record("release.withdrawn", item.id, facts, key=f"withdrawn/{item.digest}", regions=[item.region])
    raise SovError(
        f"canary {item.id} failed {errors} of {count} requests and was withdrawn",
        remedy=f"see the endpoint's log in region {item.region}; the model before goes on serving",
    )
