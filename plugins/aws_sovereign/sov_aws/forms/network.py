"""LandingZone: a network without a gateway, private endpoints for what is used, and a record of all that flows."""

from __future__ import annotations

import ipaddress

from pydantic import JsonValue

from sov_aws.forms.endpoints import endpoints
from sov_aws.forms.guardrails import boundary_of
from sov_aws.forms.keys import key, logs, topic
from sov_aws.forms.place import Arguments, Place, tags
from sov_aws.forms.policies import allowed, role, statement
from sovplatform import constructs
from sovplatform.errors import SettingError
from sovplatform.interfaces.stackforms import Form, Output, Resource, Wires
from sovplatform.records import KeyPurpose

LOGS_KEY = "keys.logs"
"""A wire besides those that the construct promises: the key of week 1, when the region's key for data is not there yet."""
LOG_DAYS = 365
SMALLEST, LARGEST = 22, 16


def landing_zone(construct: constructs.LandingZone, wires: Wires, place: Place) -> Form:
    logs_key, alias = key(construct, place, "logs", KeyPurpose.wrap, [*logs(place), *topic(place)])
    vpc = Resource(
        type="aws_vpc",
        name="main",
        arguments={
            "cidr_block": str(_network(construct)),
            "enable_dns_support": True,
            "enable_dns_hostnames": True,
            "tags": tags(construct, Name=place.named(limit=255)),
        },
    )
    closed = Resource(
        type="aws_default_security_group",
        name="closed",
        arguments={"vpc_id": vpc.ref("id"), "tags": tags(construct, Name=place.named("closed", limit=255))},
    )
    subnets, table, routed = _subnets(construct, place, vpc)
    flows = _flows(construct, wires, place, vpc, logs_key)
    private = endpoints(construct, place, vpc, subnets, table)
    ids: list[JsonValue] = [subnet.ref("id") for subnet in subnets]
    examples: list[JsonValue] = [f"subnet-{number:017x}" for number, _ in enumerate(subnets, start=1)]
    return Form(
        resources=(logs_key, alias, vpc, closed, *subnets, table, *routed, *flows, *private),
        outputs={
            "network.id": Output(value=vpc.ref("id"), example="vpc-0123456789abcdef0"),
            "network.subnets": Output(value=ids, example=examples),
            LOGS_KEY: Output(value=logs_key.ref("arn"), example=place.arn("kms", "key/00000000-0000-0000-0000-000000000000")),
        },
    )


def _network(construct: constructs.LandingZone) -> ipaddress.IPv4Network:
    name = construct.region.name
    try:
        network = ipaddress.IPv4Network(construct.cidr)
    except ValueError as err:
        raise SettingError.of(
            name, "cidr", f"'{construct.cidr}' is no IPv4 network", remedy="write a `cidr` such as 10.3.0.0/16"
        ) from err
    if not LARGEST <= network.prefixlen <= SMALLEST:
        raise SettingError.of(
            name,
            "cidr",
            f"{network} is of the wrong size for a network on AWS",
            remedy=f"write a `cidr` from /{LARGEST} to /{SMALLEST}: every pod takes an address",
        )
    return network


def _subnets(construct: constructs.LandingZone, place: Place, vpc: Resource) -> tuple[list[Resource], Resource, list[Resource]]:
    """One subnet for each zone, all with the one table that has no route but the network's own."""
    table = Resource(
        type="aws_route_table",
        name="private",
        arguments={"vpc_id": vpc.ref("id"), "tags": tags(construct, Name=place.named("private", limit=255))},
    )
    subnets, routed = [], []
    ranges = _network(construct).subnets(prefixlen_diff=2)
    for zone, cidr in zip(place.zones, ranges, strict=False):
        letter = zone.removeprefix(place.location)
        more = {"Name": place.named(letter, limit=255), "kubernetes.io/role/internal-elb": "1"}
        arguments: Arguments = {
            "vpc_id": vpc.ref("id"),
            "availability_zone": zone,
            "cidr_block": str(cidr),
            "map_public_ip_on_launch": False,
            "tags": tags(construct, **more),
        }
        subnet = Resource(type="aws_subnet", name=f"private_{letter}", arguments=arguments)
        joined: Arguments = {"subnet_id": subnet.ref("id"), "route_table_id": table.ref("id")}
        subnets.append(subnet)
        routed.append(Resource(type="aws_route_table_association", name=subnet.name, arguments=joined))
    return subnets, table, routed


def _flows(construct: constructs.LandingZone, wires: Wires, place: Place, vpc: Resource, logs_key: Resource) -> list[Resource]:
    name = f"/sov/{place.pilot}/{place.region.name}/flows"
    group = log_group(construct, "flows", name, logs_key.ref("arn"), LOG_DAYS)
    own = {"StringEquals": {"aws:SourceAccount": place.account}}
    writer = role(construct, place, "flows", "vpc-flow-logs", boundary=boundary_of(wires), conditions=own)
    actions = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    rights = allowed(writer, statement("Flows", actions, f"{group.ref('arn')}:*"))
    flow: Arguments = {
        "vpc_id": vpc.ref("id"),
        "traffic_type": "ALL",
        "log_destination_type": "cloud-watch-logs",
        "log_destination": group.ref("arn"),
        "iam_role_arn": writer.ref("arn"),
        "max_aggregation_interval": 60,
        "tags": tags(construct),
    }
    return [group, writer, rights, Resource(type="aws_flow_log", name="main", arguments=flow)]


def log_group(construct: constructs.Construct, name: str, path: str, key_arn: JsonValue, days: int) -> Resource:
    """A group of logs, encrypted; its days are those that CloudWatch knows, not fewer than asked for."""
    arguments: Arguments = {
        "name": path,
        "retention_in_days": retention(days),
        "kms_key_id": key_arn,
        "tags": tags(construct),
    }
    return Resource(type="aws_cloudwatch_log_group", name=name, arguments=arguments)


RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


def retention(days: int) -> int:
    """The shortest retention that CloudWatch knows and that is long enough; 0 is for ever."""
    return next((known for known in RETENTIONS if known >= days), 0)
