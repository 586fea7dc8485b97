"""What each construct is on Google Cloud."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures.sites import KEYS, of_type

from plugins.gcp.tests.conftest import FULL, MakeSite
from sovplatform import constructs
from sovplatform.errors import ConfigError, Unsupported

MADE_HERE = {"keys.data": "${google_kms_crypto_key.data.id}"}


def _policies(resources: Any) -> dict[str, Any]:
    found = of_type(resources, "google_org_policy_policy").values()
    return {str(it["name"]).rpartition("/")[2]: it["spec"][0]["rules"][0] for it in found}


def test_policies_keep_everything_in_the_location_and_under_its_keys(site: MakeSite) -> None:
    rules = _policies(site(**FULL).form(constructs.Guardrails).resources)
    assert rules["gcp.resourceLocations"] == {"values": [{"allowed_values": ["in:europe-west3-locations"]}]}
    assert rules["cloudkms.allowedProtectionLevels"] == {"values": [{"allowed_values": ["HSM", "SOFTWARE"]}]}
    assert rules["gcp.restrictCmekCryptoKeyProjects"] == {"values": [{"allowed_values": ["under:projects/acme-eu-12345"]}]}
    assert "storage.googleapis.com" in rules["gcp.restrictNonCmekServices"]["values"][0]["denied_values"]
    assert rules["compute.vmExternalIpAccess"] == {"deny_all": "TRUE"}
    for name in ("iam.disableServiceAccountKeyCreation", "storage.publicAccessPrevention", "storage.uniformBucketLevelAccess"):
        assert rules[name] == {"enforce": "TRUE"}


def test_software_keys_are_forbidden_unless_the_settings_want_one(site: MakeSite) -> None:
    rules = _policies(site().form(constructs.Guardrails).resources)
    assert rules["cloudkms.allowedProtectionLevels"] == {"values": [{"allowed_values": ["HSM"]}]}


@pytest.mark.parametrize(
    ("settings", "regime"),
    [
        ({}, "EU_REGIONS_AND_SUPPORT"),
        ({"regime": "REGIONAL_CONTROLS"}, "REGIONAL_CONTROLS"),
        ({"partner": "SOVEREIGN_CONTROLS_BY_T_SYSTEMS"}, "ASSURED_WORKLOADS_FOR_PARTNERS"),
        ({"jurisdiction": "US"}, "US_REGIONAL_ACCESS"),
    ],
)
def test_an_organisation_gets_an_assured_workloads_folder(site: MakeSite, settings: dict[str, Any], regime: str) -> None:
    form = site(**{"organization": "1", **settings}).form(constructs.Guardrails)
    workload = of_type(form.resources, "google_assured_workloads_workload")["main"]
    assert workload["compliance_regime"] == regime


def test_a_jurisdiction_without_a_known_regime_wants_one_named(site: MakeSite) -> None:
    with pytest.raises(ConfigError, match=r"no regime of Assured Workloads for CH.*name one as `regime`"):
        site(jurisdiction="CH", organization="1").form(constructs.Guardrails)


def test_a_perimeter_lets_nothing_out_and_only_operators_in(site: MakeSite) -> None:
    form = site(**FULL).form(constructs.Guardrails)
    perimeter = of_type(form.resources, "google_access_context_manager_service_perimeter")["main"]["status"][0]
    assert "egress_policies" not in perimeter
    assert [rule["ingress_from"][0]["identities"] for rule in perimeter["ingress_policies"]] == [FULL["operators"]]
    assert perimeter["vpc_accessible_services"] == [{"enable_restriction": True, "allowed_services": ["RESTRICTED-SERVICES"]}]


def test_a_perimeter_without_operators_is_refused(site: MakeSite) -> None:
    with pytest.raises(ConfigError, match="locks out whoever applies the next stack"):
        site(access_policy="1").form(constructs.Guardrails)


def test_the_only_way_out_of_the_network_is_googles_restricted_address(site: MakeSite) -> None:
    made = site().form(constructs.LandingZone, cidr="10.3.0.0/16").resources
    network = of_type(made, "google_compute_network")["main"]
    assert (network["auto_create_subnetworks"], network["delete_default_routes_on_create"]) == (False, True)
    assert [route["dest_range"] for route in of_type(made, "google_compute_route").values()] == ["199.36.153.4/30"]
    egress = {name: rule for name, rule in of_type(made, "google_compute_firewall").items() if rule["direction"] == "EGRESS"}
    allowed = {rule["destination_ranges"][0] for rule in egress.values() if "allow" in rule}
    assert allowed == {"199.36.153.4/30", "10.3.0.0/16"}
    assert egress["egress_none"]["destination_ranges"] == ["0.0.0.0/0"]
    assert egress["egress_none"]["priority"] > max(rule["priority"] for rule in egress.values() if "allow" in rule)
    records = {record["name"]: record["rrdatas"] for record in of_type(made, "google_dns_record_set").values()}
    assert records["*.googleapis.com."] == ["restricted.googleapis.com."]
    assert records["pkg.dev."][0] == records["gcr.io."][0] == "199.36.153.4"
    incoming = [rule for rule in of_type(made, "google_compute_firewall").values() if rule["direction"] == "INGRESS"]
    assert {rule["source_ranges"][0] for rule in incoming if "allow" in rule} == {"10.3.0.0/16"}


def test_the_subnet_is_private_and_logs_its_flows(site: MakeSite) -> None:
    subnet = of_type(site().form(constructs.LandingZone, cidr="10.3.0.0/16").resources, "google_compute_subnetwork")["nodes"]
    assert subnet["private_ip_google_access"] is True
    assert subnet["log_config"][0]["flow_sampling"] == 1.0
    ranges = [subnet["ip_cidr_range"], *(it["ip_cidr_range"] for it in subnet["secondary_ip_range"])]
    assert ranges == ["10.3.0.0/20", "10.3.128.0/17", "10.3.16.0/20"]


@pytest.mark.parametrize(
    ("cidr", "said"), [("10.0.0.0/24", "10.0.0.0/24 is too small"), ("fd00::/48", "no IPv4 network"), ("", "no IPv4 network")]
)
def test_a_network_that_holds_no_cluster_is_refused(site: MakeSite, cidr: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        site().form(constructs.LandingZone, cidr=cidr)


def test_keys_are_in_hardware_and_those_that_wrap_rotate(site: MakeSite) -> None:
    made = site().form(constructs.RegionKeys, keys=KEYS).resources
    keys = of_type(made, "google_kms_crypto_key")
    assert {name: key["version_template"][0]["algorithm"] for name, key in keys.items()} == {
        "data": "GOOGLE_SYMMETRIC_ENCRYPTION",
        "models": "EC_SIGN_P256_SHA256",
        "ledger": "EC_SIGN_ED25519",
    }
    assert {key["version_template"][0]["protection_level"] for key in keys.values()} == {"HSM"}
    assert {name: key.get("rotation_period") for name, key in keys.items()} == {
        "data": "7776000s",
        "models": None,
        "ledger": None,
    }
    assert {key["destroy_scheduled_duration"] for key in keys.values()} == {"7776000s"}
    assert not any(key["import_only"] for key in keys.values())


def test_every_service_that_keeps_data_may_use_the_data_key_and_no_other_key(site: MakeSite) -> None:
    grants = of_type(site().form(constructs.RegionKeys, keys=KEYS).resources, "google_kms_crypto_key_iam_member")
    assert set(grants) == {f"data_{it}" for it in ("storage", "logging", "compute", "container", "pubsub", "artifactregistry")}
    assert {grant["crypto_key_id"] for grant in grants.values()} == {"${google_kms_crypto_key.data.id}"}
    assert {grant["role"] for grant in grants.values()} == {"roles/cloudkms.cryptoKeyEncrypterDecrypter"}


def test_keys_may_stay_in_an_external_key_manager(site: MakeSite) -> None:
    region = site(
        protection="EXTERNAL", seal_protection="SOFTWARE", external_keys={"data": "https://e/d", "models": "https://e/m"}
    )
    made = region.form(constructs.RegionKeys, keys=KEYS).resources
    keys, versions = of_type(made, "google_kms_crypto_key"), of_type(made, "google_kms_crypto_key_version")
    assert keys["data"]["version_template"] == [{"algorithm": "EXTERNAL_SYMMETRIC_ENCRYPTION", "protection_level": "EXTERNAL"}]
    assert keys["ledger"]["version_template"] == [{"algorithm": "EC_SIGN_ED25519", "protection_level": "SOFTWARE"}]
    assert "rotation_period" not in keys["data"]
    assert versions["data"]["external_protection_level_options"] == [{"external_key_uri": "https://e/d"}]
    grant = of_type(made, "google_kms_crypto_key_iam_member")["data_storage"]
    assert grant["depends_on"] == ["google_kms_crypto_key_version.data"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"protection": "EXTERNAL", "seal_protection": "HSM"}, "key data has no address.*external_keys"),
        ({"protection": "EXTERNAL", "external_keys": {"data": "u", "models": "u"}}, "key ledger is Ed25519.*seal_protection"),
        (
            {"protection": "EXTERNAL_VPC", "seal_protection": "HSM", "external_keys": {"data": "u", "models": "u"}},
            "no `key_backend`",
        ),
    ],
)
def test_an_external_key_that_is_not_described_is_named(site: MakeSite, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        site(**settings).form(constructs.RegionKeys, keys=KEYS)


def test_an_external_key_over_a_private_network_goes_by_its_connection(site: MakeSite) -> None:
    region = site(
        protection="EXTERNAL_VPC", seal_protection="HSM", key_backend="c", external_keys={"data": "v0/d", "models": "v0/m"}
    )
    made = region.form(constructs.RegionKeys, keys=KEYS).resources
    assert of_type(made, "google_kms_crypto_key")["data"]["crypto_key_backend"] == "c"
    version = of_type(made, "google_kms_crypto_key_version")["data"]
    assert version["external_protection_level_options"] == [{"ekm_connection_key_path": "v0/d"}]


def test_every_bucket_is_private_versioned_and_in_one_location(site: MakeSite) -> None:
    buckets = of_type(site(**FULL).everything, "google_storage_bucket")
    assert set(buckets) == {"audit", "raw", "artifacts"}
    for bucket in buckets.values():
        assert bucket["public_access_prevention"] == "enforced"
        assert bucket["uniform_bucket_level_access"] is True
        assert bucket["versioning"] == [{"enabled": True}]
        assert bucket["location"] == "europe-west3"
        assert bucket["force_destroy"] is False
        assert not {"custom_placement_config", "rpo", "website", "cors"} & set(bucket)


def test_audit_and_artifacts_are_locked_and_raw_data_says_how_sensitive_it_is(site: MakeSite) -> None:
    buckets = of_type(site().everything, "google_storage_bucket")
    assert buckets["audit"]["retention_policy"] == [{"is_locked": True, "retention_period": str(365 * 86_400)}]
    assert buckets["artifacts"]["retention_policy"] == [{"is_locked": True, "retention_period": str(90 * 86_400)}]
    assert "retention_policy" not in buckets["raw"]
    assert buckets["raw"]["labels"]["sov-sensitivity"] == "restricted"


def test_a_bucket_waits_for_the_right_to_the_key_where_the_key_is_made(site: MakeSite) -> None:
    here = site().form(constructs.RawDataStore, MADE_HERE).resources[0]
    later = site().form(constructs.ArtifactStore, {"keys.data": "${var.keys_data}"}).resources[0]
    assert here.arguments["depends_on"] == ["google_kms_crypto_key_iam_member.data_storage"]
    assert "depends_on" not in later.arguments


def test_no_log_goes_to_the_global_bucket_and_every_access_is_recorded(site: MakeSite) -> None:
    made = site().form(constructs.AuditSink, MADE_HERE).resources
    assert of_type(made, "google_logging_project_exclusion")["nothing_global"]["filter"] == "severity>=DEFAULT"
    config = of_type(made, "google_project_iam_audit_config")["all"]
    assert {it["log_type"] for it in config["audit_log_config"]} == {"ADMIN_READ", "DATA_READ", "DATA_WRITE"}
    writer = of_type(made, "google_storage_bucket_iam_member")["audit_writer"]
    assert (writer["role"], writer["member"]) == (
        "roles/storage.objectCreator",
        "${google_logging_project_sink.audit.writer_identity}",
    )


def test_charts_come_from_the_regions_own_registry_unless_another_is_named(site: MakeSite) -> None:
    chart = constructs.Chart(name="c", namespace="c", repository="https://x.example", chart="c", version="1")
    own = of_type(site(project="acme-eu-12345").form(constructs.PlatformServices, charts=(chart,)).resources, "helm_release")
    assert own["c"]["repository"] == "oci://europe-west3-docker.pkg.dev/acme-eu-12345/demo-de-images"
    other = of_type(site(mirror="oci://m.example").form(constructs.PlatformServices, charts=(chart,)).resources, "helm_release")
    assert other["c"]["repository"] == "oci://m.example"


def test_a_budget_tells_at_its_percentages_in_its_currency(site: MakeSite) -> None:
    form = site(**FULL).form(constructs.Budget, amount=1234.5, currency="EUR", alerts=(50, 90), contact="it@example.org")
    budget = of_type(form.resources, "google_billing_budget")["main"]
    assert budget["amount"] == [{"specified_amount": [{"currency_code": "EUR", "units": "1234", "nanos": 500_000_000}]}]
    assert [rule["threshold_percent"] for rule in budget["threshold_rules"]] == [0.5, 0.9, 1.0]
    assert of_type(form.resources, "google_monitoring_notification_channel")["budget"]["labels"] == {
        "email_address": "it@example.org"
    }


def test_a_budget_without_a_billing_account_is_unsupported_with_the_reason(site: MakeSite) -> None:
    with pytest.raises(Unsupported, match=r"the settings name none.*set `billing_account` in region de"):
        site().form(constructs.Budget, amount=1)
