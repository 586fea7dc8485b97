"""LandingZone: a network with no way out but to Google's restricted address, and names that lead there."""

from __future__ import annotations

import ipaddress

from pydantic import JsonValue

from sov_gcp.forms.place import Place, labels
from sovplatform import constructs
from sovplatform.errors import SettingError
from sovplatform.interfaces.stackforms import Form, Output, Resource, Wires

RESTRICTED = "199.36.153.4/30"
"""restricted.googleapis.com: https://cloud.google.com/vpc-service-controls/docs/set-up-private-connectivity. Not the internet."""
ADDRESSES = ("199.36.153.4", "199.36.153.5", "199.36.153.6", "199.36.153.7")
DOMAINS = {"googleapis": "googleapis.com.", "registry": "pkg.dev.", "system_images": "gcr.io."}
LONGEST_PREFIX = 20


def landing_zone(construct: constructs.LandingZone, wires: Wires, place: Place) -> Form:
    network = Resource(
        type="google_compute_network",
        name="main",
        arguments={
            "project": place.project,
            "name": place.named(),
            "description": _described(construct),
            "auto_create_subnetworks": False,
            "delete_default_routes_on_create": True,
            "routing_mode": "REGIONAL",
            "depends_on": ["google_project_service.compute"],
        },
    )
    nodes = _nodes(construct, place, network)
    return Form(
        resources=(
            network,
            nodes,
            _route(construct, place, network),
            *_firewall(construct, place, network),
            *_names(construct, place, network),
            _name_log(place, network),
        ),
        outputs={
            "network.id": Output(value=network.ref("id"), example=f"projects/{place.project}/global/networks/{place.named()}"),
            "network.subnets": Output(
                value=[nodes.ref("id")],
                example=[f"projects/{place.project}/regions/{place.location}/subnetworks/{place.named('nodes')}"],
            ),
        },
    )


def _described(construct: constructs.Construct) -> str:
    """What Google gives no labels carries them in its description."""
    return " ".join(f"{name}={value}" for name, value in sorted(construct.labels.items()))


def ranges(cidr: str, region: str) -> tuple[str, str, str]:
    """Parts of a network's range for nodes, services and pods: a sixteenth, a sixteenth, and its upper half.

    Raises:
        ConfigError: the range is too small, or none of IPv4.
    """
    try:
        whole = ipaddress.IPv4Network(cidr)
    except ValueError as err:
        raise SettingError.of(
            region, "cidr", f"'{cidr}' is no IPv4 network", remedy="write a `cidr` such as 10.3.0.0/16"
        ) from err
    if whole.prefixlen > LONGEST_PREFIX:
        remedy = f"give it a `cidr` of /{LONGEST_PREFIX} or more addresses"
        raise SettingError.of(region, "cidr", f"network {cidr} is too small for a cluster", remedy=remedy)
    parts = list(whole.subnets(prefixlen_diff=4))
    return str(parts[0]), str(parts[1]), str(list(whole.subnets(prefixlen_diff=1))[1])


def _nodes(construct: constructs.LandingZone, place: Place, network: Resource) -> Resource:
    nodes, services, pods = ranges(construct.cidr, place.region.name)
    return Resource(
        type="google_compute_subnetwork",
        name="nodes",
        arguments={
            "project": place.project,
            "name": place.named("nodes"),
            "description": _described(construct),
            "region": place.location,
            "network": network.ref("id"),
            "ip_cidr_range": nodes,
            "private_ip_google_access": True,
            "stack_type": "IPV4_ONLY",
            "secondary_ip_range": [
                {"range_name": "pods", "ip_cidr_range": pods},
                {"range_name": "services", "ip_cidr_range": services},
            ],
            "log_config": [
                {"aggregation_interval": "INTERVAL_5_SEC", "flow_sampling": 1.0, "metadata": "INCLUDE_ALL_METADATA"},
            ],
        },
    )


def _route(construct: constructs.LandingZone, place: Place, network: Resource) -> Resource:
    """The only route: Google takes these four addresses at this gateway's name and never hands them to the internet."""
    return Resource(
        type="google_compute_route",
        name="restricted",
        arguments={
            "project": place.project,
            "name": place.named("restricted"),
            "description": _described(construct),
            "network": network.ref("id"),
            "dest_range": RESTRICTED,
            "next_hop_gateway": "default-internet-gateway",
            "priority": 1000,
        },
    )


def _firewall(construct: constructs.LandingZone, place: Place, network: Resource) -> list[Resource]:
    whole: JsonValue = [{"protocol": "all"}]
    rules: dict[str, dict[str, JsonValue]] = {
        "egress_none": {"direction": "EGRESS", "priority": 65534, "deny": whole, "destination_ranges": ["0.0.0.0/0"]},
        "ingress_none": {"direction": "INGRESS", "priority": 65534, "deny": whole, "source_ranges": ["0.0.0.0/0"]},
        "egress_google": {
            "direction": "EGRESS",
            "priority": 1000,
            "allow": [{"protocol": "tcp", "ports": ["443"]}],
            "destination_ranges": [RESTRICTED],
        },
        "ingress_own": {"direction": "INGRESS", "priority": 1000, "allow": whole, "source_ranges": [construct.cidr]},
        "egress_own": {"direction": "EGRESS", "priority": 1000, "allow": whole, "destination_ranges": [construct.cidr]},
    }
    return [
        Resource(
            type="google_compute_firewall",
            name=name,
            arguments={
                "project": place.project,
                "name": place.named(name.replace("_", "-")),
                "description": _described(construct),
                "network": network.ref("id"),
                "log_config": [{"metadata": "INCLUDE_ALL_METADATA"}],
                **rule,
            },
        )
        for name, rule in rules.items()
    ]


def _names(construct: constructs.LandingZone, place: Place, network: Resource) -> list[Resource]:
    found: list[Resource] = []
    for name, domain in DOMAINS.items():
        zone = Resource(
            type="google_dns_managed_zone",
            name=name,
            arguments={
                "project": place.project,
                "name": place.named(name.replace("_", "-")),
                "description": f"{domain} by way of {RESTRICTED}",
                "dns_name": domain,
                "visibility": "private",
                "private_visibility_config": [{"networks": [{"network_url": network.ref("id")}]}],
                "labels": labels(construct),
                "depends_on": ["google_project_service.dns"],
            },
        )
        own = f"restricted.{domain}" if name == "googleapis" else domain
        found += [
            zone,
            _record(place, zone, f"{name}_address", record=(own, "A", ADDRESSES)),
            _record(place, zone, f"{name}_all", record=(f"*.{domain}", "CNAME", (own,))),
        ]
    return found


def _record(place: Place, zone: Resource, name: str, *, record: tuple[str, str, tuple[str, ...]]) -> Resource:
    own, kind, values = record
    return Resource(
        type="google_dns_record_set",
        name=name,
        arguments={
            "project": place.project,
            "managed_zone": zone.ref("name"),
            "name": own,
            "type": kind,
            "ttl": 300,
            "rrdatas": list(values),
        },
    )


def _name_log(place: Place, network: Resource) -> Resource:
    """Every question for a name is logged: questions are a way out that no firewall sees."""
    return Resource(
        type="google_dns_policy",
        name="main",
        arguments={
            "project": place.project,
            "name": place.named(),
            "enable_logging": True,
            "enable_inbound_forwarding": False,
            "networks": [{"network_url": network.ref("id")}],
            "depends_on": ["google_project_service.dns"],
        },
    )
