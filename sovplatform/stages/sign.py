"""Sign: each sovereign region signs the returned model with its own key and registers it."""

from __future__ import annotations

from sovplatform.records import JobSpec, ModelVersion
from sovplatform.stages.context import StageContext
from sovplatform.stages.records import Candidate, Plan, Signed

TIMEOUT_SECONDS = 600.0


def sign(context: StageContext, plan: Plan, candidate: Candidate) -> Signed:
    """Raises Denied when a region has no allowing decision for exactly this model."""
    pilot = context.pilot
    short = candidate.artifact.removeprefix("sha256:")[:12]
    config = {
        "artifact": candidate.artifact,
        "rounds": candidate.rounds,
        "privacy": {data.name: {"epsilon": plan.epsilon, "delta": pilot.training.delta} for data in pilot.datasets},
    }
    spec = JobSpec(id=f"sign-{short}", entrypoint="sovplatform.jobs.sign:run", identity="release", config=config)
    done = context.run_jobs([(region.name, spec) for region in pilot.sovereign], TIMEOUT_SECONDS)
    versions = {region: ModelVersion.model_validate(job.result["version"]) for region, job in done.items()}
    for region, version in versions.items():
        facts = {"model": version.name, "version": version.version, "artifact": version.artifact}
        context.record("stage.signed", version.name, facts, key=f"signed/{version.artifact}", regions=[region])
    numbers = ", ".join(f"{region} v{version.version}" for region, version in sorted(versions.items()))
    return Signed(versions=versions, summary=f"signed and registered: {numbers}")
