"""What `pilot.yaml` may say of an on-prem region besides: the cluster and the machines that Terraform is to use."""

from __future__ import annotations

from pydantic import Field

from sovplatform.backends.terraform.settings import ClusterSettings


class OnPremClusterSettings(ClusterSettings):
    """`cidr`: the network's range. `training_nodes`: the machines that train, `gpu` being what they have, `gpus` how many in all.
    `raw_volume`: the size of the volume for raw data. `artifact_store`: an S3 store of yours with object lock, as a URI.
    `vault_audit_file`: where HashiCorp Vault writes its audit log.
    """

    cidr: str = ""
    training_nodes: tuple[str, ...] = ()
    gpus: int = Field(default=0, ge=0)
    raw_volume: str = Field(default="500Gi", pattern=r"^\d+[KMGT]i?$", description="a size such as 500Gi")
    artifact_store: str = ""
    vault_audit_file: str = ""
