"""PlatformServices: the charts of every provider in EKS, and the autoscaler, which AWS does not run for its clusters."""

from __future__ import annotations

from pydantic import JsonValue

from sov_aws.forms.cluster import AUTOSCALER
from sov_aws.forms.place import Arguments, Place
from sovplatform import constructs
from sovplatform.backends.terraform.kubernetes import platform_services
from sovplatform.interfaces.stackforms import Form, Resource, Wires

POD_IDENTITY_AGENT = "169.254.170.23/32"
"""Where pods get their credentials; an address of the node alone, which no network policy lets through by itself."""


def services(construct: constructs.PlatformServices, wires: Wires, place: Place) -> Form:
    """In the stack that makes the cluster, the autoscaler comes with the rest: pools of later weeks begin at no node."""
    mirror = place.terraform.mirror or place.mirror
    if "aws_eks_cluster." not in str(wires["cluster.name"]):
        return platform_services(construct, mirror=mirror)
    whole = construct.model_copy(update={"charts": (*construct.charts, _autoscaler(place))})
    form = platform_services(whole, mirror=mirror)
    return form.model_copy(update={"resources": (*form.resources, _to_the_agent(construct))})


def _autoscaler(place: Place) -> constructs.Chart:
    # https://github.com/kubernetes/autoscaler, charts/cluster-autoscaler/values.yaml: AWS by default, groups found by their tags.
    values: dict[str, JsonValue] = {
        "autoDiscovery": {"clusterName": place.named(limit=100)},
        "awsRegion": place.location,
        "rbac": {"serviceAccount": {"name": AUTOSCALER}},
        "extraArgs": {
            "aws-use-static-instance-list": True,
            "balance-similar-node-groups": True,
            "skip-nodes-with-system-pods": False,
        },
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
        "containerSecurityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return constructs.Chart(
        name=AUTOSCALER,
        namespace=AUTOSCALER,
        repository="https://kubernetes.github.io/autoscaler",
        chart="cluster-autoscaler",
        version="9.50.0",
        values=values,
        listens=(8085,),
        images={"image.repository": "autoscaling/cluster-autoscaler"},
    )


def _to_the_agent(construct: constructs.PlatformServices) -> Resource:
    namespace = f"${{kubernetes_namespace_v1.{AUTOSCALER.replace('-', '_')}.metadata[0].name}}"
    spec: Arguments = {
        "pod_selector": [{}],
        "policy_types": ["Egress"],
        "egress": [
            {"to": [{"ip_block": [{"cidr": POD_IDENTITY_AGENT}]}], "ports": [{"port": "80", "protocol": "TCP"}]},
        ],
    }
    metadata: Arguments = {"name": "pod-identity", "namespace": namespace, "labels": dict(construct.labels)}
    return Resource(type="kubernetes_network_policy_v1", name="pod_identity", arguments={"metadata": [metadata], "spec": [spec]})


def connection(wires: Wires, place: Place) -> dict[str, JsonValue]:
    """How Terraform reaches the cluster: as whoever runs it, by AWS's own command; no credential is written down."""
    arguments: list[JsonValue] = ["eks", "get-token", "--cluster-name", wires["cluster.name"], "--region", place.location]
    if place.settings.profile:
        arguments += ["--profile", place.settings.profile]
    return {
        "host": wires["cluster.endpoint"],
        "cluster_ca_certificate": f"${{base64decode({str(wires['cluster.ca']).removeprefix('${').removesuffix('}')})}}",
        "exec": {"api_version": "client.authentication.k8s.io/v1beta1", "command": "aws", "args": arguments},
    }
