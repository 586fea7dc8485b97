"""EdgeForms: a site that serves. `places` has made one region of each site, so there is nothing here about many."""

from __future__ import annotations

from collections.abc import Sequence

from sov_edge.terraform_settings import EdgeSettings
from sovplatform import constructs
from sovplatform.backends.terraform.admission import guardrails
from sovplatform.backends.terraform.kubernetes import kubernetes_providers, platform_services
from sovplatform.backends.terraform.workloads import pool, serving_budget, workload_namespace
from sovplatform.errors import ConfigError, Unsupported
from sovplatform.interfaces.settings import no_gpu
from sovplatform.interfaces.stackforms import Backend, Form, StackForms, TerraformProvider, Wires
from sovplatform.records import RegionSpec, Role

PRIORITY = 100_000


class EdgeForms(StackForms):
    """See StackForms."""

    def __init__(self, region: RegionSpec, pilot: str) -> None:
        super().__init__(region, pilot)
        if region.role is not Role.edge:
            raise ConfigError(
                f"region {region.name} has the role {region.role}, but edge sites only serve",
                remedy="give it `role: edge`, or another provider",
            )
        self.settings = EdgeSettings.of(region)

    def locations(self) -> Sequence[str]:
        return (self.settings.context_of(self.region),)

    def providers(self, used: Sequence[str], wires: Wires) -> Sequence[TerraformProvider]:
        return kubernetes_providers(used, self.settings.connection(self.region))

    def backend(self, stack: str) -> Backend:
        return self.settings.backend(self.region, stack)

    def form(self, construct: constructs.Construct, wires: Wires) -> Form:
        match construct:
            case constructs.Guardrails():
                return guardrails(construct, mirror=self.settings.mirror)
            case constructs.ServingPool():
                return self._serving_pool(construct)
            case constructs.PlatformServices():
                return platform_services(construct, mirror=self.settings.mirror, storage_class=self.settings.storage_class)
        raise Unsupported(construct.title, reason="an edge site serves, and nothing else")

    def _serving_pool(self, construct: constructs.ServingPool) -> Form:
        """The namespace with a quota of the site's size, what is kept standing, and which machines serve (by default, all)."""
        gpu, has = construct.gpu, self.settings.gpu
        if gpu and gpu.lower() != has.lower():
            message = f"the site has no GPU '{gpu}': its settings say {has or 'none'}"
            remedy = "set infrastructure.serving.gpu to what the sites have, or `gpu` in their settings"
            raise no_gpu(self.region.name, "serving", gpu, message, there=[has] if has else [], remedy=remedy)
        namespace, *others = workload_namespace(construct, self.settings, gpus=construct.nodes_max if construct.gpu else 0)
        made = pool(construct, "serving", self.settings.serving_nodes, gpu=construct.gpu, priority=PRIORITY)
        return Form(resources=(namespace, *others, *made, serving_budget(construct, namespace.ref("metadata[0].name"))))
