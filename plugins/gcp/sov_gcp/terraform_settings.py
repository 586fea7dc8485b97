"""What `pilot.yaml` may say of a Google Cloud region, under `settings`, as far as Terraform needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationError

from sovplatform.errors import ConfigError
from sovplatform.records import Record, RegionSpec

Protection = Literal["HSM", "EXTERNAL", "EXTERNAL_VPC"]
NOT_OURS = frozenset({"cidr", "endpoint"})
"""Settings of a region that are read elsewhere: by the places of a pilot and by the region's services."""


class TerraformSettings(Record):
    """All are optional; without `project` a pilot can be planned offline, not applied.

    Where: `project`, `location`, `state_bucket` and `state_key` (a key's full name) for Terraform's state.
    Keys: `keyring`; `protection` of keys, `seal_protection` of Ed25519 keys if another; with EXTERNAL `external_keys` (URI by
    name), with EXTERNAL_VPC those are key paths and `ekm_connection` is the connection's full name.
    Guardrails: `organization` (its number) for an Assured Workloads folder, below `folder` if set, by `regime` and `partner`;
    `access_policy` (its number) for a VPC Service Controls perimeter, into which `operators` (`user:…`, `serviceAccount:…`)
    may reach.
    Money: `billing_account`. Cluster: `operator_ranges` (networks that reach its private API), `binary_authorization`,
    `security_group` (Google Groups for RBAC), `mirror` (where charts and images are; by default the region's own registry).
    `protect: false` lets keys and cluster be destroyed.
    """

    project: str = Field(pattern=r"^([a-z][a-z0-9-]{4,28}[a-z0-9])?$", default="")
    location: str = ""
    state_bucket: str = ""
    state_key: str = ""
    keyring: str = Field(pattern=r"^[A-Za-z0-9_-]{0,63}$", default="")
    protection: Protection = "HSM"
    seal_protection: Literal["", "HSM", "SOFTWARE"] = ""
    external_keys: Mapping[str, str] = {}
    ekm_connection: str = ""
    organization: str = Field(pattern=r"^[0-9]*$", default="")
    folder: str = Field(pattern=r"^[0-9]*$", default="")
    regime: str = ""
    partner: str = ""
    access_policy: str = Field(pattern=r"^[0-9]*$", default="")
    operators: tuple[str, ...] = ()
    billing_account: str = Field(pattern=r"^([0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6})?$", default="")
    operator_ranges: tuple[str, ...] = ()
    binary_authorization: bool = True
    security_group: str = ""
    mirror: str = ""
    protect: bool = True

    @classmethod
    def of(cls, spec: RegionSpec) -> TerraformSettings:
        """Raises ConfigError for a setting that there is not, or one of a wrong form."""
        try:
            return cls.model_validate({name: value for name, value in spec.settings.items() if name not in NOT_OURS})
        except ValidationError as err:
            wrong = ", ".join(sorted({".".join(map(str, item["loc"])) for item in err.errors()}))
            known = ", ".join(sorted({*cls.model_fields, *NOT_OURS}))
            raise ConfigError(f"region {spec.name}: wrong settings for gcp: {wrong}", remedy=f"use {known}") from err
