"""What resources on Google Cloud use: machines with their GPUs, disks, stores, keys and clusters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sovplatform.infrastructure.consumption.stack import HOURS, Pool, Reader, Resource, Stack, Use, block

_WITH_GPUS = ("a2-", "a3-", "a4-", "a4x-", "g2-", "g4-")
"""Machine families whose price in our tables includes the GPUs that they come with."""

_CHEAP_KEYS = ("GOOGLE_SYMMETRIC_ENCRYPTION", "HMAC", "AES", "RSA_SIGN_PKCS1_2048", "RSA_SIGN_PSS_2048", "RSA_DECRYPT_OAEP_2048")
"""Algorithms whose keys are of the cheaper kind in hardware: symmetric, and RSA of 2,048 bits."""


def _cluster(stack: Stack, resource: Resource) -> Iterator[Use]:
    yield Use(part=resource.construct, what="GKE cluster", items=("cluster",), unit="hour", low=HOURS, high=HOURS)


def _nodes(stack: Stack, resource: Resource) -> Iterator[Use]:
    config, scaling = resource.block("node_config"), resource.block("autoscaling")
    zones = stack.length(resource.arguments.get("node_locations", ["one"]))
    fixed = int(resource.arguments.get("node_count", 0)) * zones
    machine = str(config.get("machine_type", "e2-medium"))
    affinity = block(config, "reservation_affinity").get("consume_reservation_type")
    pool = Pool(
        what=machine,
        machines=(machine,),
        least=int(scaling.get("total_min_node_count") or int(scaling.get("min_node_count", 0)) * zones or fixed),
        most=int(scaling.get("total_max_node_count") or int(scaling.get("max_node_count", 0)) * zones or fixed),
        spot=bool(config.get("spot") or config.get("preemptible")),
        reserved=affinity == "SPECIFIC_RESERVATION",
        disks={f"disk:{config.get('disk_type', 'pd-balanced')}": float(config.get("disk_size_gb", 100))},
    )
    attached = {} if machine.startswith(_WITH_GPUS) else block(config, "guest_accelerator")
    for use in pool.use(stack, resource):
        yield from _with_gpus(use, attached, spot=pool.spot) if attached and use.unit == "hour" else (use,)


def _with_gpus(machines: Use, accelerator: Mapping[str, object], *, spot: bool) -> Iterator[Use]:
    """Machines, and the GPUs that are attached to them and do not come with them."""
    kind, count = accelerator.get("type"), int(str(accelerator.get("count", 1)))
    if machines.per_gpu:
        shared = {"low": machines.low / count, "high": machines.high / count, "per_gpu": False}
        machines = machines.model_copy(update=shared)
    yield machines
    yield machines.model_copy(
        update={
            "what": f"{kind} GPUs{', spot' if spot else ''}",
            "items": (f"{'spot' if spot else 'gpu'}:{kind}",),
            "on_demand": (f"gpu:{kind}",) if spot else (),
            "low": machines.low * count,
            "high": machines.high * count,
            "at_most": machines.at_most * count,
        }
    )


def _reservation(stack: Stack, resource: Resource) -> Iterator[Use]:
    specific = resource.block("specific_reservation")
    kind, hours = block(specific, "instance_properties").get("machine_type"), int(specific.get("count", 0)) * HOURS
    what, note = f"{kind}, reserved", "reserved machines are paid for whether they run or not"
    items = (f"instance:{kind}",)
    yield Use(part=resource.construct, what=what, items=items, unit="hour", low=hours, high=hours, note=note)


def _key(stack: Stack, resource: Resource) -> Iterator[Use]:
    version = resource.block("version_template")
    level, algorithm = str(version.get("protection_level", "SOFTWARE")), str(version.get("algorithm", _CHEAP_KEYS[0]))
    level = "EXTERNAL" if level.startswith("EXTERNAL") else level
    item = f"key:{level}:large" if level == "HSM" and not algorithm.startswith(_CHEAP_KEYS) else f"key:{level}"
    yield Use(
        part=resource.construct,
        what=f"KMS keys ({level}{', elliptic or large RSA' if item.endswith('large') else ''})",
        items=(item,),
        unit="month",
        low=1,
        high=1,
    )


def _store(stack: Stack, resource: Resource) -> Iterator[Use]:
    size = stack.stored_gb(resource.construct)
    if size:
        what = "Cloud Storage"
        yield Use(part=resource.construct, what=what, items=("storage",), unit="GB-month", low=size, high=size)


READERS: Mapping[str, Reader] = {
    "google_container_cluster": _cluster,
    "google_container_node_pool": _nodes,
    "google_compute_reservation": _reservation,
    "google_kms_crypto_key": _key,
    "google_kms_crypto_key_version": lambda stack, resource: iter(()),  # read with its key
    "google_storage_bucket": _store,
}
