"""Which GPUs AWS has, on which instance types, and in which regions: data.

Source: EC2's DescribeInstanceTypeOfferings by region, as shipped with moto 5.2.5, read 2026-11-24. It does not have the regions
of aws-cn and aws-us-gov: there, and for what is newer, the setting `gpus` names the instance types. It does not have
eusc-de-east-1 either, where the family G6 alone is known. Being offered is not having quota or capacity.
"""

from __future__ import annotations

from collections.abc import Mapping

from sov_aws.instances import require_instance
from sovplatform.interfaces.settings import no_gpu
from sovplatform.records import Record


class Gpu(Record):
    """`instances` have the GPU, the best for a pilot first, the others as spot alternatives. `regions` offer them all."""

    instances: tuple[str, ...]
    regions: frozenset[str]
    disk_gb: int = 200


def _regions(text: str) -> frozenset[str]:
    return frozenset(text.split())


GPUS: Mapping[str, Gpu] = {
    "T4": Gpu(
        instances=("g4dn.2xlarge", "g4dn.xlarge", "g4dn.4xlarge"),
        regions=_regions(
            "af-south-1 ap-east-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2"
            " ca-central-1 eu-central-1 eu-north-1 eu-south-1 eu-west-1 eu-west-2 eu-west-3 me-south-1 sa-east-1 us-east-1"
            " us-east-2 us-west-1 us-west-2"
        ),
    ),
    "A10G": Gpu(
        instances=("g5.2xlarge", "g5.xlarge", "g5.4xlarge"),
        regions=_regions(
            "ap-east-1 ap-northeast-1 ap-northeast-2 ap-south-1 ap-southeast-2 ap-southeast-3 ca-central-1 eu-central-1"
            " eu-north-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 sa-east-1 us-east-1 us-east-2"
            " us-west-2"
        ),
    ),
    "L4": Gpu(
        instances=("g6.xlarge", "g6.2xlarge", "g6.4xlarge"),
        regions=_regions(
            "ap-northeast-1 ap-northeast-2 ap-south-1 ap-south-2 ap-southeast-2 ap-southeast-5 ca-central-1 eu-central-1"
            " eu-central-2 eu-north-1 eu-south-2 eu-west-2 eu-west-3 eusc-de-east-1 me-central-1 sa-east-1 us-east-1"
            " us-east-2 us-west-2"
        ),
    ),
    "L40S": Gpu(
        instances=("g6e.2xlarge", "g6e.xlarge", "g6e.4xlarge"),
        regions=_regions(
            "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 eu-central-1 eu-north-1 eu-south-2"
            " me-central-1 us-east-1 us-east-2 us-west-2"
        ),
    ),
    "A100": Gpu(
        instances=("p4d.24xlarge",),
        regions=_regions(
            "ap-northeast-1 ap-northeast-2 ap-south-1 ap-southeast-2 ca-central-1 eu-central-1 eu-north-1 eu-west-1"
            " eu-west-2 sa-east-1 us-east-1 us-east-2 us-west-2"
        ),
        disk_gb=500,
    ),
    "A100-80GB": Gpu(
        instances=("p4de.24xlarge",),
        regions=_regions("ap-northeast-1 ap-southeast-1 eu-central-1 il-central-1 us-east-1 us-west-2"),
        disk_gb=500,
    ),
    "H100": Gpu(
        instances=("p5.4xlarge",),
        regions=_regions(
            "ap-northeast-1 ap-south-1 ap-southeast-2 ap-southeast-3 eu-north-1 eu-west-2 sa-east-1 us-east-1 us-east-2 us-west-2"
        ),
        disk_gb=500,
    ),
    "H200": Gpu(
        instances=("p5en.48xlarge",),
        regions=_regions(
            "ap-northeast-1 ap-northeast-2 ap-south-1 ap-southeast-3 eu-north-1 eu-south-2 me-central-1 us-east-1"
            " us-east-2 us-west-1 us-west-2"
        ),
        disk_gb=1000,
    ),
    "B200": Gpu(
        instances=("p6-b200.48xlarge",),
        regions=_regions("ap-south-1 ap-south-2 eu-north-1 eu-west-3 us-east-1 us-east-2 us-west-2"),
        disk_gb=1000,
    ),
}


def gpu_in(location: str, name: str, region: str, own: Mapping[str, tuple[str, ...]], pool: str) -> Gpu:
    """The GPU of a pool, as the table or the region's own settings have it.

    Raises:
        SettingError: one of the region's own instance types does not exist, or not there.
        LackingError: there is no such GPU, or not in that location; the message lists what there is.
    """
    if own.get(name):
        for number, instance in enumerate(own[name]):
            require_instance(region, location, instance, ("gpus", name, number))
        return Gpu(instances=own[name], regions=frozenset({location}))
    there = sorted({gpu for gpu, facts in GPUS.items() if location in facts.regions} | {gpu for gpu in own if own[gpu]})
    families = ", ".join(f"{gpu} ({(own.get(gpu) or GPUS[gpu].instances)[0]})" for gpu in there)
    whole = f"use one of {families} as infrastructure.{pool}.gpu" if there else "use CPUs there or another region"
    remedy = f"{whole}, or as the region's setting `gpu` (none for CPUs), or name its instance types in its setting `gpus`"
    if name not in GPUS:
        raise no_gpu(region, pool, name, f"AWS has no GPU '{name}' that is known here", there=there, remedy=remedy)
    if location not in GPUS[name].regions:
        raise no_gpu(region, pool, name, f"{location} is not known to have the GPU {name}", there=(), remedy=remedy)
    return GPUS[name]
