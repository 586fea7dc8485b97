"""PlatformServices: the charts of every provider, in a cluster of Google's."""

from __future__ import annotations

from pydantic import JsonValue

from sov_gcp.forms.place import Place
from sovplatform import constructs
from sovplatform.backends.terraform.kubernetes import platform_services
from sovplatform.interfaces.stackforms import Form, Wires


def services(construct: constructs.PlatformServices, wires: Wires, place: Place) -> Form:
    return platform_services(construct, mirror=place.terraform.mirror or place.mirror)


def connection(wires: Wires) -> dict[str, JsonValue]:
    """How Terraform reaches the cluster: as whoever runs it, by Google's own helper; no credential is written down."""
    return {
        "host": f"https://{wires['cluster.endpoint']}",
        "cluster_ca_certificate": f"${{base64decode({str(wires['cluster.ca']).removeprefix('${').removesuffix('}')})}}",
        "exec": {"api_version": "client.authentication.k8s.io/v1beta1", "command": "gke-gcloud-auth-plugin"},
    }
