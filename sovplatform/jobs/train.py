"""A sovereign region's side of SIGT training: noised gradients out, parameters in, and at the end a noised evaluation.

An update is made once: what is in the outbox is sent again after a crash, as fresh noise on the same step would be a second
look at the same people.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sovplatform.jobs.context import JobContext
from sovplatform.jobs.exchange import PARAMETERS, Tensors, digest_of_artifact, exists, read_tensors, receive, write_tensors
from sovplatform.jobs.prepare import Split, read_prepared
from sovplatform.pilot import TaskSpec, TrainingSpec
from sovplatform.records import Kind, PrivacyEvidence, PrivacyPlan


class Member(NamedTuple):
    """One dataset that takes part: its data, split, and the two plans that were charged for it."""

    name: str
    split: Split
    training: PrivacyPlan
    evaluation: PrivacyPlan


def run(context: JobContext) -> Mapping[str, Any]:
    from sovplatform.tasks.loading import load_task

    training = TrainingSpec.model_validate(context.config["training"])
    code = context.pilot_directory
    task = load_task(TaskSpec.model_validate(context.config["task"]), code / "model" if code else None)
    members = _members(context)
    run_name, fabric = context.text("run"), context.text("fabric")
    for round_ in range(training.rounds):
        received = receive(context, source=fabric, kind=Kind.model, name=PARAMETERS, run=run_name, round=round_)
        for member in members:
            directory = _update(context, task, training, member, run_name, round_, received)
            context.border.send(directory, fabric, "training")
        print(f"round {round_ + 1} of {training.rounds}", flush=True)
    received = receive(context, source=fabric, kind=Kind.model, name=PARAMETERS, run=run_name, round=None)
    for member in members:
        directory = _statistics(context, task, member, run_name, received)
        context.border.send(directory, fabric, "evaluation")
    return {}


def _members(context: JobContext) -> list[Member]:
    """Charge every plan before the first gradient is computed: what cannot be paid for is not begun."""
    plans, evaluations = context.config["training_plans"], context.config["evaluation_plans"]
    assert isinstance(plans, dict) and isinstance(evaluations, dict)  # noqa: S101 - the stage writes both
    members = []
    for name in sorted(plans):
        training, evaluation = PrivacyPlan.model_validate(plans[name]), PrivacyPlan.model_validate(evaluations[name])
        context.border.reserve(training)
        context.border.reserve(evaluation)
        members.append(Member(name, read_prepared(context, name), training, evaluation))
    return members


def _update(  # noqa: PLR0917 - one step of one round, told everything
    context: JobContext, task: Any, training: TrainingSpec, member: Member, run: str, round_: int, received: Path
) -> Path:
    from sovplatform.tasks import dpsgd

    target = context.outbox(run, round_, member.name)
    if exists(target):
        return target
    plan = member.training
    parameters: Tensors = read_tensors(received)
    x, y = member.split.train
    noised = dpsgd.update(task, parameters, x, y, training, plan.noise_multiplier, dpsgd.secure_rng())
    parents = (digest_of_artifact(received),)
    evidence = _evidence(plan, round_)
    return write_tensors(
        context, target, noised, kind=Kind.update, name=member.name, run=run, round=round_, parents=parents, privacy=evidence
    )


def _statistics(context: JobContext, task: Any, member: Member, run: str, received: Path) -> Path:
    from sovplatform.tasks import dpsgd, quality

    target = context.outbox(run, None, member.name)
    if exists(target):
        return target
    x, y = member.split.holdout
    scores = task.scores(read_tensors(received), x)
    bins = int(str(context.config["bins"]))
    tensors = quality.histogram(scores, y, bins, member.evaluation.noise_multiplier, dpsgd.secure_rng())
    return write_tensors(
        context,
        target,
        tensors,
        kind=Kind.statistics,
        name=member.name,
        run=run,
        round=None,
        parents=(digest_of_artifact(received),),
        privacy=_evidence(member.evaluation, 0),
    )


def _evidence(plan: PrivacyPlan, step: int) -> PrivacyEvidence:
    return PrivacyEvidence(
        reservation=plan.reservation,
        dataset=plan.dataset,
        partition=plan.partition,
        mechanism=plan.mechanism,
        clip_norm=plan.clip_norm,
        noise_multiplier=plan.noise_multiplier,
        sampling_rate=plan.sampling_rate,
        step=step,
    )
