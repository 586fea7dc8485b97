"""Settings of a region whose cluster is there already, and what follows from them: the connection, and where the state rests."""

from __future__ import annotations

from collections.abc import Collection
from typing import Self

from pydantic import Field, JsonValue

from sovplatform.interfaces.settings import read_settings
from sovplatform.interfaces.stackforms import Backend
from sovplatform.records import Record, RegionSpec

KUBECONFIG = "~/.kube/config"
STATE_NAMESPACE = "sov-state"


class ClusterSettings(Record):
    """`kubeconfig` and `context`: how the cluster is reached; by default the context that has the region's name. `mirror`: where
    charts and images are fetched from, such as `oci://registry.example/sov`. `storage_class`: where volumes rest.
    `state_namespace`: where the Terraform state is a Secret. `serving_nodes`: the machines that serve; `gpu`: what they have.
    `cpus`, `memory`: the most that the pilot's workloads may ask for.
    """

    kubeconfig: str = KUBECONFIG
    context: str = ""
    mirror: str = Field(
        default="", pattern=r"^((oci|https)://[A-Za-z0-9./:_-]+)?$", description="an address such as oci://registry.example/sov"
    )
    storage_class: str = ""
    state_namespace: str = STATE_NAMESPACE
    serving_nodes: tuple[str, ...] = ()
    gpu: str = ""
    cpus: int = Field(default=64, gt=0)
    memory: str = Field(default="256Gi", pattern=r"^\d+(\.\d+)?[KMGT]i?$", description="a size such as 256Gi")

    @classmethod
    def of(cls, spec: RegionSpec, *, others: Collection[str] = ()) -> Self:
        """A region's settings; those named in `others` are read elsewhere.

        Raises:
            SettingError: there is a setting that is none, or is wrong.
        """
        made: Self = read_settings(spec, cls, others=others)[0]
        return made

    def context_of(self, spec: RegionSpec) -> str:
        """The kubeconfig's context of the region."""
        return self.context or spec.name

    def connection(self, spec: RegionSpec) -> dict[str, JsonValue]:
        """How the providers `kubernetes` and `helm` reach the cluster; the kubeconfig keeps its secrets to itself."""
        return {"config_path": self.kubeconfig, "config_context": self.context_of(spec)}

    def backend(self, spec: RegionSpec, stack: str) -> Backend:
        """The state, as a Secret in the region's own cluster, which encrypts it in etcd and locks it by a Lease."""
        place: dict[str, JsonValue] = {
            "secret_suffix": stack,
            "namespace": self.state_namespace,
            "config_path": self.kubeconfig,
            "config_context": self.context_of(spec),
            "in_cluster_config": False,
        }
        return Backend(type="kubernetes", configuration=place)
