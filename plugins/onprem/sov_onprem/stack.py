"""OnPremForms: the constructs of a pilot in a cluster and a Vault of your own.

The machines, their network and the cluster are there already; Terraform says what may run on them, where, and with which keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from sov_onprem.settings import OnPremSettings
from sov_onprem.terraform_settings import OnPremClusterSettings
from sovplatform import constructs
from sovplatform.backends.terraform.admission import guardrails
from sovplatform.backends.terraform.forms import maker
from sovplatform.backends.terraform.kubernetes import kubernetes_providers, platform_services
from sovplatform.backends.terraform.vault import audit_device, region_keys, vault_provider
from sovplatform.backends.terraform.workloads import pool, serving_budget, workload_namespace
from sovplatform.errors import Unsupported
from sovplatform.interfaces.settings import no_gpu
from sovplatform.interfaces.stackforms import Backend, Form, Output, Resource, StackForms, TerraformProvider, Wires
from sovplatform.records import RegionSpec

PRIORITIES = {"serving": 100_000, "training": 10_000}
"""What answers people goes before what learns."""


class OnPremForms(StackForms):
    """See StackForms."""

    def __init__(self, region: RegionSpec, pilot: str) -> None:
        super().__init__(region, pilot)
        self.settings = OnPremClusterSettings.of(region, others=OnPremSettings.model_fields)
        self.services = OnPremSettings.of(region)

    def locations(self) -> Sequence[str]:
        return (self.settings.context_of(self.region),)

    def providers(self, used: Sequence[str], wires: Wires) -> Sequence[TerraformProvider]:
        found = kubernetes_providers(used, self.settings.connection(self.region))
        if "vault" in used:
            address = self.services.vault or f"https://vault.{self.region.name}.invalid:8200"  # a name that never resolves
            found.append(vault_provider(address, self.services.vault_ca))
        return found

    def backend(self, stack: str) -> Backend:
        return self.settings.backend(self.region, stack)

    def form(self, construct: constructs.Construct, wires: Wires) -> Form:
        return maker(_FORMS, construct, otherwise="there is no on-prem form of it")(self, construct, wires)

    def _guardrails(self, construct: constructs.Guardrails, wires: Wires) -> Form:
        return guardrails(construct, mirror=self.settings.mirror)

    def _landing_zone(self, construct: constructs.LandingZone, wires: Wires) -> Form:
        namespace, *others = workload_namespace(construct, self.settings, gpus=self.settings.gpus)
        return Form(
            resources=(namespace, *others),
            outputs={
                "network.id": Output(value=namespace.ref("metadata[0].name"), example=f"sov-{construct.pilot}"),
                "network.subnets": Output(value=[construct.cidr], example=[construct.cidr]),
            },
        )

    def _budget(self, construct: constructs.Budget, wires: Wires) -> Form:
        raise Unsupported(construct.title, reason="machines of your own send no bill that could be watched")

    def _region_keys(self, construct: constructs.RegionKeys, wires: Wires) -> Form:
        return region_keys(construct, self.services.namespace or self.region.name)

    def _audit_sink(self, construct: constructs.AuditSink, wires: Wires) -> Form:
        if not self.settings.vault_audit_file:
            reason = (
                "OpenBao and the API server name their audit logs in their own configuration; for Vault, set vault_audit_file"
            )
            raise Unsupported(construct.title, reason=reason)
        return audit_device(construct, self.settings.vault_audit_file)

    def _raw_data_store(self, construct: constructs.RawDataStore, wires: Wires) -> Form:
        """A volume for the node's store, which encrypts each file and keeps all versions."""
        namespace = wires["network.id"]
        claim: dict[str, JsonValue] = {"access_modes": ["ReadWriteOnce"], "resources": [{"requests": self._size()}]}
        if self.settings.storage_class:
            claim["storage_class_name"] = self.settings.storage_class
        arguments: dict[str, JsonValue] = {
            "metadata": [{"name": "raw-data", "namespace": namespace, "labels": dict(construct.labels)}],
            "spec": [claim],
            "wait_until_bound": False,
            "lifecycle": {"prevent_destroy": True},
        }
        volume = Resource(type="kubernetes_persistent_volume_claim_v1", name="raw_data", arguments=arguments)
        store = Output(value=volume.ref("metadata[0].name"), example="raw-data")
        return Form(resources=(volume,), outputs={"raw.store": store})

    def _size(self) -> JsonValue:
        return {"storage": self.settings.raw_volume}

    def _cluster(self, construct: constructs.Cluster, wires: Wires) -> Form:
        """Nothing to make: what others ask of a cluster is in the kubeconfig, and so is what its name stands for."""
        values = {"cluster.name": self.settings.context_of(self.region), "cluster.endpoint": "", "cluster.ca": ""}
        return Form(outputs={name: Output(value=value, example=value) for name, value in values.items()})

    def _artifact_store(self, construct: constructs.ArtifactStore, wires: Wires) -> Form:
        if not self.settings.artifact_store:
            reason = "a volume cannot lock what is in it; bring an S3 store with object lock, and set artifact_store"
            raise Unsupported(construct.title, reason=reason)
        store = self.settings.artifact_store
        return Form(outputs={"artifacts.store": Output(value=store, example=store)})

    def _training_pool(self, construct: constructs.TrainingPool, wires: Wires) -> Form:
        """`spot` makes no difference: nobody takes your own machines away."""
        nodes = self.settings.training_nodes
        if not nodes:
            raise Unsupported(construct.title, reason="the settings name no machines: set training_nodes and gpu")
        self._check_gpu(construct.gpu, "training")
        made = pool(construct, "training", nodes, gpu=construct.gpu, priority=PRIORITIES["training"])
        return Form(resources=tuple(made))

    def _serving_pool(self, construct: constructs.ServingPool, wires: Wires) -> Form:
        if construct.gpu:
            self._check_gpu(construct.gpu, "serving")
        nodes = self.settings.serving_nodes
        made = pool(construct, "serving", nodes, gpu=construct.gpu, priority=PRIORITIES["serving"])
        return Form(resources=(*made, serving_budget(construct, str(wires["network.id"]))))

    def _check_gpu(self, gpu: str, what: str) -> None:
        has = self.settings.gpu
        if gpu.lower() != has.lower():
            message = f"it has no GPU '{gpu}': its settings say {has or 'none'}"
            remedy = f"set infrastructure.{what}.gpu to what it has, or `gpu` in the region's settings"
            raise no_gpu(self.region.name, what, gpu, message, there=[has] if has else [], remedy=remedy)

    def _platform_services(self, construct: constructs.PlatformServices, wires: Wires) -> Form:
        """OpenBao is left out where the settings name a server: the region's keys are there already."""
        charts = tuple(chart for chart in construct.charts if not (self.services.vault and chart.name == "openbao"))
        reduced = construct.model_copy(update={"charts": charts})
        return platform_services(reduced, mirror=self.settings.mirror, storage_class=self.settings.storage_class)


_FORMS: Mapping[type[constructs.Construct], Callable[..., Form]] = {
    constructs.Guardrails: OnPremForms._guardrails,
    constructs.LandingZone: OnPremForms._landing_zone,
    constructs.Budget: OnPremForms._budget,
    constructs.RegionKeys: OnPremForms._region_keys,
    constructs.AuditSink: OnPremForms._audit_sink,
    constructs.RawDataStore: OnPremForms._raw_data_store,
    constructs.Cluster: OnPremForms._cluster,
    constructs.ArtifactStore: OnPremForms._artifact_store,
    constructs.TrainingPool: OnPremForms._training_pool,
    constructs.ServingPool: OnPremForms._serving_pool,
    constructs.PlatformServices: OnPremForms._platform_services,
}
