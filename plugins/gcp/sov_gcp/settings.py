"""What `pilot.yaml` may say of a region on Google Cloud, under `settings`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sov_gcp.locations import default_location
from sov_gcp.terraform_settings import TerraformSettings
from sovplatform.interfaces.settings import Endpoint, read_settings
from sovplatform.records import Record, RegionSpec


class GcpSettings(Record):
    """`project`: its ID or number, needed to use the region. `location`: by default one in the jurisdiction. `keyring`: by
    default PILOT-REGION. `organization`, `folder`: the numbers of what the project must be in, such as an Assured Workloads
    folder. `protection`: of new keys; `seal_protection`: of the Ed25519 ones, which Cloud HSM may not have. `cidr`: the region's
    network. `state_bucket`: where Terraform keeps this region's state. `endpoint`: another address of all services, for tests.
    """

    project: Annotated[
        str,
        Field(
            pattern=r"^([a-z][a-z0-9-]{4,28}[a-z0-9]|\d+)?$",
            description="the project's ID: 6 to 30 lower-case letters, digits and '-'",
        ),
    ] = ""
    location: str = ""
    keyring: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{0,63}$")] = ""
    organization: Annotated[str, Field(pattern=r"^\d*$", description="its number, in quotes")] = ""
    folder: Annotated[str, Field(pattern=r"^\d*$", description="its number, in quotes")] = ""
    protection: Literal["HSM", "HSM_SINGLE_TENANT", "EXTERNAL", "EXTERNAL_VPC"] = "HSM"
    seal_protection: Literal["", "HSM", "HSM_SINGLE_TENANT", "SOFTWARE"] = ""
    cidr: str = ""
    state_bucket: str = ""
    endpoint: Endpoint = ""

    @classmethod
    def of(cls, spec: RegionSpec, pilot: str) -> GcpSettings:
        """With defaults filled in. Raises SettingError for settings that there are not, or that cannot be, of Terraform too."""
        given: GcpSettings = read_settings(spec, cls, TerraformSettings)[0]
        place = {"location": given.location or default_location(spec.jurisdiction)}
        return given.model_copy(update=place | {"keyring": given.keyring or f"{pilot}-{spec.name}"})
