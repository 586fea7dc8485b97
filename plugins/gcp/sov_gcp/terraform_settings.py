"""What `pilot.yaml` may say of a region on Google Cloud besides, under `settings`, for Terraform alone."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from sovplatform.interfaces.settings import read_settings
from sovplatform.records import Record, RegionSpec


class TerraformSettings(Record):
    """All are optional; what else there is, such as `project` and `location`, is in GcpSettings.

    State: `state_key`, the full name of the key that encrypts it.
    Keys: with protection EXTERNAL, `external_keys` gives each key's URI by its name, with EXTERNAL_VPC its path; `key_backend` is
    the full name of the EKM connection then, and with HSM_SINGLE_TENANT that of the instance.
    Guardrails: with `organization` there is an Assured Workloads folder, below the folder `workload_parent`, by `regime` and
    `partner`; `access_policy` (its number) makes a VPC Service Controls perimeter, into which `operators` (`user:…`,
    `serviceAccount:…`) may reach.
    Money: `billing_account`. Cluster: `operator_ranges` (networks that reach its private API), `binary_authorization`,
    `security_group` (Google Groups for RBAC), `mirror` (where charts and images are; by default the region's own registry).
    `gpu`: the region's own where it lacks the pilot's (`none` for none).
    `protect: false` lets keys and cluster be destroyed.
    """

    state_key: str = ""
    external_keys: Mapping[str, str] = {}
    key_backend: str = ""
    workload_parent: str = Field(pattern=r"^[0-9]*$", default="", description="the folder's number, in quotes")
    regime: str = ""
    partner: str = ""
    access_policy: str = Field(pattern=r"^[0-9]*$", default="", description="its number, in quotes")
    operators: tuple[str, ...] = ()
    billing_account: str = Field(
        pattern=r"^([0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6})?$", default="", description="it as 012345-6789AB-CDEF01"
    )
    operator_ranges: tuple[str, ...] = ()
    binary_authorization: bool = True
    security_group: str = ""
    mirror: str = ""
    gpu: str = Field(default="", description="a GPU's family such as L4, or none")
    protect: bool = True

    @classmethod
    def of(cls, spec: RegionSpec) -> TerraformSettings:
        """Raises SettingError for one of a wrong form."""
        own = {name: value for name, value in spec.settings.items() if name in cls.model_fields}
        made: TerraformSettings = read_settings(spec, cls, given=own)[0]
        return made
