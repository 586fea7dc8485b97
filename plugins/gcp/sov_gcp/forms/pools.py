"""Node pools: GPUs that train, spot or reserved, and machines that serve."""

from __future__ import annotations

from pydantic import JsonValue

from sov_gcp.forms.nodes import account, node_config, node_pool
from sov_gcp.forms.place import Place
from sov_gcp.gpus import Gpu, gpu_in
from sovplatform import constructs
from sovplatform.interfaces.stackforms import Form, Resource, Wires

SERVING_MACHINE = "n2-standard-8"
RESERVED_NAME = "compute.googleapis.com/reservation-name"
GPU_TAINT: dict[str, JsonValue] = {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}
SPOT_TAINT: dict[str, JsonValue] = {"key": "sov/spot", "value": "true", "effect": "NO_SCHEDULE"}


def training_pool(construct: constructs.TrainingPool, wires: Wires, place: Place) -> Form:
    """Spot machines from zero; else a reservation that only this pool may use, in one zone. No pool when it has no nodes."""
    if not construct.nodes:
        return Form()
    gpu, zones = gpu_in(place.location, construct.gpu, place.region.name, "training")
    machine, count = gpu.machine, gpu.count
    if construct.spot and gpu.spot_machine:
        machine, count = gpu.spot_machine, gpu.spot_count
    config = _with_gpu(node_config(construct, place, "training", wires["keys.data"], machine), gpu, count)
    made = list(account(place, "training"))
    if construct.spot:
        config |= {"spot": True, "taint": [GPU_TAINT, SPOT_TAINT]}
    else:
        zones = zones[:1]
        reserved = _reservation(construct, place, machine, zones[0])
        made.append(reserved)
        config["reservation_affinity"] = [
            {"consume_reservation_type": "SPECIFIC_RESERVATION", "key": RESERVED_NAME, "values": [reserved.ref("name")]}
        ]
    most = construct.nodes
    return Form(resources=(*made, node_pool(place, "training", wires["cluster.name"], config, least=0, most=most, zones=zones)))


def serving_pool(construct: constructs.ServingPool, wires: Wires, place: Place) -> Form:
    zones, machine, gpu = place.zones, SERVING_MACHINE, None
    if construct.gpu:
        gpu, zones = gpu_in(place.location, construct.gpu, place.region.name, "serving")
        machine = gpu.machine
    config = node_config(construct, place, "serving", wires["keys.data"], machine)
    if gpu is not None:
        config = _with_gpu(config, gpu, gpu.count)
    least, most = construct.nodes_min, construct.nodes_max
    pool = node_pool(place, "serving", wires["cluster.name"], config, least=least, most=most, zones=zones)
    return Form(resources=(*account(place, "serving"), pool))


def _with_gpu(config: dict[str, JsonValue], gpu: Gpu, count: int) -> dict[str, JsonValue]:
    return {
        **config,
        "disk_size_gb": gpu.disk_gb,
        "guest_accelerator": [
            {
                "type": gpu.accelerator,
                "count": count,
                "gpu_driver_installation_config": [{"gpu_driver_version": "DEFAULT"}],
            }
        ],
        "taint": [GPU_TAINT],
    }


def _reservation(construct: constructs.TrainingPool, place: Place, machine: str, zone: str) -> Resource:
    return Resource(
        type="google_compute_reservation",
        name="training",
        arguments={
            "project": place.project,
            "name": place.named("training"),
            "description": " ".join(f"{name}={value}" for name, value in sorted(construct.labels.items())),
            "zone": zone,
            "specific_reservation_required": True,
            "specific_reservation": [{"count": construct.nodes, "instance_properties": [{"machine_type": machine}]}],
            "share_settings": [{"share_type": "LOCAL"}],
        },
    )
