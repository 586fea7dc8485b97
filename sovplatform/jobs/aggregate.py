"""The global fabric's side of SIGT training: send parameters out, take noised updates in, step, and export the model.

It sees nothing but what the gates let through. After a crash it goes through the rounds again: what was sent is sent no
second time, what was received is still there, and so the parameters come out the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sovplatform.jobs.context import JobContext
from sovplatform.jobs.exchange import (
    PARAMETERS,
    RELEASED,
    Tensors,
    digest_of_artifact,
    exists,
    read_tensors,
    receive,
    send_to_all,
    write_tensors,
)
from sovplatform.pilot import TaskSpec, TrainingSpec
from sovplatform.records import Kind


def run(context: JobContext) -> Mapping[str, Any]:
    from sovplatform.tasks.dpsgd import Aggregator
    from sovplatform.tasks.loading import load_task
    from sovplatform.tasks.quality import auc_from_histograms

    training = TrainingSpec.model_validate(context.config["training"])
    spec = TaskSpec.model_validate(context.config["task"])
    code = context.pilot_directory
    task = load_task(spec, code / "model" if code else None)
    run_name = context.text("run")
    members = {str(name): str(region) for name, region in _mapping(context, "members").items()}
    aggregator = Aggregator(task, training, members=len(members))
    parents: tuple[str, ...] = ()
    for round_ in range(training.rounds):
        sent = _send_parameters(context, run_name, round_, aggregator.parameters, members, parents)
        updates, parents = _receive_updates(context, run_name, round_, members, sent)
        aggregator.step(updates)
        print(f"round {round_ + 1} of {training.rounds}", flush=True)
    model = _send_model(context, run_name, task, aggregator.result(), members, parents)
    noise = float(str(context.config["evaluation_noise"]))
    histograms = [
        read_tensors(receive(context, source=region, kind=Kind.statistics, name=name, run=run_name, round=None))
        for name, region in sorted(members.items())
    ]
    auc, error = auc_from_histograms(histograms, noise)
    return {"artifact": digest_of_artifact(model), "parents": list(parents), "auc": auc, "auc_error": error, "model": str(model)}


def _send_parameters(  # noqa: PLR0917 - one step of one round, told everything
    context: JobContext, run: str, round_: int, parameters: Tensors, members: Mapping[str, str], parents: tuple[str, ...]
) -> str:
    target = context.outbox(run, round_, PARAMETERS)
    if not exists(target):
        write_tensors(context, target, parameters, kind=Kind.model, name=PARAMETERS, run=run, round=round_, parents=parents)
    send_to_all(context, target, sorted(set(members.values())), "training")
    return digest_of_artifact(target)


def _receive_updates(
    context: JobContext, run: str, round_: int, members: Mapping[str, str], sent: str
) -> tuple[list[Tensors], tuple[str, ...]]:
    updates, digests = [], [sent]
    for name, region in sorted(members.items()):
        directory = receive(context, source=region, kind=Kind.update, name=name, run=run, round=round_)
        updates.append(read_tensors(directory))
        digests.append(digest_of_artifact(directory))
    return updates, tuple(digests)


def _send_model(  # noqa: PLR0917 - as above
    context: JobContext, run: str, task: Any, parameters: Tensors, members: Mapping[str, str], parents: tuple[str, ...]
) -> Path:
    target = context.outbox(run, None, task.spec.name)
    if not exists(target):
        staging = context.fresh(target)
        task.export(parameters, staging)
        context.seal(staging, kind=Kind.model, name=task.spec.name, label=RELEASED, run=run, parents=parents)
        context.publish(staging, target)
    final = context.outbox(run, None, PARAMETERS)
    if not exists(final):
        write_tensors(context, final, parameters, kind=Kind.model, name=PARAMETERS, run=run, round=None, parents=parents)
    regions = sorted(set(members.values()))
    send_to_all(context, target, regions, "release")
    send_to_all(context, final, regions, "evaluation")
    _forget_other_runs(context, run)
    return target


def _forget_other_runs(context: JobContext, run: str) -> None:
    for directory in (context.home / "outbox").iterdir():
        if directory.name != run:
            shutil.rmtree(directory, ignore_errors=True)


def _mapping(context: JobContext, name: str) -> Mapping[str, Any]:
    value = context.config.get(name)
    return value if isinstance(value, dict) else {}
