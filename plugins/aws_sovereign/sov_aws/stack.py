"""AwsForms: the constructs of a pilot on AWS, with every ARN and endpoint built from the region's partition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from sov_aws.forms.audit import audit_sink
from sov_aws.forms.budget import budget
from sov_aws.forms.cluster import cluster
from sov_aws.forms.guardrails import guardrails
from sov_aws.forms.keys import region_keys
from sov_aws.forms.network import landing_zone
from sov_aws.forms.place import Place
from sov_aws.forms.pools import serving_pool, training_pool
from sov_aws.forms.services import connection, services
from sov_aws.forms.stores import artifact_store, raw_data_store
from sovplatform import constructs
from sovplatform.backends.terraform.forms import maker, reaches_cluster
from sovplatform.backends.terraform.kubernetes import kubernetes_providers
from sovplatform.interfaces.stackforms import Backend, Form, StackForms, TerraformProvider, Wires

PROVIDER_VERSION = ">= 6.29, < 7.0"
"""6.29 is the first that works in the European Sovereign Cloud."""

CLIS = {"aws-eusc": ("1.14", "1.11")}
OTHER_CLIS = ("1.10", "1.10")
"""What Terraform and OpenTofu must be at least: for a lock in S3 itself, and in aws-eusc for an AWS SDK that knows the partition.
So no address is written down there, and none can lead elsewhere."""


class AwsForms(StackForms):
    """See StackForms. A pilot that names no account is planned for 000000000000, which the provider refuses in a real plan."""

    def locations(self) -> Sequence[str]:
        place = self._place()
        return (place.location, *place.zones)

    def providers(self, used: Sequence[str], wires: Wires) -> Sequence[TerraformProvider]:
        place = self._place()
        found: list[TerraformProvider] = []
        if "aws" in used:
            found.append(
                TerraformProvider(
                    name="aws", source="hashicorp/aws", version=PROVIDER_VERSION, configuration=_configuration(place)
                )
            )
        if reaches_cluster(used):
            found += kubernetes_providers(used, connection(wires, place))
        return found

    def backend(self, stack: str) -> Backend:
        """Bucket and key are made before anything else, by hand: docs/infrastructure/aws.md says how."""
        place = self._place()
        key = place.arn("kms", place.terraform.state_key or place.alias("state"))
        configuration: dict[str, JsonValue] = {
            "bucket": place.settings.state_bucket or place.bucket("state"),
            "key": f"{stack}.tfstate",
            "region": place.location,
            "encrypt": True,
            "kms_key_id": key,
            "use_lockfile": True,
            "allowed_account_ids": [place.account],
        }
        if place.settings.profile:
            configuration["profile"] = place.settings.profile
        terraform, opentofu = CLIS.get(place.partition, OTHER_CLIS)
        return Backend(type="s3", configuration=configuration, terraform=terraform, opentofu=opentofu)

    def form(self, construct: constructs.Construct, wires: Wires) -> Form:
        make = maker(_FORMS, construct, otherwise="AWS has no form for it yet")
        return make(construct, wires, self._place())

    def _place(self) -> Place:
        return Place.of(self.pilot, self.region)


def _configuration(place: Place) -> dict[str, JsonValue]:
    configuration: dict[str, JsonValue] = {"region": place.location, "allowed_account_ids": [place.account]}
    if place.settings.profile:
        configuration["profile"] = place.settings.profile
    return configuration


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
