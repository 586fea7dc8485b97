"""Where a pilot's own work runs in a cluster that is there already: a walled namespace with limits, and the machines for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from sovplatform.backends.terraform.admission import WORKLOADS
from sovplatform.backends.terraform.kubernetes import Arguments, local_name, walled_namespace
from sovplatform.backends.terraform.settings import ClusterSettings
from sovplatform.constructs import Construct
from sovplatform.interfaces.stackforms import Resource

GPU_TAINT: JsonValue = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
_SERVED = "serving.kserve.io/inferenceservice"


def workload_namespace(construct: Construct, settings: ClusterSettings, *, gpus: int = 0) -> list[Resource]:
    """The namespace, first of all, then its walls, its quota and what a container gets that asks for nothing."""
    name = f"sov-{construct.pilot}"
    labels = {**construct.labels, WORKLOADS: "true"}
    namespace, *walls = walled_namespace(name, labels)
    metadata: Arguments = {"name": "pilot", "namespace": namespace.ref("metadata[0].name"), "labels": dict(construct.labels)}
    hard: dict[str, JsonValue] = {
        "requests.cpu": str(settings.cpus),
        "requests.memory": settings.memory,
        "limits.memory": settings.memory,
        "requests.nvidia.com/gpu": str(gpus),
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }
    quota: Arguments = {"metadata": [metadata], "spec": [{"hard": hard}]}
    limit: JsonValue = {
        "type": "Container",
        "default": {"cpu": "1", "memory": "2Gi"},
        "default_request": {"cpu": "100m", "memory": "256Mi"},
    }
    limits: Arguments = {"metadata": [metadata], "spec": [{"limit": [limit]}]}
    return [
        namespace,
        *walls,
        Resource(type="kubernetes_resource_quota_v1", name="pilot", arguments=quota),
        Resource(type="kubernetes_limit_range_v1", name="pilot", arguments=limits),
    ]


def pool(construct: Construct, kind: str, nodes: Sequence[str], *, gpu: str = "", priority: int) -> list[Resource]:
    """Named machines, labelled for their work and kept for it when they have GPUs, and how much that work matters."""
    marks = {**construct.labels, "sov-pool": kind, **({"sov-gpu": gpu.lower()} if gpu else {})}
    resources = [_priority(construct, kind, priority)]
    for node in nodes:
        resources.append(_marked(kind, node, marks))
        if gpu:
            taint: Arguments = {"metadata": [{"name": node}], "taint": [GPU_TAINT]}
            resources.append(Resource(type="kubernetes_node_taint", name=local_name(f"{kind}-{node}"), arguments=taint))
    if gpu:
        metadata: Arguments = {"name": f"sov-{construct.pilot}-{kind}-nvidia", "labels": dict(construct.labels)}
        runtime: Arguments = {"metadata": [metadata], "handler": "nvidia"}
        resources.append(Resource(type="kubernetes_runtime_class_v1", name=local_name(kind), arguments=runtime))
    return resources


def serving_budget(construct: Construct, namespace: str) -> Resource:
    """Of what serves, one is left standing whatever is drained."""
    metadata: Arguments = {"name": "serving", "namespace": namespace, "labels": dict(construct.labels)}
    served: JsonValue = [{"match_expressions": [{"key": _SERVED, "operator": "Exists"}]}]
    arguments: Arguments = {"metadata": [metadata], "spec": [{"min_available": "1", "selector": served}]}
    return Resource(type="kubernetes_pod_disruption_budget_v1", name="serving", arguments=arguments)


def _priority(construct: Construct, kind: str, value: int) -> Resource:
    metadata: Arguments = {"name": f"sov-{construct.pilot}-{kind}", "labels": dict(construct.labels)}
    arguments: Arguments = {
        "metadata": [metadata],
        "value": value,
        "preemption_policy": "PreemptLowerPriority",
        "description": f"{kind} of pilot {construct.pilot}",
    }
    return Resource(type="kubernetes_priority_class_v1", name=local_name(kind), arguments=arguments)


def _marked(kind: str, node: str, marks: Mapping[str, str]) -> Resource:
    arguments: Arguments = {
        "api_version": "v1",
        "kind": "Node",
        "metadata": [{"name": node}],
        "labels": dict(marks),
        "field_manager": "sovplatform",
    }
    return Resource(type="kubernetes_labels", name=local_name(f"{kind}-{node}"), arguments=arguments)
