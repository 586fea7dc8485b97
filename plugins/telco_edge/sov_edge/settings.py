"""What `pilot.yaml` may say of an edge region, under `settings`."""

from __future__ import annotations

from sov_edge.terraform_settings import EdgeSettings as ClusterSettings
from sovplatform.backends.region_settings import read_settings
from sovplatform.records import Jurisdiction, Name, Record, RegionSpec


class Site(Record):
    """One small cluster (k3s): its name, where it is, and which context of the kubeconfig leads there."""

    name: Name
    jurisdiction: Jurisdiction
    context: str


class EdgeSettings(Record):
    """`sites`: a list of `{name, jurisdiction, context}`. `kubeconfig`: the file with all their contexts."""

    sites: tuple[Site, ...] = ()
    kubeconfig: str = "~/.kube/config"

    @classmethod
    def of(cls, spec: RegionSpec) -> EdgeSettings:
        """A region's sites, or the one that the region is: infrastructure is planned for one site at a time.

        What only the clusters' Terraform reads is left to that. Raises ConfigError for a setting that there is not, or cannot be.
        """
        own = {name: value for name, value in spec.settings.items() if name in cls.model_fields or not _of_the_cluster(name)}
        if "sites" not in own:
            context = spec.settings.get("context") or spec.name
            own["sites"] = [{"name": spec.name, "jurisdiction": spec.jurisdiction, "context": context}]
        remedy = f"use {', '.join(cls.model_fields)}; a site has a name, a jurisdiction such as DE, and a context"
        return read_settings(cls, spec, own, remedy=remedy)


def _of_the_cluster(name: str) -> bool:
    return name in ClusterSettings.model_fields
