"""What `pilot.yaml` may say of a region on AWS for Terraform alone, beside `AwsSettings`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from sovplatform.interfaces.settings import read_settings
from sovplatform.records import Record, RegionSpec

InstanceType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")]
Service = Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]
Network = Annotated[str, Field(pattern=r"^[0-9.]+/\d+$")]
RoleArn = Annotated[str, Field(pattern=r"^arn:[a-z-]+:iam::\d{12}:(role|user)/\S+$")]


class TerraformSettings(Record):
    """All are optional.

    Where: `zones`, two or three availability zones, first the one that has the GPUs. `state_key`: the alias of the key of
    Terraform's state. Guardrails: `organization_target`, the root, unit or account that a service control policy is attached to,
    beside the permission boundary with the same rules. `operators`: the IAM roles that may change guardrails and audit, and that
    administer the cluster. Network: `operator_ranges` reach the cluster's private API; `services` get private endpoints besides
    those that are needed. Money: `budget`, the amount in the currency that the partition bills in, where that is not the pilot's.
    Nodes: `nodes_run`, their operating system; `serving_instance`; `gpu`, the region's own where it lacks the
    pilot's (`none` for none); `gpus`, the instance types of a GPU that is not in our table.
    `mirror`: where charts and images are; by default the region's own registry. `protect: false` lets keys and cluster
    be destroyed.
    """

    zones: tuple[str, ...] = ()
    state_key: str = Field(pattern=r"^(alias/[A-Za-z0-9/_-]+)?$", default="", description="a key's alias, such as alias/state")
    organization_target: str = Field(
        pattern=r"^(r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|\d{12})?$",
        default="",
        description="the ID of a root (r-…), a unit (ou-…) or an account (12 digits, in quotes)",
    )
    operators: tuple[RoleArn, ...] = Field(default=(), description="ARNs of IAM roles: arn:PARTITION:iam::ACCOUNT:role/NAME")
    operator_ranges: tuple[Network, ...] = Field(default=(), description="networks such as 10.9.0.0/24")
    services: tuple[Service, ...] = ()
    budget: float = Field(ge=0, default=0)
    nodes_run: Literal["bottlerocket", "al2023"] = "bottlerocket"
    serving_instance: InstanceType = Field(default="m6i.2xlarge", description="an instance type such as m6i.2xlarge")
    gpu: str = Field(default="", description="a GPU's family such as L4, or none")
    gpus: Mapping[str, tuple[InstanceType, ...]] = Field(
        default={}, description="instance types by GPU, such as {L4: [g6.xlarge]}"
    )
    mirror: str = Field(
        pattern=r"^((oci|https)://[A-Za-z0-9./:_-]+)?$", default="", description="an address such as oci://registry.example/sov"
    )
    protect: bool = True

    @classmethod
    def of(cls, spec: RegionSpec) -> TerraformSettings:
        """Raises SettingError for a setting of a wrong form; one that there is not is found by `AwsSettings`."""
        own = {name: value for name, value in spec.settings.items() if name in cls.model_fields}
        made: TerraformSettings = read_settings(spec, cls, given=own)[0]
        return made
