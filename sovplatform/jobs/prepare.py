"""Prepare: take a dataset in, encrypt it, and turn it into numbers; all of it stays in the region.

Nothing of it is told but the digests of what was encrypted: even the number of rows is the region's own affair. A model of
the region's own data is fitted, too: labelled as the data are, it can never cross, and it serves while a better one is late.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sovplatform.artifacts import hash_file
from sovplatform.errors import ConfigError
from sovplatform.jobs.context import JobContext
from sovplatform.jobs.exchange import digest_of_artifact, exists
from sovplatform.labels import join
from sovplatform.pilot import DatasetSpec, TaskSpec
from sovplatform.records import Kind

if TYPE_CHECKING:
    from sovplatform.backends.store import EncryptedStore
    from sovplatform.tasks.task import Prepared, Task


LOCAL = "local"


class Split(NamedTuple):
    """The two disjoint partitions of a dataset."""

    train: Prepared
    holdout: Prepared


def run(context: JobContext) -> Mapping[str, Any]:
    from sovplatform.tasks.loading import load_task

    code = context.pilot_directory or Path()
    task = load_task(TaskSpec.model_validate(context.config["task"]), code / "model")
    store = open_store(context)
    names = context.config["datasets"]
    assert isinstance(names, list)  # noqa: S101 - the stage writes it
    datasets = [_dataset(context, str(name)) for name in names]
    digests = {dataset.name: _take_in(context, store, task, dataset, code) for dataset in datasets}
    return {"datasets": digests, "fallback": _fallback(context, task, datasets)}


def _fallback(context: JobContext, task: Task, datasets: Sequence[DatasetSpec]) -> str:
    """The digest of the local model's artifact."""
    import numpy as np

    from sovplatform.tasks.fit import fit

    name = f"{task.spec.name}-{LOCAL}"
    run = context.text("run")
    target = context.outbox(run, None, name)
    if not exists(target):
        parts = [read_prepared(context, dataset.name).train for dataset in datasets]
        parameters = fit(task, np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts]))
        staging = context.fresh(target)
        task.export(parameters, staging)
        context.seal(staging, kind=Kind.model, name=name, label=join(dataset.label for dataset in datasets), run=run)
        context.publish(staging, target)
    return digest_of_artifact(target)


def _take_in(context: JobContext, store: EncryptedStore, task: Task, dataset: DatasetSpec, pilot: Path) -> str:
    from sovplatform.tasks.sources import rows
    from sovplatform.tasks.split import split

    table = list(rows(dataset.source, pilot))
    store.put(f"{dataset.name}.raw", json.dumps(table).encode(), dataset.label)
    train, holdout = split(table, float(str(context.config["holdout"])), int(str(context.config["seed"])))
    arrays = {}
    for name, part in (("train", train), ("holdout", holdout)):
        arrays[f"{name}.x"], arrays[f"{name}.y"] = task.prepare(part)
    store.put(f"{dataset.name}.prepared", arrays, dataset.label)
    return hash_file(store.path(f"{dataset.name}.prepared")).sha256


def read_prepared(context: JobContext, name: str) -> Split:
    """What `run` made of the dataset `name`."""
    from sovplatform.tasks.task import Prepared

    arrays = open_store(context).arrays(f"{name}.prepared")
    return Split(Prepared(arrays["train.x"], arrays["train.y"]), Prepared(arrays["holdout.x"], arrays["holdout.y"]))


def open_store(context: JobContext) -> EncryptedStore:
    """The region's data at rest."""
    from sovplatform.backends.store import EncryptedStore

    return EncryptedStore(context.home / "store", context.keystore)


def _dataset(context: JobContext, name: str) -> DatasetSpec:
    for dataset in context.region_config.datasets:
        if dataset.name == name:
            return dataset
    raise ConfigError(f"dataset {name} is not of region {context.region_config.region.name}", remedy="run `sovctl up`")
