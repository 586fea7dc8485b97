"""What every resource on Google Cloud must be, whatever the construct."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from fixtures.sites import Site, of_type, stack, walk
from sov_gcp.settings import GcpSettings
from sov_gcp.terraform_settings import TerraformSettings

from plugins.gcp.tests.conftest import FULL, MakeSite
from sovplatform import constructs
from sovplatform.errors import ConfigError, Unsupported
from sovplatform.infrastructure import schema
from sovplatform.interfaces.stackforms import Resource

EXTERNAL = {
    "protection": "EXTERNAL",
    "seal_protection": "SOFTWARE",
    "external_keys": {"data": "https://ekm.example/v0/data", "models": "https://ekm.example/v0/models"},
}
REGIONS: list[dict[str, Any]] = [{}, FULL, EXTERNAL, {"jurisdiction": "US", "role": "global", "name": "us"}]
UNLABELLED = {
    "google_access_context_manager_service_perimeter",
    "google_artifact_registry_repository_iam_member",
    "google_billing_budget",
    "google_container_node_pool",  # its nodes are, by resource_labels
    "google_dns_policy",
    "google_dns_record_set",
    "google_kms_crypto_key_iam_member",
    "google_kms_crypto_key_version",
    "google_kms_key_ring",
    "google_logging_project_bucket_config",
    "google_logging_project_exclusion",
    "google_logging_project_sink",
    "google_org_policy_policy",
    "google_project_iam_audit_config",
    "google_project_iam_member",
    "google_project_service",
    "google_service_account",
    "google_storage_bucket_iam_member",
}
"""What Google gives no labels, and what is no place where anything rests."""


@pytest.mark.parametrize("region", REGIONS)
def test_every_resource_keeps_to_the_schema_of_its_provider(site: MakeSite, region: dict[str, Any]) -> None:
    for _, made in site(**region).weeks():
        assert schema.check(stack(made)) == []


@pytest.mark.parametrize("region", REGIONS)
def test_every_reference_is_to_something_in_the_same_week(site: MakeSite, region: dict[str, Any]) -> None:
    for week, made in site(**region).weeks():
        there = {one.address for one in made}
        text = json.dumps([dict(one.arguments) for one in made])
        wanted = set(re.findall(r"\$\{((?:data\.)?(?:google|kubernetes)_\w+\.\w+)", text))
        for one in made:
            wanted |= {str(it) for it in one.arguments.get("depends_on", ())}  # type: ignore[union-attr]
        assert wanted - there == set(), f"week {week}"


@pytest.mark.parametrize("region", REGIONS)
def test_nothing_is_outside_of_the_locations(site: MakeSite, region: dict[str, Any]) -> None:
    one = site(**region)
    names = {"location", "region", "zone", "node_locations", "allowed_persistence_regions"}
    found = {value for it in one.everything for name, value in walk(dict(it.arguments)) if name in names}
    assert found
    assert found <= set(one.forms.locations())


def test_everything_that_can_carry_labels_does(site: MakeSite) -> None:
    for one in site(**FULL).everything:
        if one.data or one.type in UNLABELLED or one.type.startswith(("helm_", "kubernetes_")):
            continue
        arguments = dict(one.arguments)
        carried = arguments.get("resource_labels") or arguments.get("user_labels") or arguments.get("labels")
        text = json.dumps(carried or arguments.get("description", ""))
        assert "sov-pilot" in text, one.address
        assert "sov-jurisdiction" in text, one.address


def test_every_type_is_in_the_documentation(site: MakeSite) -> None:
    text = (Path(__file__).parents[3] / "docs/infrastructure/gcp.md").read_text()
    made = {one.type for region in REGIONS for one in site(**region).everything}
    assert {kind for kind in made if f"`{kind}`" not in text} == set()
    listed = set(re.findall(r"`(google_\w+)`", text))
    assert listed - made == set()


def test_every_setting_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[3] / "docs/infrastructure/gcp.md").read_text()
    fields = {*GcpSettings.model_fields, *TerraformSettings.model_fields} - {"endpoint"}  # that one is for tests
    assert {name for name in fields if f"`{name}`" not in text} == set()


def test_labels_keep_to_googles_rules(site: MakeSite) -> None:
    one = site()
    common = {**one.common, "labels": {"Sov.Pilot": "A b.C" + "x" * 80}}
    form = one.forms.form(constructs.ArtifactStore(**common), {"keys.data": "${var.keys_data}"})
    labels = of_type(form.resources, "google_storage_bucket")["artifacts"]["labels"]
    assert labels["sov-pilot"].startswith("a-b-cx")
    assert all(re.fullmatch(r"[a-z0-9_-]{1,63}", text) for pair in labels.items() for text in pair)


@pytest.mark.parametrize("region", REGIONS)
def test_all_that_is_encrypted_is_so_with_the_regions_key(site: MakeSite, region: dict[str, Any]) -> None:
    keys = {"kms_key_name", "default_kms_key_name", "boot_disk_kms_key", "key_name", "disk-encryption-kms-key"}
    found = {(one.type, value) for one in site(**region).everything for name, value in walk(dict(one.arguments)) if name in keys}
    assert {kind for kind, _ in found} == {
        "google_artifact_registry_repository",
        "google_container_cluster",
        "google_container_node_pool",
        "google_logging_project_bucket_config",
        "google_pubsub_topic",
        "google_storage_bucket",
        "kubernetes_storage_class_v1",
    }
    assert {value for _, value in found} == {"${google_kms_crypto_key.data.id}", "${var.keys_data}"}


def test_no_address_no_router_and_no_peering_is_made(site: MakeSite) -> None:
    made = {one.type for one in site(**FULL).everything}
    assert not {kind for kind in made if "router" in kind or "address" in kind or "peering" in kind or "gateway" in kind}


def test_long_names_stay_within_googles_limits_and_apart(site: MakeSite) -> None:
    pilot = "a-pilot-with-a-name-that-is-as-long-as-a-name-may-ever-be-12345"
    both = [site(pilot=pilot, name=f"{'long-' * 9}{end}", keyring=end, **FULL) for end in ("one", "two")]
    names = [{value for it in one.everything for key, value in _names(it)} for one in both]
    assert names[0].isdisjoint(names[1])
    for one in both:
        for resource in one.everything:
            limit = {"google_service_account": 30, "google_container_cluster": 40}.get(resource.type, 63)
            for key, value in _names(resource):
                assert len(value) <= limit, (resource.type, key, value)


def _names(resource: Resource) -> Iterator[tuple[str, str]]:
    inside = (
        "google_org_policy",
        "google_container_node_pool",
        "google_kms_crypto_key",
        "google_dns_record",
        "google_access",
        "helm",
    )
    if not resource.type.startswith(inside):
        for key in ("name", "account_id", "repository_id", "bucket_id"):
            value = resource.arguments.get(key)
            if isinstance(value, str):
                yield key, value


def test_a_location_of_the_jurisdiction_is_chosen_or_taken_from_the_settings(site: MakeSite) -> None:
    assert site().forms.locations()[0] == "europe-west3"
    assert site(location="europe-west10").forms.locations()[0] == "europe-west10"
    assert "us-central1-f" in site(jurisdiction="US").forms.locations()


@pytest.mark.parametrize(
    ("region", "said"),
    [
        (
            {"location": "europe-west4"},
            "region de: europe-west4 is in NL, not in DE — set `location` to one of europe-west10, ",
        ),
        ({"location": "eu"}, "region de: eu is no single location of Google Cloud — set `location` to one of"),
        ({"jurisdiction": "AT"}, "region de: Google Cloud has no location in AT — use another provider"),
        (
            {"projet": "x"},
            "region de: wrong settings for gcp: projet is no setting of it — did you mean 'project'? use project, ",
        ),
        ({"project": "Not A Project"}, "project is 'Not A Project' — write the project's ID"),
        ({"protection": "SOFTWARE"}, "protection is 'SOFTWARE' — write 'HSM'"),
        ({"project": "123456"}, "region de: project 123456 is a number — set `project` to the project's ID"),
        ({"pilot": "p" * 61}, "-de' is too long for a key ring — set a shorter `keyring`"),
        ({"billing_account": "12"}, "billing_account is '12' — write it as 012345-6789AB-CDEF01"),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(site: MakeSite, region: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        site(**region).forms.locations()
    assert said in str(caught.value)


def test_state_rests_in_the_region_under_a_key_of_its_location(site: MakeSite) -> None:
    backend = site(project="acme-eu-12345").forms.backend("de-week1")
    assert backend.type == "gcs"
    assert backend.configuration["bucket"] == "acme-eu-12345-demo-de-state"
    assert str(backend.configuration["kms_encryption_key"]).startswith("projects/acme-eu-12345/locations/europe-west3/keyRings/")
    own = site(state_bucket="b", state_key="k").forms.backend("de-week1").configuration
    assert (own["bucket"], own["prefix"], own["kms_encryption_key"]) == ("b", "de-week1", "k")


def _configured(site: Site) -> dict[str, Any]:
    found = site.forms.providers(["google", "helm", "kubernetes"], {"cluster.endpoint": "${var.e}", "cluster.ca": "${var.c}"})
    return {one.name: one.configuration for one in found}


def test_providers_are_configured_without_a_secret(site: MakeSite) -> None:
    configured = _configured(site(project="acme-eu-12345"))
    assert schema.check({"provider": configured}) == []
    assert configured["google"]["project"] == "acme-eu-12345"
    assert configured["kubernetes"]["host"] == "https://${var.e}"
    assert configured["kubernetes"]["cluster_ca_certificate"] == "${base64decode(var.c)}"
    assert not {name for one in configured.values() for name, _ in walk(one)} & {
        "token",
        "credentials",
        "access_token",
        "password",
    }


def test_only_the_providers_that_are_used_are_configured(site: MakeSite) -> None:
    assert [one.name for one in site().forms.providers(["google"], {})] == ["google"]


def test_a_pilot_without_a_project_is_planned_for_a_placeholder(site: MakeSite) -> None:
    assert site().forms.providers(["google"], {})[0].configuration["project"] == "project"


def test_a_construct_without_a_form_is_answered_with_a_reason(site: MakeSite) -> None:
    class MoonBase(constructs.Construct):
        title: ClassVar[str] = "moon-base"

    with pytest.raises(Unsupported, match=r"moon-base.*no form for it yet"):
        site().form(MoonBase)
