"""Prometheus and Grafana: whole where there is room, and an agent that keeps nothing on a small site."""

from __future__ import annotations

from pydantic import JsonValue

from sovplatform.constructs import Chart
from sovplatform.records import RegionSpec

Values = dict[str, JsonValue]

_CONTROL_PLANE_OFF: Values = {
    component: {"enabled": False} for component in ("kubeControllerManager", "kubeEtcd", "kubeProxy", "kubeScheduler")
}


def _prometheus(values: Values, spec: Values) -> Chart:
    volume: Values = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}}}
    everywhere: Values = {"podMonitorSelectorNilUsesHelmValues": False, "serviceMonitorSelectorNilUsesHelmValues": False}
    prometheus: Values = {**everywhere, "storageSpec": {"volumeClaimTemplate": volume}, **spec}
    return Chart(
        name="monitoring",
        namespace="monitoring",
        repository="https://prometheus-community.github.io/helm-charts",
        chart="kube-prometheus-stack",
        version="88.4.0",
        values={**_CONTROL_PLANE_OFF, "prometheus": {"prometheusSpec": prometheus}, **values},
        pod_security="privileged",  # the node exporter sees the node
        listens=(3000, 9090, 10250),
        calls=(9100, 10250),
        images={"global.imageRegistry": ""},
        timeout_seconds=900,
    )


# https://artifacthub.io/packages/helm/prometheus-community/kube-prometheus-stack, and Grafana's `[analytics]`. An empty
# password has the chart make one in the cluster (Secret monitoring-grafana) instead of the one that is known to everybody.
PROMETHEUS = _prometheus(
    {
        "alertmanager": {"alertmanagerSpec": {"replicas": 1}},
        "grafana": {
            "adminPassword": "",
            "persistence": {"enabled": True, "size": "2Gi"},
            "grafana.ini": {
                "analytics": {
                    "reporting_enabled": False,
                    "check_for_updates": False,
                    "check_for_plugin_updates": False,
                    "feedback_links_enabled": False,
                },
                "news": {"news_feed_enabled": False},
                "security": {"disable_gravatar": True},
                "snapshots": {"external_enabled": False},
                "plugins": {"plugin_admin_enabled": False},
            },
        },
    },
    {"retention": "15d"},
)


def prometheus_agent(pilot: str, region: RegionSpec) -> Chart:
    """Prometheus as an agent, which keeps nothing and forwards: to `metrics_url` of the region's settings."""
    url = str(region.settings.get("metrics_url") or f"https://metrics.{region.name}.{pilot}.sov/api/v1/write")
    external: Values = {"pilot": pilot, "region": region.name, "jurisdiction": region.jurisdiction}
    off: Values = {name: {"enabled": False} for name in ("alertmanager", "grafana")}
    chart = _prometheus(
        {**off, "defaultRules": {"create": False}}, {"remoteWrite": [{"url": url}], "externalLabels": external, "storageSpec": {}}
    )
    prometheus = chart.values["prometheus"]
    values = {**chart.values, "prometheus": {**(prometheus if isinstance(prometheus, dict) else {}), "agentMode": True}}
    return chart.model_copy(update={"values": values, "listens": (9090, 10250)})
