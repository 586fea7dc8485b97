"""Train: one job in the global fabric, one in each sovereign region; what they exchange crosses the gates."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from sovplatform.records import JobSpec
from sovplatform.stages.context import StageContext
from sovplatform.stages.records import Candidate, Datasets, Plan

TIMEOUT_SECONDS = 1800.0


def train(context: StageContext, plan: Plan, datasets: Datasets) -> Candidate:
    """Raises Denied when a gate or a budget said no, in which case nothing more leaves."""
    pilot = context.pilot
    shared: Mapping[str, JsonValue] = {
        "run": plan.run,
        "pilot_directory": str(context.root),
        "task": pilot.task.model_dump(mode="json"),
        "training": pilot.training.model_dump(mode="json"),
        "bins": pilot.evaluation.bins,
        "fabric": pilot.fabric.name,
    }
    jobs = []
    for spec in pilot.sovereign:
        names = [data.name for data in pilot.datasets if data.region == spec.name]
        config: dict[str, JsonValue] = {
            **shared,
            "training_plans": {name: plan.training[name].model_dump(mode="json") for name in names},
            "evaluation_plans": {name: plan.evaluation[name].model_dump(mode="json") for name in names},
        }
        jobs.append((spec.name, _job(context, plan, "train", config)))
    noise = next(iter(plan.evaluation.values())).noise_multiplier
    members: dict[str, JsonValue] = {data.name: data.region for data in pilot.datasets}
    jobs.append((pilot.fabric.name, _job(context, plan, "aggregate", {**shared, "members": members, "evaluation_noise": noise})))
    done = context.run_jobs(jobs, TIMEOUT_SECONDS)
    result = done[pilot.fabric.name].result
    auc, error = float(str(result["auc"])), float(str(result["auc_error"]))
    return Candidate(
        run=plan.run,
        artifact=str(result["artifact"]),
        parents=tuple(str(parent) for parent in _list(result["parents"])),
        rounds=pilot.training.rounds,
        auc=auc,
        auc_error=error,
        summary=f"{pilot.training.rounds} rounds, released AUC {auc:.3f} ± {error:.3f}",
    )


def _job(context: StageContext, plan: Plan, name: str, config: Mapping[str, JsonValue]) -> JobSpec:
    training = context.pilot.training
    return JobSpec(
        id=f"{plan.run}-{name}",
        entrypoint=f"sovplatform.jobs.{name}:run",
        identity=name,
        config=config,
        memory_mb=training.memory_mb,
        cpu_seconds=training.cpu_seconds,
    )


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
