"""What `pilot.yaml` may say of edge sites, for all of them or for each."""

from __future__ import annotations

from pydantic import Field

from sovplatform.backends.terraform.settings import ClusterSettings


class EdgeSettings(ClusterSettings):
    """`spire_server`: who vouches for the site's processes, as a host name. `metrics_url`: where its metrics are forwarded to.
    `cidr`: the range of the site's network, which is there already; with it, that no other place has the same is checked.
    """

    cidr: str = ""
    spire_server: str = ""
    metrics_url: str = ""
    cpus: int = Field(default=8, gt=0)
    memory: str = Field(default="16Gi", pattern=r"^\d+(\.\d+)?[KMGT]i?$")
