"""Platform services: walls before charts, charts in order, and nothing from outside where there is a mirror."""

import json
from typing import Any

import pytest

from sovplatform.backends.terraform.kubernetes import PRIVATE, kubernetes_providers, platform_services
from sovplatform.constructs import Chart, PlatformServices
from sovplatform.errors import ConfigError
from sovplatform.infrastructure import schema
from sovplatform.interfaces.stackforms import Form, Resource
from sovplatform.records import RegionSpec, Role

LABELS = {"sov-pilot": "demo", "sov-region": "de", "sov-jurisdiction": "de"}
REGION = RegionSpec(name="de", jurisdiction="DE", role=Role.sovereign, provider="onprem")
DEFINITIONS = Chart(name="crds", namespace="system", repository="https://charts.example", chart="crds", version="1.0.0")
SERVER = Chart(
    name="server",
    namespace="system",
    repository="https://charts.example",
    chart="server",
    version="2.0.0",
    values={"image": {"tag": "2"}, "replicas": 1},
    pod_security="baseline",
    listens=(9443,),
    calls=(10250,),
    after=("crds", "elsewhere"),
    images={"image.repository": "maker/server", "global.registry": ""},
    volumes={"data": "5Gi"},
)


def services(*charts: Chart, **options: Any) -> Form:
    return platform_services(PlatformServices(pilot="demo", region=REGION, labels=LABELS, charts=charts), **options)


def of_type(form: Form, kind: str) -> dict[str, Resource]:
    return {resource.name: resource for resource in form.resources if resource.type == kind}


def values(form: Form, release: str) -> Any:
    (text,) = of_type(form, "helm_release")[release].arguments["values"]  # type: ignore[misc]
    return json.loads(str(text))


def spec(form: Form, policy: str) -> Any:
    (only,) = of_type(form, "kubernetes_network_policy_v1")[policy].arguments["spec"]  # type: ignore[misc]
    return only


def test_what_is_made_keeps_to_the_providers_schemas() -> None:
    tree: dict[str, dict[str, Any]] = {}
    for resource in services(DEFINITIONS, SERVER).resources:
        tree.setdefault(resource.type, {})[resource.name] = dict(resource.arguments)
    assert schema.check({"resource": tree}) == []


def test_charts_share_their_namespace_and_the_weakest_standard_among_them_holds() -> None:
    (namespace,) = of_type(services(DEFINITIONS, SERVER), "kubernetes_namespace_v1").values()
    (metadata,) = namespace.arguments["metadata"]  # type: ignore[misc]
    assert metadata["labels"] == {  # type: ignore[index, call-overload]
        **LABELS,
        **{f"pod-security.kubernetes.io/{mode}": "baseline" for mode in ("enforce", "audit", "warn")},
    }
    (alone,) = of_type(services(DEFINITIONS), "kubernetes_namespace_v1").values()
    assert "restricted" in json.dumps(alone.arguments["metadata"])


def test_a_namespace_is_closed_but_for_dns_the_pilot_and_a_private_api_server() -> None:
    form = services(SERVER)
    assert spec(form, "system_default_deny") == {"pod_selector": [{}], "policy_types": ["Ingress", "Egress"]}
    dns, pilot, api = spec(form, "system_platform")["egress"]
    assert {port["port"] for port in dns["ports"]} == {"53"}
    assert pilot["to"][1]["namespace_selector"] == [{"match_labels": {"sov-pilot": "demo", "sov-region": "de"}}]
    assert [entry["ip_block"][0]["cidr"] for entry in api["to"]] == list(PRIVATE)
    assert [port["port"] for port in api["ports"]] == ["443", "6443", "10250"]
    _, called = spec(form, "system_platform")["ingress"]
    assert [port["port"] for port in called["ports"]] == ["9443"]


def test_nobody_from_outside_calls_a_chart_that_does_not_listen() -> None:
    assert spec(services(DEFINITIONS), "system_platform")["ingress"] == [{"from": [{"pod_selector": [{}]}]}]


def test_a_chart_waits_for_its_walls_its_volumes_and_the_charts_before_it() -> None:
    release = of_type(services(DEFINITIONS, SERVER), "helm_release")["server"].arguments
    assert release["depends_on"] == [
        "kubernetes_network_policy_v1.system_default_deny",
        "kubernetes_network_policy_v1.system_platform",
        "kubernetes_persistent_volume_claim_v1.server_data",
        "helm_release.crds",
    ]
    assert (release["version"], release["atomic"], release["wait"], release["create_namespace"]) == ("2.0.0", True, True, False)


def test_a_mirror_replaces_the_repository_and_the_registry_of_the_images() -> None:
    form = services(SERVER, mirror="oci://registry.de.example/sov/")
    assert of_type(form, "helm_release")["server"].arguments["repository"] == "oci://registry.de.example/sov/"
    assert values(form, "server") == {
        "global": {"registry": "registry.de.example/sov"},
        "image": {"repository": "registry.de.example/sov/maker/server", "tag": "2"},
        "replicas": 1,
    }


def test_a_provider_lays_its_own_values_over_the_charts() -> None:
    form = services(SERVER, values={"server": {"image": {"tag": "3"}, "seal": {"kind": "kms"}}})
    assert values(form, "server") == {"image": {"tag": "3"}, "seal": {"kind": "kms"}, "replicas": 1}


def test_volumes_rest_where_the_provider_says() -> None:
    claim = of_type(services(SERVER, storage_class="encrypted"), "kubernetes_persistent_volume_claim_v1")["server_data"]
    (wanted,) = claim.arguments["spec"]  # type: ignore[misc]
    assert wanted["storage_class_name"] == "encrypted"  # type: ignore[index, call-overload]


def test_both_providers_get_the_connection_each_in_its_own_form() -> None:
    connection: dict[str, Any] = {"host": "${var.host}", "exec": {"api_version": "v1", "command": "aws"}}
    kubernetes, helm = kubernetes_providers(["aws", "helm", "kubernetes"], connection)
    assert kubernetes.configuration["exec"] == [{"api_version": "v1", "command": "aws"}]
    assert helm.configuration["kubernetes"] == connection
    both = {"provider": {one.name: [dict(one.configuration)] for one in (kubernetes, helm)}}
    assert schema.check(both) == []
    assert kubernetes_providers(["aws"], connection) == []


@pytest.mark.parametrize(("connection", "said"), [({"token": "abc"}, "a token in clear"), ({"hots": "x"}, "no setting hots")])
def test_a_connection_that_is_wrong_or_would_give_a_secret_away_is_refused(connection: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        kubernetes_providers(["helm"], connection)
