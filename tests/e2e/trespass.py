"""Jobs that try what a job must not do. Each runs inside a region, with the region's own rights and keys."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sovplatform import artifacts
from sovplatform.jobs.context import JobContext
from sovplatform.jobs.exchange import TENSORS, read_tensors
from sovplatform.records import Artifact, PrivacyPlan
from sovplatform.wire import OperationClient


def send_local_model(context: JobContext) -> None:
    """The model that was fitted without noise is labelled as the data are."""
    name = f"{context.text('task')}-local"
    context.border.send(context.outbox(context.text("run"), None, name), "fabric", "training")


def send_raw_data(context: JobContext) -> None:
    """What never was in the outbox."""
    context.border.send(context.home / "store", "fabric", "training")


def send_changed_after_sealing(context: JobContext) -> None:
    _send_changed(context, "study")


def send_changed_after_delivery(context: JobContext) -> None:
    """For this purpose the artifact was delivered, as it was then."""
    _send_changed(context, "training")


def _send_changed(context: JobContext, purpose: str) -> None:
    directory = _copy(context)
    file = directory / TENSORS
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    context.border.send(directory, "fabric", purpose)


def send_renoised(context: JobContext) -> None:
    """Fresh noise on a step that has left: a second look at the same people."""
    _send_again(context, {name: tensor + 1 for name, tensor in read_tensors(_first_update(context)).items()})


def send_extra_tensor(context: JobContext) -> None:
    tensors = read_tensors(_first_update(context))
    _send_again(context, {**tensors, "rows": next(iter(tensors.values()))})


def overspend(context: JobContext) -> None:
    context.border.reserve(_plan(context, dataset="applications-de", noise_multiplier=0.1))


def spend_of_another_region(context: JobContext) -> None:
    context.border.reserve(_plan(context, dataset="applications-fr", noise_multiplier=1000.0))


def submit_a_job(context: JobContext) -> None:
    _operator(context, "submit", context.spec.model_copy(update={"id": "child"}).model_dump(mode="json"))


def write_an_event(context: JobContext) -> None:
    _operator(context, "record", {"event": "release.approved", "subject": "mine", "details": {}})


def _operator(context: JobContext, operation: str, body: Mapping[str, Any]) -> None:
    path = os.environ["SOV_BORDER"].removeprefix("unix:")
    OperationClient(Path(path), who=context.region_config.region.name).call(operation, body)


def _plan(context: JobContext, *, dataset: str, noise_multiplier: float) -> PrivacyPlan:
    return PrivacyPlan(
        reservation=context.spec.id,
        dataset=dataset,
        partition="train",
        clip_norm=1.0,
        noise_multiplier=noise_multiplier,
        sampling_rate=1.0,
        steps=100,
        delta=1e-5,
    )


def _first_update(context: JobContext) -> Path:
    return context.outbox(context.text("run"), 0, "applications-de")


def _copy(context: JobContext) -> Path:
    return Path(shutil.copytree(_first_update(context), context.home / "outbox" / context.spec.id / "copy"))


def _send_again(context: JobContext, tensors: Mapping[str, Any]) -> None:
    from safetensors.numpy import save_file

    made: Artifact = artifacts.load(_first_update(context))[0]
    directory = context.home / "outbox" / context.spec.id / "again"
    directory.mkdir(parents=True)
    save_file(dict(tensors), directory / TENSORS)
    context.seal(
        directory,
        kind=made.kind,
        name=made.name,
        label=made.label,
        run=made.run,
        round=made.round,
        parents=made.parents,
        privacy=made.privacy,
    )
    context.border.send(directory, "fabric", "training")
