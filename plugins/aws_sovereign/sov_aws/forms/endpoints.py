"""Private endpoints: the only ways out of the network, each to one service of AWS, and for this account alone."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from sov_aws.forms.place import Arguments, Place, tags
from sov_aws.forms.policies import ANYONE, document, statement
from sovplatform import constructs
from sovplatform.interfaces.stackforms import Resource

SERVICES = ("autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "kms", "logs", "sts")

_CHINA = frozenset({"autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "elasticloadbalancing", "monitoring", "s3", "sqs", "sts"})
_PREFIXES = {"aws-cn": ("cn.com.amazonaws", _CHINA), "aws-eusc": ("eu.amazonaws", frozenset({"ecr.api", "ecr.dkr"}))}
"""Where the names of some services begin otherwise than `com.amazonaws`: aws-cdk, `aws-ec2/lib/vpc-endpoint.ts`, read 2026-11."""

_WITHOUT_POLICY = frozenset({"eks-auth"})


def service_name(place: Place, service: str) -> str:
    """The name of a service's endpoint in the region."""
    prefix, services = _PREFIXES.get(place.partition, ("com.amazonaws", frozenset()))
    return f"{prefix if service in services else 'com.amazonaws'}.{place.location}.{service}"


def endpoints(
    construct: constructs.LandingZone, place: Place, vpc: Resource, subnets: Sequence[Resource], table: Resource
) -> list[Resource]:
    """A gateway for S3, and an interface in every zone for each other service."""
    storage = Resource(
        type="aws_vpc_endpoint",
        name="s3",
        arguments={
            "vpc_id": vpc.ref("id"),
            "service_name": service_name(place, "s3"),
            "vpc_endpoint_type": "Gateway",
            "route_table_ids": [table.ref("id")],
            "policy": document(*_storage(place)),
            "tags": tags(construct, Name=place.named("s3", limit=255)),
        },
    )
    group, rule = _group(construct, place, vpc)
    ids: list[JsonValue] = [subnet.ref("id") for subnet in subnets]
    made = [storage, group, rule]
    for service in dict.fromkeys((*SERVICES, *place.terraform.services)):
        arguments: Arguments = {
            "vpc_id": vpc.ref("id"),
            "service_name": service_name(place, service),
            "vpc_endpoint_type": "Interface",
            "private_dns_enabled": True,
            "subnet_ids": ids,
            "security_group_ids": [group.ref("id")],
            "tags": tags(construct, Name=place.named(service, limit=255)),
        }
        if service not in _WITHOUT_POLICY:
            arguments["policy"] = document(_own(place))
        local = service.replace(".", "_").replace("-", "_")
        made.append(Resource(type="aws_vpc_endpoint", name=local, arguments=arguments))
    return made


def _own(place: Place) -> Arguments:
    """Credentials of another account, smuggled into the network, open no endpoint."""
    return statement("Own", "*", principal=ANYONE, conditions={"StringEquals": {"aws:PrincipalAccount": place.account}})


def _storage(place: Place) -> list[Arguments]:
    """This account's buckets, for this account; and the layers of container images, which ECR keeps in a bucket of its own."""
    own = {"aws:PrincipalAccount": place.account, "aws:ResourceAccount": place.account}
    layers = place.arn("s3", f"prod-{place.location}-starport-layer-bucket/*")
    return [
        statement("Own", "s3:*", principal=ANYONE, conditions={"StringEquals": own}),
        statement("Layers", "s3:GetObject", layers, principal=ANYONE),
    ]


def _group(construct: constructs.LandingZone, place: Place, vpc: Resource) -> tuple[Resource, Resource]:
    group = Resource(
        type="aws_security_group",
        name="endpoints",
        arguments={
            "name": place.named("endpoints", limit=255),
            "description": "Private endpoints: TLS from the network itself, and no way on",
            "vpc_id": vpc.ref("id"),
            "tags": tags(construct, Name=place.named("endpoints", limit=255)),
        },
    )
    rule: Arguments = {
        "security_group_id": group.ref("id"),
        "description": "TLS from the network",
        "cidr_ipv4": vpc.ref("cidr_block"),
        "ip_protocol": "tcp",
        "from_port": 443,
        "to_port": 443,
        "tags": tags(construct),
    }
    return group, Resource(type="aws_vpc_security_group_ingress_rule", name="endpoints", arguments=rule)
