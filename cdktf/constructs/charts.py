"""The Helm charts of the platform, by week and role, with the version that was looked at and its source.

A chart's values say no password: what needs one makes it in the cluster, or reads it from a Secret. Whatever would tell its maker
of the installation is off. One replica each: a pilot; more is a matter of `values` of the provider.
"""

from __future__ import annotations

from collections.abc import Callable

from house.constructs.monitoring import PROMETHEUS, prometheus_agent
from pydantic import JsonValue

from sovplatform.constructs import Chart
from sovplatform.records import RegionSpec, Role

Values = dict[str, JsonValue]

# https://artifacthub.io/packages/helm/cert-manager/cert-manager, values.yaml of v1.20: `imageRegistry` is for all its images.
CERT_MANAGER = Chart(
    name="cert-manager",
    namespace="cert-manager",
    repository="https://charts.jetstack.io",
    chart="cert-manager",
    version="v1.20.2",
    values={"crds": {"enabled": True, "keep": True}, "global": {"leaderElection": {"namespace": "cert-manager"}}},
    listens=(9402, 10250),
    images={"imageRegistry": ""},
)

# https://artifacthub.io/packages/helm/argo/argo-cd: the first password is made in the cluster (argocd-initial-admin-secret).
ARGO_CD = Chart(
    name="argo-cd",
    namespace="argocd",
    repository="https://argoproj.github.io/argo-helm",
    chart="argo-cd",
    version="9.5.7",
    values={
        "configs": {
            "cm": {"exec.enabled": False, "users.anonymous.enabled": "false", "statusbadge.enabled": False},
            "params": {"server.insecure": False},
        },
        "redis-ha": {"enabled": False},
        "dex": {"enabled": False},
        "notifications": {"enabled": False},
    },
    listens=(8080,),
    images={"global.image.repository": "argoproj/argocd", "redis.image.repository": "docker/library/redis"},
)

# https://artifacthub.io/packages/helm/kyverno/kyverno: what admits workloads by policy; without it nothing is admitted.
KYVERNO = Chart(
    name="kyverno",
    namespace="kyverno",
    repository="https://kyverno.github.io/kyverno",
    chart="kyverno",
    version="3.7.2",
    values={
        "admissionController": {"replicas": 1},
        "backgroundController": {"replicas": 1},
        "cleanupController": {"replicas": 1},
        "reportsController": {"replicas": 1},
        "features": {"forceFailurePolicyIgnore": {"enabled": False}},
        "grafana": {"enabled": False},
    },
    listens=(8000, 9443),
    images={"global.image.registry": ""},
)

_TLS = "/openbao/userconfig/openbao-tls"
_OPENBAO_CONFIG = f"""
ui = false
listener "tcp" {{
  address = "[::]:8200"
  cluster_address = "[::]:8201"
  tls_cert_file = "{_TLS}/tls.crt"
  tls_key_file = "{_TLS}/tls.key"
  tls_min_version = "tls13"
}}
storage "raft" {{
  path = "/openbao/data"
}}
audit "file" "to-file" {{
  options {{
    file_path = "/openbao/audit/audit.log"
    mode = "0600"
  }}
}}
service_registration "kubernetes" {{}}
"""
_OPENBAO_NAMES = ["openbao.openbao.svc", "openbao-active.openbao.svc", "*.openbao-internal", "localhost"]

