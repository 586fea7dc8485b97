"""What `pilot.yaml` may say of an edge region, under `settings`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from sov_edge.terraform_settings import EdgeSettings as ClusterSettings
from sovplatform.interfaces.settings import read_settings
from sovplatform.records import Jurisdiction, Name, Record, RegionSpec


class Site(Record):
    """One small cluster (k3s): its name, where it is, and which context of the kubeconfig leads there."""

    name: Name
    jurisdiction: Jurisdiction
    context: str


class EdgeSettings(Record):
    """`sites`: a list of `{name, jurisdiction, context}`, with what of the clusters' settings is a site's own.
    `kubeconfig`: the file with all their contexts.
    """

    sites: tuple[Site, ...] = ()
    kubeconfig: str = "~/.kube/config"

    @classmethod
    def of(cls, spec: RegionSpec) -> EdgeSettings:
        """A region's sites, or the one that the region is: infrastructure is planned for one site at a time.

        What only the clusters' Terraform reads is left to that. Raises SettingError for settings that are unknown or wrong.
        """
        given = dict(spec.settings)
        if "sites" not in given:
            context = given.get("context") or spec.name
            given["sites"] = [{"name": spec.name, "jurisdiction": spec.jurisdiction, "context": context}]
        if isinstance(given["sites"], list | tuple):
            given["sites"] = [_without_terraforms(site) for site in given["sites"]]
        made: EdgeSettings = read_settings(spec, cls, others=ClusterSettings.model_fields, given=given)[0]
        return made


def _without_terraforms(site: JsonValue) -> JsonValue:
    """A site may have settings of its own, which are for its Terraform."""
    if not isinstance(site, Mapping):
        return site
    return {name: value for name, value in site.items() if name in Site.model_fields or name not in ClusterSettings.model_fields}
