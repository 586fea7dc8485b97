"""From a pilot's regions to the places that get infrastructure: sites spelled out, networks apart from each other."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from pydantic import ValidationError

from sovplatform.config.jurisdictions import CODES, remedy_for
from sovplatform.errors import Problem, SettingError
from sovplatform.infrastructure.request import Place
from sovplatform.pilot import Pilot
from sovplatform.records import Record, RegionSpec, Role

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Site(Record):
    """One of many small places of a region, as `settings.sites` lists them; other keys are settings of that site alone."""

    name: str
    jurisdiction: str


def places(pilot: Pilot) -> tuple[Place, ...]:
    """All places of a pilot, in the order of `pilot.yaml`; a region with `sites` is one place for each of them.

    Raises:
        ConfigError: two networks overlap, two places have the same cluster, a range is no network, or a site is no site.
    """
    regions = [place for region in pilot.regions for place in _sites(region)]
    datasets = {
        region.name: {data.name: data.label for data in pilot.datasets if data.region == region.name} for region in regions
    }
    found = [
        Place(region=region, cidr=_range(region, index), datasets=datasets[region.name]) for index, region in enumerate(regions)
    ]
    _refuse_repeated(found)
    _refuse_shared_cluster(found)
    _refuse_overlap(found)
    return tuple(found)


def places_of(pilot: Pilot, name: str) -> frozenset[str]:
    """The places that a name stands for: all sites of a region, or one of them, or a region that is one place.

    Raises:
        ConfigError: a site is no site.
    """
    return frozenset(site.name for region in pilot.regions for site in _sites(region) if name in (region.name, site.name))


def _range(region: RegionSpec, index: int) -> str:
    """The range that the settings give; else one by the region's number, and none for edge sites, whose networks are there."""
    default = "" if region.role is Role.edge else f"10.{index % 256}.0.0/16"
    return str(region.settings.get("cidr") or default)


def _sites(region: RegionSpec) -> Iterator[RegionSpec]:
    sites = region.settings.get("sites")
    if sites is None:
        yield region
        return
    if not isinstance(sites, Sequence) or isinstance(sites, str) or not sites:
        raise SettingError.of(region.name, "sites", "`sites` is no list", remedy="list sites as {name: …, jurisdiction: …}")
    common = {key: value for key, value in region.settings.items() if key != "sites"}
    for index, entry in enumerate(sites):
        own = dict(entry) if isinstance(entry, Mapping) else {}
        code = own.get("jurisdiction")
        if isinstance(code, str) and code not in CODES:
            message = f"the jurisdiction '{code}' of site '{own.get('name')}' does not exist"
            raise SettingError(region.name, [Problem(("sites", index, "jurisdiction"), message, remedy_for(code))])
        try:
            site = Site.model_validate({key: own.pop(key, None) for key in Site.model_fields})
            yield RegionSpec(
                name=f"{region.name}-{site.name}",
                jurisdiction=site.jurisdiction,
                role=region.role,
                provider=region.provider,
                settings={**common, **own},
            )
        except ValidationError as err:
            raise SettingError.of(
                region.name,
                "sites",
                f"the site {entry} is wrong",
                remedy="give each a name of lower-case letters, digits and '-', and the jurisdiction of an ISO 3166-1 country",
            ) from err


def _refuse_repeated(found: Sequence[Place]) -> None:
    seen: set[str] = set()
    for place in found:
        if place.region.name in seen:
            message = f"place {place.region.name} is there twice"
            raise SettingError.of(place.region.name, "name", message, remedy="give each site of a region its own name")
        seen.add(place.region.name)


def _refuse_shared_cluster(found: Sequence[Place]) -> None:
    """What one place's stacks make in a cluster, another's would take away; and a cluster is under one law."""
    seen: dict[tuple[str, str], str] = {}
    for place in found:
        settings = place.region.settings
        if "context" not in settings:
            continue
        cluster = (str(settings.get("kubeconfig", "")), str(settings["context"]))
        if cluster in seen:
            raise SettingError.of(
                place.region.name,
                "context",
                f"places {seen[cluster]} and {place.region.name} have the same cluster, context '{cluster[1]}'",
                remedy="give each place the context of its own cluster",
            )
        seen[cluster] = place.region.name


def _refuse_overlap(found: Sequence[Place]) -> None:
    """Networks may be joined one day; then no two addresses may be the same."""
    said = {place.region.name for place in found if "cidr" in place.region.settings}
    networks = sorted(((_network(place), place.region.name) for place in found if place.cidr), key=lambda pair: _bounds(pair[0]))
    for (first, one), (second, other) in pairwise(networks):
        if _bounds(first)[:1] == _bounds(second)[:1] and _bounds(first)[2] >= _bounds(second)[1]:
            raise SettingError.of(
                other if other in said else one,  # the file shows what somebody wrote, and no default
                "cidr",
                f"the networks of regions {one} ({first}) and {other} ({second}) overlap",
                remedy="give each region a `cidr` of its own under settings",
            )


def _bounds(network: _Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), int(network.broadcast_address)


def _network(place: Place) -> _Network:
    try:
        network = ipaddress.ip_network(place.cidr)
        if network.is_global:
            raise SettingError.of(
                place.region.name,
                "cidr",
                f"the network {network} belongs to somebody on the internet",
                remedy="use a private range (RFC 1918 or RFC 6598), such as 10.3.0.0/16",
            )
        return network
    except ValueError as err:
        raise SettingError.of(
            place.region.name, "cidr", f"'{place.cidr}' is no network", remedy="write a range such as 10.3.0.0/16"
        ) from err
