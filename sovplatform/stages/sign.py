"""Sign: each sovereign region signs the returned model, and its local one, with its own key and registers them."""

from __future__ import annotations

from sovplatform.records import JobSpec, ModelVersion, RegionSpec
from sovplatform.stages.context import StageContext
from sovplatform.stages.records import Candidate, Datasets, Plan, Signed

TIMEOUT_SECONDS = 600.0


def sign(context: StageContext, plan: Plan, datasets: Datasets, candidate: Candidate) -> Signed:
    """Raises Denied when a region has no allowing decision for exactly this model."""
    jobs = [(region.name, _job(context, plan, datasets, candidate, region)) for region in context.pilot.sovereign]
    done = context.run_jobs(jobs, TIMEOUT_SECONDS)
    versions = {region: ModelVersion.model_validate(job.result["version"]) for region, job in done.items()}
    fallbacks = {region: ModelVersion.model_validate(job.result["fallback"]) for region, job in done.items()}
    for region in done:
        for version in (versions[region], fallbacks[region]):
            facts = {"model": version.name, "version": version.version, "artifact": version.artifact}
            context.record("stage.signed", version.name, facts, key=f"signed/{version.artifact}", regions=[region])
    numbers = ", ".join(f"{region} v{version.version}" for region, version in sorted(versions.items()))
    return Signed(versions=versions, fallbacks=fallbacks, summary=f"signed and registered: {numbers}")


def _job(context: StageContext, plan: Plan, datasets: Datasets, candidate: Candidate, region: RegionSpec) -> JobSpec:
    pilot = context.pilot
    delta = pilot.training.delta
    return JobSpec(
        id=f"sign-{candidate.artifact.removeprefix('sha256:')[:12]}",
        entrypoint="sovplatform.jobs.sign:run",
        identity="release",
        config={
            "run": plan.run,
            "artifact": candidate.artifact,
            "rounds": candidate.rounds,
            "fallback": datasets.fallbacks[region.name],
            "fallback_name": f"{pilot.task.name}-local",
            "privacy": {data.name: {"epsilon": plan.epsilon, "delta": delta} for data in pilot.datasets},
        },
    )
