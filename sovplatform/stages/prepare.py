"""Prepare: raw data is taken in, encrypted and turned into numbers, each dataset by a job inside its own region."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from sovplatform.records import JobSpec
from sovplatform.stages.context import StageContext
from sovplatform.stages.records import Datasets, Deployment, Plan

TIMEOUT_SECONDS = 600.0


def prepare(context: StageContext, plan: Plan, deployment: Deployment) -> Datasets:
    """Only the digests of the encrypted data come back."""
    pilot = context.pilot
    jobs = []
    for spec in pilot.sovereign:
        config = {
            "run": plan.run,
            "pilot_directory": str(context.root),
            "task": pilot.task.model_dump(mode="json"),
            "datasets": [data.name for data in pilot.datasets if data.region == spec.name],
            "holdout": pilot.training.holdout,
            "seed": pilot.training.seed,
        }
        job = JobSpec(
            id=f"{plan.run}-prepare",
            entrypoint="sovplatform.jobs.prepare:run",
            identity="prepare",
            config=config,
            memory_mb=pilot.training.memory_mb,
            cpu_seconds=pilot.training.cpu_seconds,
        )
        jobs.append((spec.name, job))
    done = context.run_jobs(jobs, TIMEOUT_SECONDS)
    prepared = {name: digest for job in done.values() for name, digest in _mapping(job.result["datasets"]).items()}
    fallbacks = {region: str(job.result["fallback"]) for region, job in done.items()}
    return Datasets(
        prepared=prepared, fallbacks=fallbacks, summary=f"{len(prepared)} datasets encrypted and prepared where they are"
    )


def _mapping(value: JsonValue) -> Mapping[str, str]:
    return {name: str(item) for name, item in value.items()} if isinstance(value, dict) else {}
