"""Observe: measure the endpoints, compare the model with those that had no border to respect, and exchange checkpoints."""

from __future__ import annotations

from sovplatform.pilot import DatasetSpec
from sovplatform.records import JobSpec
from sovplatform.runreport import QualityReport, ServingReport
from sovplatform.stages.context import StageContext
from sovplatform.stages.probe import predict_url, probe, rows
from sovplatform.stages.records import Candidate, Health, Served

REQUESTS = 200
_WARM_UP = 20
LABORATORY_SECONDS = 120.0


def observe(context: StageContext, candidate: Candidate, served: Served) -> Health:
    """The laboratory has public example data only; a pilot of real data has no such comparison."""
    quality = [QualityReport(model="released", auc=candidate.auc, where=f"DP histograms, ± {candidate.auc_error:.3f}")]
    quality += _laboratory(context, candidate)
    serving = tuple(_measure(context, region, served) for region in sorted(served.endpoints))
    _witness(context)
    worst = max((item.p99_ms for item in serving if item.p99_ms is not None), default=0.0)
    return Health(serving=serving, quality=tuple(quality), summary=f"slowest p99 {worst:.1f} ms")


def _measure(context: StageContext, region: str, served: Served) -> ServingReport:
    status = served.endpoints[region]
    source = rows(context.pilot.task)
    probe(predict_url(status), source, _WARM_UP)
    answers = probe(predict_url(status), source, REQUESTS)
    p50, p99 = answers.percentile(0.5), answers.percentile(0.99)
    return ServingReport(region=region, endpoint=status, requests=REQUESTS, errors=answers.errors, p50_ms=p50, p99_ms=p99)


def _laboratory(context: StageContext, candidate: Candidate) -> list[QualityReport]:
    if not context.pilot.example:
        return []
    job = laboratory_job(context, candidate)
    result = context.run_jobs([(context.pilot.fabric.name, job)], LABORATORY_SECONDS)[context.pilot.fabric.name].result
    where = "the example's public data"
    return [QualityReport(model=name, auc=float(str(auc)), where=where) for name, auc in result.items()]


def laboratory_job(context: StageContext, candidate: Candidate) -> JobSpec:
    """The comparison, as a job of the global fabric: it may start as soon as there is a model."""
    sources: dict[str, str] = {data.name: data.source for data in context.pilot.datasets if _public(data)}
    return JobSpec(
        id=f"laboratory-{candidate.artifact.removeprefix('sha256:')[:12]}",
        entrypoint="sovplatform.jobs.laboratory:run",
        identity="laboratory",
        config={
            "pilot_directory": str(context.root),
            "task": context.pilot.task.model_dump(mode="json"),
            "training": context.pilot.training.model_dump(mode="json"),
            "sources": dict(sources),
            "run": candidate.run,
            "model": context.pilot.task.name,
        },
    )


def _public(data: DatasetSpec) -> bool:
    return data.source.startswith("example:")


def _witness(context: StageContext) -> None:
    """Every region keeps every other's checkpoint, so that none can take back what it has recorded."""
    notes = {spec.name: context.border(spec.name).checkpoint() for spec in context.pilot.regions}
    for spec in context.pilot.regions:
        for region, note in notes.items():
            if region != spec.name:
                context.border(spec.name).witness(region, note)
    for spec in context.pilot.regions:
        context.border(spec.name).checkpoint()
