"""Acme's machines run Kubernetes already. Terraform says what may run on them, and installs the platform's services.

It runs in the synthesis process: it reads no file, asks nobody, and follows from the region's settings alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from sovplatform import constructs
from sovplatform.backends.terraform.admission import guardrails
from sovplatform.backends.terraform.kubernetes import kubernetes_providers, platform_services, walled_namespace
from sovplatform.errors import Unsupported
from sovplatform.interfaces.stackforms import Backend, Form, Output, Resource, StackForms, TerraformProvider, Wires

REASONS = {
    constructs.Budget: "acme sends a bill once a year",
    constructs.RegionKeys: "keys are in acme's own files",
    constructs.AuditSink: "acme keeps no audit trail",
    constructs.RawDataStore: "raw data stays in the bank's own store",
    constructs.ArtifactStore: "acme has no store that locks what is in it",
    constructs.TrainingPool: "acme has no GPUs",
    constructs.ServingPool: "acme does not serve",
}


class AcmeForms(StackForms):
    """See StackForms. What is not made says why, and `sovctl synth` lists it."""

    def locations(self) -> Sequence[str]:
        """The one place of the region: the context of its cluster, which the providers below have to name."""
        return (f"acme-{self.region.name}",)

    def providers(self, used: Sequence[str], wires: Wires) -> Sequence[TerraformProvider]:
        return kubernetes_providers(used, self._connection())

    def backend(self, stack: str) -> Backend:
        place: dict[str, JsonValue] = {"namespace": "sov-state", "secret_suffix": stack, "in_cluster_config": False}
        return Backend(type="kubernetes", configuration={**self._connection(), **place})

    def form(self, construct: constructs.Construct, wires: Wires) -> Form:
        match construct:
            case constructs.Guardrails():
                return guardrails(construct)
            case constructs.LandingZone():
                return self._landing_zone(construct)
            case constructs.Cluster():
                return self._cluster()
            case constructs.PlatformServices():
                return platform_services(construct)
        raise Unsupported(construct.title, reason=REASONS.get(type(construct), "acme has no form of it"))

    def _landing_zone(self, construct: constructs.LandingZone) -> Form:
        """A namespace with its walls and a quota. Each output has an example, to plan with before it exists."""
        name = f"sov-{construct.pilot}"
        namespace, *walls = walled_namespace(name, construct.labels)
        metadata: JsonValue = {"name": "pilot", "namespace": namespace.ref("metadata[0].name"), "labels": dict(construct.labels)}
        quota = Resource(
            type="kubernetes_resource_quota_v1",
            name="pilot",
            arguments={"metadata": [metadata], "spec": [{"hard": {"services.loadbalancers": "0", "services.nodeports": "0"}}]},
        )
        network: dict[str, Output] = {
            "network.id": Output(value=namespace.ref("metadata[0].name"), example=name),
            "network.subnets": Output(value=[construct.cidr], example=[construct.cidr]),
        }
        return Form(resources=(namespace, *walls, quota), outputs=network)

    def _cluster(self) -> Form:
        """It is there: nothing is made, and what others ask of a cluster is in the kubeconfig."""
        values = {"cluster.name": self.locations()[0], "cluster.endpoint": "", "cluster.ca": ""}
        return Form(outputs={name: Output(value=value, example=value) for name, value in values.items()})

    def _connection(self) -> dict[str, JsonValue]:
        return {"config_path": "~/.kube/config", "config_context": self.locations()[0]}
