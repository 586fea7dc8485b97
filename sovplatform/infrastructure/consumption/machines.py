"""What a cluster uses that no cloud sends a bill for: machines of its own, and the volumes that it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sovplatform.infrastructure.consumption.stack import HOURS, Resource, Stack, Use
from sovplatform.infrastructure.request import gpu_of

_SIZE = re.compile(r"^(\d+(?:\.\d+)?)([KMGTP]i?)?$")
_GB = {"": 1e-9, "K": 1e-6, "Ki": 2**10 / 2**30, "M": 1e-3, "Mi": 2**20 / 2**30, "G": 1, "Gi": 1, "T": 1e3, "Ti": 2**10}
_DISKS = {"aws": "disk:gp3", "gcp": "disk:pd-balanced", "onprem": "disk:own"}


def own(stack: Stack) -> Iterator[Use]:
    """The pools of a stack without a cloud: as the pilot sizes them, since Terraform does not make the machines."""
    constructs = {resource.construct for resource in stack.resources()}
    training, serving = stack.spec.training, stack.spec.serving
    gpu = gpu_of(stack.made.region, training.gpu)
    if "training-pool" in constructs and training.nodes and gpu:
        items = (f"machine:gpu:{gpu}",)
        what = f"own machines with {gpu}"
        yield Use(
            part="training-pool",
            what=what,
            items=items,
            unit="hour",
            low=training.hours,
            high=training.hours,
            per_gpu=True,
            at_most=training.nodes * HOURS,
        )
    if "serving-pool" in constructs:
        gpu = gpu_of(stack.made.region, serving.gpu)
        yield Use(
            part="serving-pool",
            what=f"own machines with {gpu}" if gpu else "own machines",
            items=(f"machine:gpu:{gpu}" if gpu else "machine:cpu",),
            unit="hour",
            low=serving.nodes_min * HOURS,
            high=serving.nodes_max * HOURS,
        )


def volume(table: str, resource: Resource) -> Iterator[Use]:
    """The volume that a claim asks for, on the kind of disk that the table's clusters have by default."""
    asked = resource.block("spec").get("resources") or [{}]
    size = _SIZE.match(str((asked[0].get("requests") or {}).get("storage", "")))
    gigabytes = float(size[1]) * _GB.get(size[2] or "", 0) if size else 0
    if gigabytes:
        items = (_DISKS.get(table, "disk:own"),)
        yield Use(part=resource.construct, what="volumes", items=items, unit="GB-month", low=gigabytes, high=gigabytes)
