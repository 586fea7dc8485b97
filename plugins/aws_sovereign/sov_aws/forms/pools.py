"""Node pools: GPUs that train, spot or reserved, and machines that serve."""

from __future__ import annotations

from sov_aws.forms.nodes import Pool, node_group, node_role
from sov_aws.forms.place import Arguments, Place, tags
from sov_aws.gpus import gpu_in
from sov_aws.instances import require_instance
from sovplatform import constructs
from sovplatform.backends.terraform.forms import first
from sovplatform.interfaces.stackforms import Form, Resource, Wires

GPU_TAINT = ("nvidia.com/gpu", "present")
SPOT_TAINT = ("sov/spot", "true")


def training_pool(construct: constructs.TrainingPool, wires: Wires, place: Place) -> Form:
    """Spot machines from zero; else a reservation that only this pool uses, in the first zone. No pool when it has no nodes."""
    if not construct.nodes:
        return Form()
    gpu = gpu_in(place.location, construct.gpu, place.region.name, place.terraform.gpus, "training")
    holder = node_role(construct, wires, place, "training")
    made = list(holder)
    subnets = wires["network.subnets"]
    pool = Pool(
        name="training",
        instances=gpu.instances,
        least=0,
        most=construct.nodes,
        disk_gb=gpu.disk_gb,
        gpu=True,
        spot=construct.spot,
        taints=(GPU_TAINT, SPOT_TAINT) if construct.spot else (GPU_TAINT,),
    )
    if not construct.spot:
        reserved = _reservation(construct, place, gpu.instances[0])
        made.append(reserved)
        subnets = [first(subnets)]
        pool = pool.model_copy(update={"reservation": reserved.ref("id"), "instances": gpu.instances[:1]})
    return Form(resources=(*made, *node_group(construct, place, pool, wires, subnets=subnets, holder=holder)))


def serving_pool(construct: constructs.ServingPool, wires: Wires, place: Place) -> Form:
    instances: tuple[str, ...] = (place.terraform.serving_instance,)
    disk_gb = 100
    if not construct.gpu:
        require_instance(place.region.name, place.location, instances[0], ("serving_instance",))
    else:
        gpu = gpu_in(place.location, construct.gpu, place.region.name, place.terraform.gpus, "serving")
        instances, disk_gb = gpu.instances[:1], gpu.disk_gb
    pool = Pool(
        name="serving",
        instances=instances,
        least=construct.nodes_min,
        most=construct.nodes_max,
        disk_gb=disk_gb,
        gpu=bool(construct.gpu),
        taints=(GPU_TAINT,) if construct.gpu else (),
    )
    holder = node_role(construct, wires, place, "serving")
    return Form(resources=(*holder, *node_group(construct, place, pool, wires, subnets=wires["network.subnets"], holder=holder)))


def _reservation(construct: constructs.TrainingPool, place: Place, instance: str) -> Resource:
    arguments: Arguments = {
        "instance_type": instance,
        "instance_platform": "Linux/UNIX",
        "instance_count": construct.nodes,
        "instance_match_criteria": "targeted",
        "availability_zone": place.zones[0],
        "end_date_type": "unlimited",
        "ebs_optimized": True,
        "tags": tags(construct, Name=place.named("training", limit=255)),
    }
    return Resource(type="aws_ec2_capacity_reservation", name="training", arguments=arguments)
