"""Regions: what they are, what others must know to believe them, and how they are."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import JsonValue

from sovplatform.records.record import Jurisdiction, Name, Record


class Role(StrEnum):
    """What a region is for: `sovereign` holds raw data, `global` trains, `edge` serves only."""

    sovereign = "sovereign"
    global_ = "global"
    edge = "edge"


class RegionSpec(Record):
    """A place with a jurisdiction (ISO 3166-1 alpha-2), a role and the provider that makes it."""

    name: Name
    jurisdiction: Jurisdiction
    role: Role
    provider: str
    settings: Mapping[str, JsonValue] = {}


class RegionTrust(Record):
    """What others must know to believe a region: its trust domain, CA certificates and public keys (PEM)."""

    region: Name
    jurisdiction: Jurisdiction
    role: Role
    trust_domain: str
    bundle: str
    jwt_keys: Mapping[str, str] = {}
    keys: Mapping[str, str]
    channel: str = ""


class Trust(Record):
    """The pinned trust of a whole pilot. Every region holds its own copy, delivered when it was provisioned."""

    pilot: Name
    regions: Mapping[str, RegionTrust]


class RegionStatus(Record):
    """How a region is: is it up, where its services answer, and what is wrong."""

    region: Name
    up: bool
    endpoints: Mapping[str, str] = {}
    problems: tuple[str, ...] = ()


class Finding(Record):
    """One thing that a check looked at: what, whether it holds, and what to do when not.

    `setting` is the one of the region's settings that is missing or wrong, when that is what the finding is about.
    """

    check: str
    ok: bool
    detail: str = ""
    remedy: str = ""
    setting: str = ""
