"""Guardrails: organisation policies of the project, an Assured Workloads folder, a VPC Service Controls perimeter."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from sov_gcp.forms.perimeter import perimeter
from sov_gcp.forms.place import Place, labels
from sovplatform import constructs
from sovplatform.errors import SettingError
from sovplatform.interfaces.stackforms import Form, Resource, Wires

SERVICES = (
    "artifactregistry",
    "billingbudgets",
    "cloudkms",
    "cloudresourcemanager",
    "compute",
    "container",
    "dns",
    "iam",
    "iamcredentials",
    "logging",
    "monitoring",
    "orgpolicy",
    "pubsub",
    "serviceusage",
    "storage",
)
"""The APIs that the stacks of a region use."""

ENFORCED = (
    "compute.disableInternetNetworkEndpointGroup",
    "compute.disableSerialPortAccess",
    "compute.requireOsLogin",
    "compute.requireShieldedVm",
    "compute.skipDefaultNetworkCreation",
    "iam.automaticIamGrantsForDefaultServiceAccounts",
    "iam.disableServiceAccountKeyCreation",
    "iam.disableServiceAccountKeyUpload",
    "sql.restrictAuthorizedNetworks",
    "sql.restrictPublicIp",
    "storage.publicAccessPrevention",
    "storage.secureHttpTransport",
    "storage.uniformBucketLevelAccess",
)
FORBIDDEN = ("compute.restrictCloudNATUsage", "compute.vmExternalIpAccess")
ENCRYPTED = (
    "aiplatform",
    "artifactregistry",
    "bigquery",
    "bigquerydatatransfer",
    "compute",
    "container",
    "dataflow",
    "dataproc",
    "logging",
    "notebooks",
    "pubsub",
    "run",
    "secretmanager",
    "spanner",
    "sqladmin",
    "storage",
)
"""Services that must not hold anything that a key of the region does not encrypt."""

REGIMES = (
    dict.fromkeys(("BE", "DE", "ES", "FI", "FR", "IT", "NL", "PL", "SE"), "EU_REGIONS_AND_SUPPORT")
    | {"AU": "AU_REGIONS_AND_US_SUPPORT", "CA": "CA_REGIONS_AND_SUPPORT", "IL": "ISR_REGIONS_AND_SUPPORT"}
    | {"JP": "JP_REGIONS_AND_SUPPORT", "US": "US_REGIONAL_ACCESS"}
)
"""The compliance regime of an Assured Workloads folder, by jurisdiction, when the settings name none."""


def guardrails(construct: constructs.Guardrails, wires: Wires, place: Place) -> Form:
    resources = [*_services(place), *_policies(place)]
    if place.settings.organization:
        resources.append(_workload(construct, place))
    if place.terraform.access_policy:
        resources += perimeter(place)
    return Form(resources=tuple(resources))


def _services(place: Place) -> list[Resource]:
    return [
        Resource(
            type="google_project_service",
            name=service,
            arguments={"project": place.project, "service": f"{service}.googleapis.com", "disable_on_destroy": False},
        )
        for service in SERVICES
    ]


def _policies(place: Place) -> list[Resource]:
    levels = sorted({place.settings.protection, place.settings.seal_protection or place.settings.protection})
    return [
        _policy(place, "gcp.resourceLocations", _allowed(f"in:{place.location}-locations")),
        _policy(place, "cloudkms.allowedProtectionLevels", _allowed(*levels)),
        _policy(place, "gcp.restrictNonCmekServices", _denied(*(f"{name}.googleapis.com" for name in ENCRYPTED))),
        _policy(place, "gcp.restrictCmekCryptoKeyProjects", _allowed(f"under:projects/{place.project}")),
        _policy(place, "gcp.restrictTLSVersion", _denied("TLS_VERSION_1", "TLS_VERSION_1_1")),
        _policy(place, "compute.restrictLoadBalancerCreationForTypes", _allowed("in:INTERNAL")),
        _policy(place, "compute.restrictProtocolForwardingCreationForTypes", _allowed("INTERNAL")),
        *(_policy(place, name, {"enforce": "TRUE"}) for name in ENFORCED),
        *(_policy(place, name, {"deny_all": "TRUE"}) for name in FORBIDDEN),
    ]


def _allowed(*values: str) -> dict[str, JsonValue]:
    return {"values": [{"allowed_values": list(values)}]}


def _denied(*values: str) -> dict[str, JsonValue]:
    return {"values": [{"denied_values": list(values)}]}


def _policy(place: Place, constraint: str, rule: Mapping[str, JsonValue]) -> Resource:
    """What is above may only make it stricter: nothing is inherited that would allow more."""
    return Resource(
        type="google_org_policy_policy",
        name="".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in constraint.replace(".", "_")),
        arguments={
            "name": f"projects/{place.project}/policies/{constraint}",
            "parent": f"projects/{place.project}",
            "spec": [{"inherit_from_parent": False, "rules": [dict(rule)]}],
            "depends_on": ["google_project_service.orgpolicy"],
        },
    )


def _workload(construct: constructs.Guardrails, place: Place) -> Resource:
    settings, law = place.terraform, place.region.jurisdiction
    regime = settings.regime or ("ASSURED_WORKLOADS_FOR_PARTNERS" if settings.partner else REGIMES.get(law, ""))
    if not regime:
        raise SettingError.of(
            place.region.name,
            "regime",
            f"there is no regime of Assured Workloads for {law} that is known here",
            remedy="name one as `regime` under settings, or leave out `organization`",
        )
    arguments: dict[str, JsonValue] = {
        "organization": place.settings.organization,
        "location": place.location,
        "display_name": place.named(limit=30),
        "compliance_regime": regime,
        "violation_notifications_enabled": True,
        "labels": labels(construct),
    }
    if settings.workload_parent:
        arguments["provisioned_resources_parent"] = f"folders/{settings.workload_parent}"
    if settings.billing_account:
        arguments["billing_account"] = f"billingAccounts/{settings.billing_account}"
    if settings.partner:
        arguments["partner"] = settings.partner
    return Resource(type="google_assured_workloads_workload", name="main", arguments=arguments)
