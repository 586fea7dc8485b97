"""Which GPUs Google Cloud has, on which machines, and in which zones: data.

Zones: catalogue `skypilot-org/skypilot-catalog`, `catalogs/v8/gcp/vms.csv`, commit 8427bbf, read 2026-11-24; it is made from the
Compute Engine API. Machines: https://cloud.google.com/compute/docs/gpus. Being offered is not having quota or capacity.
"""

from __future__ import annotations

from collections.abc import Mapping

from sovplatform.interfaces.settings import no_gpu
from sovplatform.records import Record


class Gpu(Record):
    """`machine` has `count` GPUs of `accelerator`; `spot_machine` is the smaller one that is only sold as spot, if any.

    `zones` gives the letters of the zones by location.
    """

    accelerator: str
    machine: str
    count: int
    zones: Mapping[str, str]
    spot_machine: str = ""
    spot_count: int = 0
    disk_gb: int = 200


GPUS: Mapping[str, Gpu] = {
    "L4": Gpu(
        accelerator="nvidia-l4",
        machine="g2-standard-8",
        count=1,
        zones={
            "asia-east1": "abc",
            "asia-northeast1": "abc",
            "asia-northeast3": "ab",
            "asia-south1": "abc",
            "asia-southeast1": "abc",
            "europe-west1": "bc",
            "europe-west2": "ab",
            "europe-west3": "ab",
            "europe-west4": "abc",
            "europe-west6": "bc",
            "me-central2": "ac",
            "northamerica-northeast1": "b",
            "northamerica-northeast2": "ab",
            "us-central1": "abc",
            "us-east1": "bcd",
            "us-east4": "ac",
            "us-west1": "abc",
            "us-west4": "ac",
        },
    ),
    "A100": Gpu(
        accelerator="nvidia-tesla-a100",
        machine="a2-highgpu-1g",
        count=1,
        zones={
            "asia-northeast1": "ac",
            "asia-northeast3": "ab",
            "asia-southeast1": "bc",
            "europe-west4": "ab",
            "me-west1": "ac",
            "us-central1": "abcf",
            "us-east1": "b",
            "us-west1": "b",
            "us-west3": "b",
            "us-west4": "b",
        },
    ),
    "A100-80GB": Gpu(
        accelerator="nvidia-a100-80gb",
        machine="a2-ultragpu-1g",
        count=1,
        zones={"asia-southeast1": "c", "europe-west4": "a", "us-central1": "ac", "us-east4": "c", "us-east5": "ab"},
    ),
    "H100": Gpu(
        accelerator="nvidia-h100-80gb",
        machine="a3-highgpu-8g",
        count=8,
        spot_machine="a3-highgpu-1g",
        spot_count=1,
        disk_gb=500,
        zones={
            "asia-east1": "c",
            "asia-northeast1": "b",
            "asia-south1": "c",
            "asia-south2": "b",
            "asia-southeast1": "bc",
            "australia-southeast1": "c",
            "europe-north1": "c",
            "europe-west1": "bc",
            "europe-west3": "c",
            "europe-west4": "bc",
            "europe-west9": "c",
            "us-central1": "abc",
            "us-east4": "abc",
            "us-east5": "a",
            "us-west1": "ab",
            "us-west4": "a",
        },
    ),
}

ZONES: Mapping[str, str] = {"europe-west1": "bcd", "us-central1": "abcf", "us-east1": "bcd"}
"""The zones of locations whose zones are not a, b and c: https://cloud.google.com/compute/docs/regions-zones (2026-11)."""


def zones_of(location: str) -> tuple[str, ...]:
    """All zones of a location."""
    return tuple(f"{location}-{letter}" for letter in ZONES.get(location, "abc"))


def gpu_in(location: str, name: str, region: str, pool: str) -> tuple[Gpu, tuple[str, ...]]:
    """The GPU of a pool, and the zones of the location that have it.

    Raises:
        LackingError: there is no such GPU, or not in that location.
    """
    there = sorted(gpu for gpu, facts in GPUS.items() if location in facts.zones)
    remedy = f"use one of {', '.join(there)} as infrastructure.{pool}.gpu" if there else "serve and train on CPUs there"
    remedy += ", or as the region's setting `gpu` (none for CPUs), or another location of its jurisdiction"
    gpu = GPUS.get(name)
    if gpu is None:
        message = f"Google Cloud has no GPU '{name}' that is known here"
        raise no_gpu(region, pool, name, message, there=there, remedy=remedy)
    if location not in gpu.zones:
        raise no_gpu(region, pool, name, f"location {location} has no GPU {name}", there=(), remedy=remedy)
    return gpu, tuple(f"{location}-{letter}" for letter in gpu.zones[location])
