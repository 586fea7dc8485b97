"""The platform's services in a Kubernetes cluster, whoever runs it: walled namespaces, and a Helm release for each chart."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from pydantic import JsonValue

from sovplatform.constructs import Chart, PlatformServices
from sovplatform.errors import ConfigError
from sovplatform.interfaces.stackforms import Form, Resource, TerraformProvider

Arguments = dict[str, JsonValue]

KUBERNETES = ("hashicorp/kubernetes", "~> 3.0")
HELM = ("hashicorp/helm", "~> 3.0")
STANDARDS = ("restricted", "baseline", "privileged")
"""Pod security standards, strictest first."""
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
"""Where an API server with a private address is (RFC 1918, 6598, 4193); a network policy cannot name it otherwise."""
_CONNECTION = frozenset(
    {"host", "cluster_ca_certificate", "token", "exec", "config_path", "config_context", "tls_server_name", "proxy_url"}
)


def kubernetes_providers(used: Sequence[str], connection: Mapping[str, JsonValue]) -> list[TerraformProvider]:
    """The providers `kubernetes` and `helm`, of those that are `used`, both with the same connection.

    `connection` has the provider's own names: `host`, `cluster_ca_certificate`, and `exec` (an object) or `token` (an
    expression); or `config_path` and `config_context`.

    Raises:
        ConfigError: there is a setting that is none, or a token in clear.
    """
    unknown = sorted(connection.keys() - _CONNECTION)
    if unknown:
        raise ConfigError(
            f"the connection to the cluster has no setting {', '.join(unknown)}", remedy=f"use {', '.join(sorted(_CONNECTION))}"
        )
    if not str(connection.get("token", "${")).startswith("${"):
        raise ConfigError("the connection to the cluster has a token in clear", remedy="use `exec`, or a kubeconfig's context")
    found = []
    if "kubernetes" in used:
        blocks = {name: [value] if name == "exec" else value for name, value in connection.items()}
        found.append(TerraformProvider(name="kubernetes", source=KUBERNETES[0], version=KUBERNETES[1], configuration=blocks))
    if "helm" in used:
        nested: Arguments = {"kubernetes": dict(connection)}
        found.append(TerraformProvider(name="helm", source=HELM[0], version=HELM[1], configuration=nested))
    return found


def platform_services(
    construct: PlatformServices,
    *,
    mirror: str = "",
    values: Mapping[str, Mapping[str, JsonValue]] | None = None,
    storage_class: str = "",
) -> Form:
    """A namespace for each that the charts name, closed but for what they need, and a Helm release for each chart.

    `mirror` is where a region that fetches nothing from outside has the charts, such as `oci://registry.example/sov`; the images
    are below it, too, where the chart knows how to say so. `values` are the provider's own, by chart, laid over the chart's.
    `storage_class` is where the charts' volumes rest; by default, the cluster's default.
    """
    resources: list[Resource] = []
    walls: dict[str, list[Resource]] = {}
    for namespace in dict.fromkeys(chart.namespace for chart in construct.charts):
        charts = [chart for chart in construct.charts if chart.namespace == namespace]
        standard = max((chart.pod_security for chart in charts), key=STANDARDS.index)
        listens = {port for chart in charts for port in chart.listens}
        calls = {port for chart in charts for port in chart.calls}
        walls[namespace] = walled_namespace(namespace, construct.labels, standard=standard, listens=listens, calls=calls)
        resources += walls[namespace]
    here = {chart.name for chart in construct.charts}
    for chart in construct.charts:
        volumes = [_volume(construct, chart, name, size, storage_class) for name, size in chart.volumes.items()]
        resources += volumes
        waits = [before.address for before in (*walls[chart.namespace][1:], *volumes)]
        waits += [f"helm_release.{local_name(name)}" for name in chart.after if name in here]
        own = (values or {}).get(chart.name, {})
        resources.append(_release(construct, chart, walls[chart.namespace][0], waits, mirror=mirror, own=own))
    return Form(resources=tuple(resources))


def walled_namespace(
    name: str,
    labels: Mapping[str, str],
    *,
    standard: str = "restricted",
    listens: Collection[int] = (),
    calls: Collection[int] = (),
) -> list[Resource]:
    """A namespace and its network policies: nothing goes in or out but what the second lets through.

    That is DNS, the namespace itself, namespaces of the same pilot, and the API server; never an address outside.
    """
    security = {f"pod-security.kubernetes.io/{mode}": standard for mode in ("enforce", "audit", "warn")}
    metadata: Arguments = {"name": name, "labels": {**labels, **security}}
    namespace = Resource(type="kubernetes_namespace_v1", name=local_name(name), arguments={"metadata": [metadata]})
    where = namespace.ref("metadata[0].name")
    deny: Arguments = {"pod_selector": [{}], "policy_types": ["Ingress", "Egress"]}
    allow: Arguments = {**deny, "egress": _egress(labels, calls), "ingress": _ingress(labels, listens)}
    return [
        namespace,
        *(_policy(name, kind, where, labels, spec) for kind, spec in (("default-deny", deny), ("platform", allow))),
    ]


def _policy(namespace: str, kind: str, where: str, labels: Mapping[str, str], spec: Arguments) -> Resource:
    metadata: Arguments = {"name": kind, "namespace": where, "labels": dict(labels)}
    name = local_name(f"{namespace}-{kind}")
    return Resource(type="kubernetes_network_policy_v1", name=name, arguments={"metadata": [metadata], "spec": [spec]})


def _egress(labels: Mapping[str, str], calls: Collection[int]) -> JsonValue:
    kube_system: JsonValue = [{"match_labels": {"kubernetes.io/metadata.name": "kube-system"}}]
    dns: JsonValue = [{"port": "53", "protocol": protocol} for protocol in ("UDP", "TCP")]
    api: JsonValue = [{"port": str(port), "protocol": "TCP"} for port in sorted({443, 6443, *calls})]
    return [
        {"to": [{"namespace_selector": kube_system}], "ports": dns},
        {"to": [{"pod_selector": [{}]}, {"namespace_selector": _same_pilot(labels)}]},
        {"to": [{"ip_block": [{"cidr": cidr}]} for cidr in PRIVATE], "ports": api},
    ]


def _ingress(labels: Mapping[str, str], listens: Collection[int]) -> JsonValue:
    rules: list[JsonValue] = [{"from": [{"pod_selector": [{}]}]}]
    if listens:
        callers: list[JsonValue] = [{"namespace_selector": _same_pilot(labels)}]
        callers += [{"ip_block": [{"cidr": cidr}]} for cidr in PRIVATE]
        rules.append({"from": callers, "ports": [{"port": str(port), "protocol": "TCP"} for port in sorted(listens)]})
    return rules


def _same_pilot(labels: Mapping[str, str]) -> JsonValue:
    return [{"match_labels": {name: labels[name] for name in ("sov-pilot", "sov-region") if name in labels}}]


def _volume(construct: PlatformServices, chart: Chart, name: str, size: str, storage_class: str) -> Resource:
    metadata: Arguments = {"name": name, "namespace": chart.namespace, "labels": dict(construct.labels)}
    spec: Arguments = {"access_modes": ["ReadWriteOnce"], "resources": [{"requests": {"storage": size}}]}
    if storage_class:
        spec["storage_class_name"] = storage_class
    arguments: Arguments = {
        "metadata": [metadata],
        "spec": [spec],
        "wait_until_bound": False,  # many classes bind a volume when a pod first uses it
        "depends_on": [f"kubernetes_namespace_v1.{local_name(chart.namespace)}"],
    }
    return Resource(type="kubernetes_persistent_volume_claim_v1", name=local_name(f"{chart.name}-{name}"), arguments=arguments)


def _release(
    construct: PlatformServices,
    chart: Chart,
    namespace: Resource,
    waits: Sequence[str],
    *,
    mirror: str,
    own: Mapping[str, JsonValue],
) -> Resource:
    values = laid_over(chart.values, own)
    if mirror:
        values = laid_over(values, _mirrored(chart, mirror))
    arguments: Arguments = {
        "name": chart.name,
        "namespace": namespace.ref("metadata[0].name"),
        "repository": mirror or chart.repository,
        "chart": chart.chart,
        "version": chart.version,
        "description": f"{construct.pilot}, region {construct.region.name}, by sovplatform",
        "create_namespace": False,
        "atomic": True,
        "cleanup_on_fail": True,
        "wait": True,
        "wait_for_jobs": True,
        "timeout": chart.timeout_seconds,
        "max_history": 5,
        "values": [json.dumps(values, sort_keys=True)] if values else [],
        "depends_on": list(waits),
    }
    return Resource(type="helm_release", name=local_name(chart.name), arguments=arguments)


def _mirrored(chart: Chart, mirror: str) -> dict[str, JsonValue]:
    """The chart's image settings, with the mirror in place of the registry that the chart's maker uses."""
    registry = mirror.partition("://")[2] or mirror
    values: dict[str, JsonValue] = {}
    for path, image in chart.images.items():
        value: JsonValue = f"{registry.rstrip('/')}/{image}" if image else registry.rstrip("/")
        for key in reversed(path.split(".")):
            value = {key: value}
        values = laid_over(values, value if isinstance(value, dict) else {})
    return values


def laid_over(lower: Mapping[str, JsonValue], upper: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Both, as Helm merges values: objects key by key, all else from `upper`."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        merged[key] = laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def local_name(name: str) -> str:
    """A name as Terraform spells local names."""
    return name.replace("-", "_").replace(".", "_").replace("/", "_").lower()
