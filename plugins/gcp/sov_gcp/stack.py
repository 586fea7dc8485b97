"""GcpForms: the constructs of a pilot on Google Cloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from sov_gcp.forms.audit import audit_sink
from sov_gcp.forms.budget import budget
from sov_gcp.forms.cluster import cluster
from sov_gcp.forms.guardrails import guardrails
from sov_gcp.forms.keys import region_keys
from sov_gcp.forms.network import landing_zone
from sov_gcp.forms.place import Place
from sov_gcp.forms.pools import serving_pool, training_pool
from sov_gcp.forms.services import connection, services
from sov_gcp.forms.stores import artifact_store, raw_data_store
from sovplatform import constructs
from sovplatform.backends.terraform.forms import maker, reaches_cluster
from sovplatform.backends.terraform.kubernetes import kubernetes_providers
from sovplatform.interfaces.stackforms import Backend, Form, StackForms, TerraformProvider, Wires

PROVIDER_VERSION = "~> 8.0"


class GcpForms(StackForms):
    """See StackForms. A pilot that names no project is planned for a project called `project`, which nobody has."""

    def locations(self) -> Sequence[str]:
        place = self._place()
        return (place.location, *place.zones)

    def providers(self, used: Sequence[str], wires: Wires) -> Sequence[TerraformProvider]:
        place = self._place()
        found: list[TerraformProvider] = []
        if "google" in used:
            own = {"project": place.project, "region": place.location, "billing_project": place.project}
            configuration: dict[str, JsonValue] = {**own, "user_project_override": True}
            found.append(
                TerraformProvider(name="google", source="hashicorp/google", version=PROVIDER_VERSION, configuration=configuration)
            )
        if reaches_cluster(used):
            found += kubernetes_providers(used, connection(wires))
        return found

    def backend(self, stack: str) -> Backend:
        """Bucket and key are made before anything else, by hand: docs/infrastructure/gcp.md says how."""
        place = self._place()
        ring = f"projects/{place.project}/locations/{place.location}/keyRings/{place.named('state', limit=63)}"
        return Backend(
            type="gcs",
            configuration={
                "bucket": place.settings.state_bucket or place.bucket("state"),
                "prefix": stack,
                "kms_encryption_key": place.terraform.state_key or f"{ring}/cryptoKeys/state",
            },
        )

    def form(self, construct: constructs.Construct, wires: Wires) -> Form:
        make = maker(_FORMS, construct, otherwise="Google Cloud has no form for it yet")
        return make(construct, wires, self._place())

    def _place(self) -> Place:
        return Place.of(self.pilot, self.region)


_FORMS: Mapping[type[constructs.Construct], Callable[..., Form]] = {
    constructs.Guardrails: guardrails,
    constructs.LandingZone: landing_zone,
    constructs.Budget: budget,
    constructs.RegionKeys: region_keys,
    constructs.AuditSink: audit_sink,
    constructs.RawDataStore: raw_data_store,
    constructs.ArtifactStore: artifact_store,
    constructs.Cluster: cluster,
    constructs.TrainingPool: training_pool,
    constructs.ServingPool: serving_pool,
    constructs.PlatformServices: services,
}
