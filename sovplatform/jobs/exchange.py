"""Tensors as artifacts: how training jobs hand parameters, updates and statistics to the gate and take them from the inbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sovplatform.artifacts import MANIFEST, load
from sovplatform.jobs.context import JobContext
from sovplatform.labels import ANYWHERE, Label, Sensitivity
from sovplatform.records import Kind, PrivacyEvidence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Tensors = dict[str, "NDArray[np.float32]"]
TENSORS = "tensors.safetensors"
PARAMETERS = "parameters"
RECEIVE_SECONDS = 300.0

RELEASED = Label(residency=(ANYWHERE,), sensitivity=Sensitivity.internal)
"""What a DP mechanism has declassified may rest anywhere in the organisation."""


def write_tensors(
    context: JobContext,
    target: Path,
    tensors: Mapping[str, NDArray[np.float32]],
    *,
    kind: Kind,
    name: str,
    run: str,
    round: int | None,
    parents: tuple[str, ...] = (),
    privacy: PrivacyEvidence | None = None,
) -> Path:
    """Make a signed artifact of tensors at `target`, whole or not at all."""
    from safetensors.numpy import save_file

    staging = context.fresh(target)
    save_file(dict(tensors), staging / TENSORS)
    context.seal(staging, kind=kind, name=name, label=RELEASED, run=run, round=round, parents=parents, privacy=privacy)
    return context.publish(staging, target)


def read_tensors(directory: Path) -> Tensors:
    from safetensors.numpy import load_file

    return dict(load_file(directory / TENSORS))


def send_to_all(context: JobContext, directory: Path, destinations: Iterable[str], purpose: str) -> None:
    """Send one artifact to several regions at once; the first refusal is raised."""
    names = list(destinations)
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        for future in [pool.submit(context.border.send, directory, name, purpose) for name in names]:
            future.result()


def receive(context: JobContext, *, source: str, kind: Kind, name: str, run: str, round: int | None) -> Path:
    return context.border.receive(source=source, kind=kind, name=name, run=run, round=round, timeout=RECEIVE_SECONDS)


def digest_of_artifact(directory: Path) -> str:
    return load(directory)[0].digest


def exists(directory: Path) -> bool:
    return (directory / MANIFEST).exists()


def settings(context: JobContext, name: str) -> Mapping[str, Any]:
    """A mapping of the job's configuration."""
    value = context.config.get(name)
    return value if isinstance(value, dict) else {}
