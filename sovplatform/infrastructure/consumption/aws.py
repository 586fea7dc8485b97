"""What resources on AWS use: machines, disks, stores, keys, endpoints and clusters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sovplatform.infrastructure.consumption.stack import HOURS, Pool, Reader, Resource, Stack, Use, block

_DISK = "gp3"


def _cluster(stack: Stack, resource: Resource) -> Iterator[Use]:
    yield Use(part=resource.construct, what="EKS cluster", items=("cluster",), unit="hour", low=HOURS, high=HOURS)


def _nodes(stack: Stack, resource: Resource) -> Iterator[Use]:
    scaling = resource.block("scaling_config")
    template = stack.referred(resource.block("launch_template").get("id"))
    kinds = tuple(map(str, resource.arguments.get("instance_types", ())))
    pool = Pool(
        what=" or ".join(kinds) if len(kinds) < 3 else f"{kinds[0]} or another of {len(kinds)}",
        machines=kinds,
        least=int(scaling.get("min_size", 0)),
        most=int(scaling.get("max_size", 0)),
        spot=resource.arguments.get("capacity_type") == "SPOT",
        reserved=template is not None and bool(template.arguments.get("capacity_reservation_specification")),
        disks=_disks(resource, template),
    )
    yield from pool.use(stack, resource)


def _disks(nodes: Resource, template: Resource | None) -> Mapping[str, float]:
    """Gigabytes by kind of volume. Without a template a node has one disk, of 20 GB if nothing else is said."""
    if template is None:
        return {f"disk:{_DISK}": float(nodes.arguments.get("disk_size") or 20)}
    sizes: dict[str, float] = {}
    for mapping in template.arguments.get("block_device_mappings", ()):
        volume = block(mapping, "ebs")
        item = f"disk:{volume.get('volume_type', _DISK)}"
        sizes[item] = sizes.get(item, 0) + float(volume.get("volume_size", 0))
    return sizes


def _reservation(stack: Stack, resource: Resource) -> Iterator[Use]:
    kind, hours = resource.arguments.get("instance_type"), int(resource.arguments.get("instance_count", 0)) * HOURS
    what, note = f"{kind}, reserved", "reserved machines are paid for whether they run or not"
    items = (f"instance:{kind}",)
    yield Use(part=resource.construct, what=what, items=items, unit="hour", low=hours, high=hours, note=note)


def _endpoint(stack: Stack, resource: Resource) -> Iterator[Use]:
    """Gateway endpoints are free; the others are charged in each zone."""
    if resource.arguments.get("vpc_endpoint_type", "Gateway") == "Interface":
        hours = stack.length(resource.arguments.get("subnet_ids")) * HOURS
        yield Use(part=resource.construct, what="interface endpoints", items=("endpoint",), unit="hour", low=hours, high=hours)


def _key(stack: Stack, resource: Resource) -> Iterator[Use]:
    yield Use(part=resource.construct, what="KMS keys", items=("key",), unit="month", low=1, high=1)


def _store(stack: Stack, resource: Resource) -> Iterator[Use]:
    size = stack.stored_gb(resource.construct)
    if size:
        yield Use(part=resource.construct, what="S3 storage", items=("storage",), unit="GB-month", low=size, high=size)


READERS: Mapping[str, Reader] = {
    "aws_eks_cluster": _cluster,
    "aws_eks_node_group": _nodes,
    "aws_ec2_capacity_reservation": _reservation,
    "aws_vpc_endpoint": _endpoint,
    "aws_kms_key": _key,
    "aws_s3_bucket": _store,
    "aws_launch_template": lambda stack, resource: iter(()),  # read with the nodes that use it
}