# https://github.com/openbao/openbao-helm, charts/openbao/values.yaml of 0.28.0. Raft with one member, TLS by cert-manager; it is
# ready before it is initialised and unsealed, which are a person's acts (or the provider's, by a `seal` of its key service).
OPENBAO = Chart(
    name="openbao",
    namespace="openbao",
    repository="https://openbao.github.io/openbao-helm",
    chart="openbao",
    version="0.28.0",
    values={
        "global": {"tlsDisable": False},
        "injector": {"enabled": False},
        "server": {
            "ha": {"enabled": True, "replicas": 1, "raft": {"enabled": True, "setNodeId": True, "config": _OPENBAO_CONFIG}},
            "dataStorage": {"enabled": True, "size": "10Gi"},
            "auditStorage": {"enabled": True, "size": "10Gi"},
            "readinessProbe": {"path": "/v1/sys/health?standbyok=true&sealedcode=204&uninitcode=204"},
            "extraVolumes": [{"type": "secret", "name": "openbao-tls"}],
            "extraEnvironmentVars": {"BAO_CACERT": f"{_TLS}/ca.crt"},
            "statefulSet": {
                "securityContext": {"container": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
            },
        },
        "extraObjects": [
            {
                "apiVersion": "cert-manager.io/v1",
                "kind": "Issuer",
                "metadata": {"name": "openbao-self-signed"},
                "spec": {"selfSigned": {}},
            },
            {
                "apiVersion": "cert-manager.io/v1",
                "kind": "Certificate",
                "metadata": {"name": "openbao-tls"},
                "spec": {
                    "secretName": "openbao-tls",
                    "dnsNames": _OPENBAO_NAMES,
                    "ipAddresses": ["127.0.0.1"],
                    "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
                    "issuerRef": {"name": "openbao-self-signed"},
                },
            },
        ],
    },
    listens=(8200, 8201),
    images={"server.image.registry": ""},
)

_SPIFFE = "https://spiffe.github.io/helm-charts-hardened"

# https://github.com/spiffe/helm-charts-hardened, charts/spire-crds 0.6.0 and charts/spire 0.30.0. The agent attests processes of
# its node and the CSI driver mounts its socket, so both are privileged.
SPIRE_CRDS = Chart(name="spire-crds", namespace="spire", repository=_SPIFFE, chart="spire-crds", version="0.6.0")


def _spire(pilot: str, region: RegionSpec, values: Values) -> Chart:
    trust_domain = f"{region.name}.{pilot}.sov"
    spire: Values = {"trustDomain": trust_domain, "clusterName": region.name, "jwtIssuer": f"https://oidc.{trust_domain}"}
    off: Values = {"spiffe-oidc-discovery-provider": {"enabled": False}, "tornjak-frontend": {"enabled": False}}
    return Chart(
        name="spire",
        namespace="spire",
        repository=_SPIFFE,
        chart="spire",
        version="0.30.0",
        values={"global": {"spire": spire}, **off, **values},
        pod_security="privileged",
        listens=(8081, 9443),
        after=("spire-crds",),
        images={"global.spire.image.registry": ""},
    )


def spire(pilot: str, region: RegionSpec) -> Chart:
    """Server, agents and CSI driver; the trust domain is the region's own, as it is in an embedded one."""
    return _spire(pilot, region, {"spire-server": {"enabled": True, "persistence": {"size": "2Gi"}}})


def spire_agent(pilot: str, region: RegionSpec) -> Chart:
    """Agents alone, on a site too small for a server: the region's settings name the server (`spire_server`)."""
    server = str(region.settings.get("spire_server") or f"spire.{region.name}.{pilot}.sov")
    values: Values = {"spire-server": {"enabled": False}, "spire-agent": {"server": {"address": server, "port": 8081}}}
    return _spire(pilot, region, values).model_copy(update={"calls": (8081,)})


# https://artifacthub.io/packages/helm/community-charts/mlflow. SQLite and artifacts on a volume; a provider with a database lays
# `backendStore` over it, with `existingDatabaseSecret`. MLflow would else send usage statistics.
MLFLOW = Chart(
    name="mlflow",
    namespace="mlflow",
    repository="https://community-charts.github.io/helm-charts",
    chart="mlflow",
    version="1.12.0",
    values={
        "strategy": {"type": "Recreate"},
        "extraVolumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "mlflow-data"}}],
        "extraVolumeMounts": [{"name": "data", "mountPath": "/mlflow/data"}],
        "backendStore": {"defaultSqlitePath": "/mlflow/data/mlflow.db"},
        "artifactRoot": {"proxiedArtifactStorage": True, "defaultArtifactsDestination": "/mlflow/data/artifacts"},
        "extraEnvVars": {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
        "podSecurityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1001,
            "fsGroup": 1001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    },
    listens=(5000,),
    images={"image.repository": "burakince/mlflow"},
    volumes={"mlflow-data": "20Gi"},
)

# https://github.com/kubeflow/trainer/releases/tag/v2.3.0, charts/kubeflow-trainer/values.yaml. Its own runtimes stay off: the job
# that installs them fetches `kubectl` from the internet.
KUBEFLOW_TRAINER = Chart(
    name="kubeflow-trainer",
    namespace="kubeflow-system",
    repository="oci://ghcr.io/kubeflow/charts",
    chart="kubeflow-trainer",
    version="2.3.0",
    values={"jobset": {"install": True}, "runtimes": {"defaultEnabled": False}, "dataCache": {"enabled": False}},
    pod_security="baseline",
    listens=(8443, 9443, 10443),
    images={"image.registry": ""},
)

_KSERVE = "oci://ghcr.io/kserve/charts"

# https://kserve.github.io/website/docs/install/kserve-install, charts/kserve-resources: without Knative, and without an ingress.
# Not older: before 0.20 a canary got no share of its own where there is no Knative (kserve/kserve pull request 5672).
KSERVE_CRDS = Chart(name="kserve-crd", namespace="kserve", repository=_KSERVE, chart="kserve-crd", version="v0.20.0")
KSERVE = Chart(
    name="kserve",
    namespace="kserve",
    repository=_KSERVE,
    chart="kserve-resources",
    version="v0.20.0",
    values={
        "kserve": {
            "controller": {
                "deploymentMode": "Standard",
                "gateway": {"disableIngressCreation": True, "disableIstioVirtualHost": True},
            },
            "storage": {"enableModelcar": False},
            "localmodel": {"enabled": False},
        }
    },
    listens=(8443, 9443),
    after=("kserve-crd",),
    images={
        "kserve.controller.image": "kserve/kserve-controller",
        "kserve.controller.rbacProxyImage": "brancz/kube-rbac-proxy:v0.18.0",
        "kserve.agent.image": "kserve/agent",
        "kserve.router.image": "kserve/router",
        "kserve.storage.image": "kserve/storage-initializer",
    },
)

Made = Callable[[str, RegionSpec], Chart]
_ALL = frozenset(Role)
_CENTRAL = frozenset({Role.sovereign, Role.global_})
_SERVING = frozenset({Role.sovereign, Role.edge})
_EDGE = frozenset({Role.edge})

_WEEKS: dict[int, tuple[tuple[frozenset[Role], Chart | Made], ...]] = {
    2: ((_ALL, CERT_MANAGER), (_CENTRAL, ARGO_CD), (_CENTRAL, KYVERNO)),
    3: (
        (_CENTRAL, OPENBAO),
        (_ALL, SPIRE_CRDS),
        (_CENTRAL, spire),
        (_EDGE, spire_agent),
        (_CENTRAL, MLFLOW),
        (_CENTRAL, KUBEFLOW_TRAINER),
    ),
    4: ((_SERVING, KSERVE_CRDS), (_SERVING, KSERVE), (_CENTRAL, PROMETHEUS), (_EDGE, prometheus_agent)),
}


def charts(week: int, pilot: str, region: RegionSpec) -> tuple[Chart, ...]:
    """The charts that a region of this role gets in a week."""
    wanted = [chart for roles, chart in _WEEKS[week] if region.role in roles]
    return tuple(chart if isinstance(chart, Chart) else chart(pilot, region) for chart in wanted)
