"""A VPC Service Controls perimeter: the project's data is not reached from outside, whatever rights somebody has."""

from __future__ import annotations

import re

from pydantic import JsonValue

from sov_gcp.forms.place import Place, project_data
from sovplatform.errors import SettingError
from sovplatform.interfaces.stackforms import Resource

RESTRICTED = (
    "aiplatform",
    "artifactregistry",
    "bigquery",
    "cloudkms",
    "compute",
    "container",
    "dns",
    "iamcredentials",
    "logging",
    "monitoring",
    "pubsub",
    "secretmanager",
    "sqladmin",
    "storage",
)


def perimeter(place: Place) -> list[Resource]:
    """Nothing may leave by a rule of its own; `operators` may reach in, or nobody could change the region again.

    Raises:
        ConfigError: there are no operators.
    """
    settings = place.terraform
    if not settings.operators:
        raise SettingError.of(
            place.region.name,
            "operators",
            "a perimeter without `operators` locks out whoever applies the next stack",
            remedy="list under settings who may, such as serviceAccount:deploy@PROJECT.iam.gserviceaccount.com",
        )
    project = project_data(place, "perimeter")
    title = re.sub(r"[^a-z0-9_]", "_", place.named(limit=50))
    operators: list[JsonValue] = list(settings.operators)
    status: dict[str, JsonValue] = {
        "resources": [f"projects/{project.ref('number')}"],
        "restricted_services": [f"{service}.googleapis.com" for service in RESTRICTED],
        "vpc_accessible_services": [{"enable_restriction": True, "allowed_services": ["RESTRICTED-SERVICES"]}],
        "ingress_policies": [
            {
                "title": "operators",
                "ingress_from": [{"identities": operators, "sources": [{"access_level": "*"}]}],
                "ingress_to": [{"resources": ["*"], "operations": [{"service_name": "*"}]}],
            }
        ],
    }
    policy = f"accessPolicies/{settings.access_policy}"
    return [
        project,
        Resource(
            type="google_access_context_manager_service_perimeter",
            name="main",
            arguments={
                "parent": policy,
                "name": f"{policy}/servicePerimeters/{title}",
                "title": title,
                "perimeter_type": "PERIMETER_TYPE_REGULAR",
                "status": [status],
            },
        ),
    ]
