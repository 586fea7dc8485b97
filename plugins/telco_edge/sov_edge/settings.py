"""What `pilot.yaml` may say of an edge region, under `settings`."""

from __future__ import annotations

from pydantic import ValidationError

from sovplatform.errors import ConfigError
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
        """Raises ConfigError for a setting that there is not, or that cannot be."""
        try:
            return cls.model_validate(dict(spec.settings))
        except ValidationError as err:
            wrong = ", ".join(".".join(map(str, item["loc"])) for item in err.errors())
            remedy = f"use {', '.join(cls.model_fields)}; a site has a name, a jurisdiction such as DE, and a context"
            raise ConfigError(f"region {spec.name}: wrong settings for edge: {wrong}", remedy=remedy) from err
