"""What a cluster refuses, by the API server's own admission policies: they hold before any chart is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from sovplatform.backends.terraform.kubernetes import local_name
from sovplatform.constructs import Guardrails
from sovplatform.interfaces.stackforms import Form, Resource

WORKLOADS = "sov-workloads"
"""The label of the namespaces where the pilot's own work runs, as against the platform's services."""

_JURISDICTION = "has(object.metadata.labels) && 'sov-jurisdiction' in object.metadata.labels"
_AUDIT = f"{_JURISDICTION} ? object.metadata.labels['sov-jurisdiction'] : 'none'"


def guardrails(construct: Guardrails, *, mirror: str = "") -> Form:
    """Pods and volumes say whose law they are under; no Service has a way in; images come from the mirror, if any."""
    where = construct.labels["sov-jurisdiction"]
    workloads: dict[str, str] = {"sov-pilot": construct.pilot, WORKLOADS: "true"}
    labelled = f"{_JURISDICTION} && object.metadata.labels['sov-jurisdiction'] == '{where}'"
    resources = _policy(
        construct,
        "labelled",
        ("pods", "persistentvolumeclaims"),
        workloads,
        ((labelled, f"pods and volume claims want the label sov-jurisdiction={where}"),),
    )
    inside = "!has(object.spec.type) || object.spec.type == 'ClusterIP'"
    direct = "!has(object.spec.externalIPs) || object.spec.externalIPs.size() == 0"
    resources += _policy(
        construct,
        "inside",
        ("services",),
        {"sov-pilot": construct.pilot},
        ((inside, "a Service may only be of type ClusterIP"), (direct, "a Service may have no external addresses")),
    )
    if mirror:
        registry = (mirror.partition("://")[2] or mirror).rstrip("/")
        lists = ("containers", "initContainers", "ephemeralContainers")
        from_mirror = " && ".join(
            f"(!has(object.spec.{name}) || object.spec.{name}.all(c, c.image.startsWith('{registry}/')))" for name in lists
        )
        resources += _policy(construct, "mirrored", ("pods",), workloads, ((from_mirror, f"images come from {registry} only"),))
    return Form(resources=tuple(resources))


def _policy(
    construct: Guardrails,
    name: str,
    kinds: Sequence[str],
    namespaces: Mapping[str, str],
    validations: Sequence[tuple[str, str]],
) -> list[Resource]:
    """A policy and its binding. The provider has no type for bindings: a manifest, as the cluster is there already."""
    full = f"sov-{construct.pilot}-{construct.region.name}-{name}"
    rule: JsonValue = {
        "api_groups": [""],
        "api_versions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": list(kinds),
        "scope": "Namespaced",
    }
    spec: dict[str, JsonValue] = {
        "failure_policy": "Fail",
        "match_constraints": {
            "resource_rules": [rule],
            "namespace_selector": {"match_labels": dict(namespaces)},
            "match_policy": "Equivalent",
        },
        "validations": [{"expression": condition, "message": message} for condition, message in validations],
        "audit_annotations": [{"key": "jurisdiction", "value_expression": _AUDIT}],
    }
    metadata: dict[str, JsonValue] = {"name": full, "labels": dict(construct.labels)}
    arguments: dict[str, JsonValue] = {"metadata": metadata, "spec": spec}
    policy = Resource(type="kubernetes_validating_admission_policy_v1", name=local_name(name), arguments=arguments)
    manifest: JsonValue = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": metadata,
        "spec": {"policyName": full, "validationActions": ["Deny", "Audit"]},
    }
    bound: dict[str, JsonValue] = {"manifest": manifest, "depends_on": [policy.address]}
    return [policy, Resource(type="kubernetes_manifest", name=local_name(name), arguments=bound)]
