"""Plan: check the places, fix the tensors that may cross, and say what the training will cost in privacy."""

from __future__ import annotations

from sovplatform import privacy
from sovplatform.errors import SovError
from sovplatform.pilot import DatasetSpec, Pilot
from sovplatform.records import PrivacyPlan, Record, canonical, digest_of
from sovplatform.stages.context import StageContext
from sovplatform.stages.records import Plan

_AGREE = 1e-3


class Source(Record):
    """What a run is made of. The same source is the same run: what was done of it is not done again."""

    pilot: Pilot


def plan(context: StageContext) -> Plan:
    """Raises SovError when a region's checks fail; nothing has been started then."""
    from sovplatform.tasks.loading import load_task
    from sovplatform.tasks.quality import statistics_contract

    _check_regions(context)
    pilot = context.pilot
    run = run_id(pilot)
    noise = privacy.noise_multiplier(
        pilot.training.epsilon, pilot.training.delta, pilot.training.sampling_rate, pilot.training.rounds
    )
    training = {data.name: _training(pilot, data, run, noise) for data in pilot.datasets}
    evaluation = {data.name: _evaluation(pilot, data, run) for data in pilot.datasets}
    epsilon = _accounted(next(iter(training.values())), pilot.training.delta)
    return Plan(
        run=run,
        contract=load_task(pilot.task, context.root / "model").contract(),
        statistics=statistics_contract(pilot.evaluation.bins),
        training=training,
        evaluation=evaluation,
        epsilon=epsilon,
        summary=f"{len(pilot.regions)} regions, {pilot.training.rounds} rounds, ε {epsilon:.2f} per dataset",
    )


def _accounted(plan: PrivacyPlan, delta: float) -> float:
    """The ε that dp-accounting finds. The gate charges what `privacy.epsilon` finds, and the two must agree."""
    accounted, charged = privacy.accounted(plan, delta), privacy.epsilon([plan], delta)
    if abs(accounted - charged) > _AGREE * charged:
        raise SovError(
            f"two accountants disagree on the plan's ε: {accounted:.4f} and {charged:.4f}",
            remedy="report this with the pilot's training section; nothing was started",
        )
    return charged


def run_id(pilot: Pilot) -> str:
    """A name for all that follows from the data, the task and how it is trained."""
    what = pilot.model_dump(mode="json", include={"name", "pattern", "regions", "datasets", "task", "training", "evaluation"})
    return f"run-{digest_of(canonical(what)).removeprefix('sha256:')[:12]}"


def _check_regions(context: StageContext) -> None:
    for spec, findings in zip(
        context.pilot.regions, context.each(context.pilot.regions, lambda spec: context.regions[spec.name].check()), strict=True
    ):
        for finding in findings:
            if not finding.ok:
                raise SovError(f"region {spec.name}: {finding.check}: {finding.detail}", remedy=finding.remedy)


def _training(pilot: Pilot, data: DatasetSpec, run: str, noise: float) -> PrivacyPlan:
    return PrivacyPlan(
        reservation=f"{run}/{data.name}/train",
        dataset=data.name,
        partition="train",
        clip_norm=pilot.training.clip_norm,
        noise_multiplier=noise,
        sampling_rate=pilot.training.sampling_rate,
        steps=pilot.training.rounds,
        delta=pilot.training.delta,
    )


def _evaluation(pilot: Pilot, data: DatasetSpec, run: str) -> PrivacyPlan:
    spec = pilot.evaluation
    return PrivacyPlan(
        reservation=f"{run}/{data.name}/holdout",
        dataset=data.name,
        partition="holdout",
        clip_norm=1.0,  # one record is one count of one histogram
        noise_multiplier=privacy.noise_multiplier(spec.epsilon, spec.delta, 1.0, 1),
        sampling_rate=1.0,
        steps=1,
        delta=spec.delta,
    )
