"""What hides in a chart's values: manifests as trees, texts and templates, and ways in from outside."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sovplatform.infrastructure.document import document
from sovplatform.infrastructure.embedded import Embedded
from sovplatform.infrastructure.judgement import judge_document, judging
from sovplatform.infrastructure.named import notes
from sovplatform.pilot import Pilot
from sovplatform.policy.engine import PolicyEngine
from tests.fixtures.judged import cluster
from tests.unit.infrastructure.test_judgement import STACK, bank, planned

__all__ = ["bank"]

CHART = {"repository": "oci://registry.example/sov", "chart": "argo-cd", "version": "9.5.7"}
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"type": "ClusterIP"}}
OPEN = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"podSelector": {}, "egress": [{}]}}
TEXT = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nspec: {podSelector: {}, egress: [{}]}\n"
CERTIFICATE = {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "spec": {"secretName": "x", "dnsNames": ["x.svc"]}}
ISSUER = {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "spec": {"selfSigned": {}}}
ACME = {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "spec": {"acme": {"server": "https://acme.example"}}}
MANY = "a: &a [x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}]"
    for old, new in zip("abcdef", "bcdefg", strict=True)
)
"""YAML of a few lines that comes to millions of values."""


@pytest.fixture(scope="module")
def engine() -> PolicyEngine:
    return judging()


def denied_by(engine: PolicyEngine, bank: Pilot, *texts: str) -> set[str]:
    plan = planned("helm_release", {"values": {"constant_value": list(texts)}}, {**CHART, "values": list(texts)})
    given = cluster()
    given["resources"]["helm_release"] = document(plan, STACK, {}, bank)["resources"]["helm_release"]
    told = document(plan, STACK, {}, bank)["notes"]
    given["notes"] = notes(given["resources"]) | {"opaque": told["opaque"], "secrets": told["secrets"]}
    judgement = judge_document(given, "de-week2", "sha256:0", engine)
    assert judgement.allow is (judgement.denials == ())
    return {denial.rule for denial in judgement.denials}


UNKNOWN: dict[str, Any] = {
    "a list of objects": {"extraObjects": [SERVICE]},
    "a list of another name": {"extraDeploy": [OPEN]},
    "objects by name": {"extraManifests": {"x": OPEN}},
    "one that is allowed beside one that is not": {"additionalManifests": [CERTIFICATE, OPEN]},
    "deep inside": {"server": {"sub": [{"whatever": {"thing": OPEN}}]}},
    "an object in an object": {"extraObjects": [{**CERTIFICATE, "spec": {"additional": OPEN}}]},
    "a list of Kubernetes": {"extraObjects": [{"apiVersion": "v1", "kind": "List", "items": [OPEN]}]},
    "a text": {"extraObjects": [TEXT]},
    "one text": {"extraDeploy": TEXT},
    "several in one text": {"extraDeploy": f"---\n{json.dumps(CERTIFICATE)}\n---\n{TEXT}"},
    "a text of JSON": {"extraManifests": [json.dumps(OPEN)]},
    "a list in a text": {"extraManifests": f"- {json.dumps(OPEN)}\n"},
    "a text in a text": {"extraManifests": [json.dumps({"x": TEXT})]},
    "a text where nobody looks": {"server": {"note": f"x\n---\n{TEXT}"}},
    "escapes in a text": {"note": '{"\\x6bind": "Service", "apiVers\\x69on": "v1"}'},
    "an issuer outside": {"extraObjects": [ACME]},
    "an issuer both ways": {"extraObjects": [{**ISSUER, "spec": {"selfSigned": {}, "vault": {"server": "https://x.example"}}}]},
    "names in another case": {"extraObjects": [{"APIVersion": "v1", "Kind": "Service"}]},
}
UNREADABLE: dict[str, Any] = {
    "a template": {"extraObjects": ['{{ include "x" . }}']},
    "a template in a tree": {"extraDeploy": [{"kind": "{{ .Values.kind }}", "apiVersion": "v1"}]},
    "a template where nobody looks": {"server": {"name": "x{{ .Values.more }}"}},
    "a template as a key": {"server": {"{{ .Values.name }}": "x"}},
    "no object": {"extraManifests": ["egress: [{}]"]},
    "no YAML": {"extraObjects": ["kind: [apiVersion: {"]},
    "a number": {"extraDeploy": [1]},
    "a tree without a kind": {"additionalManifests": [{"spec": {"egress": ["x"]}}]},
    "no YAML where nobody looks": {"note": "apiVersion: v1\nkind: Service\n\tspec: x"},
    "aliases": {"note": MANY},
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_a_manifest_in_values_is_judged_as_one(engine: PolicyEngine, bank: Pilot, case: str) -> None:
    assert denied_by(engine, bank, json.dumps(UNKNOWN[case])) == {"type.unknown"}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_may_be_a_manifest_and_cannot_be_read_is_denied(engine: PolicyEngine, bank: Pilot, case: str) -> None:
    assert "value.unreadable" in denied_by(engine, bank, json.dumps(UNREADABLE[case]))


def test_certificates_of_the_cluster_itself_are_allowed(engine: PolicyEngine, bank: Pilot) -> None:
    by_ca = {**ISSUER, "spec": {"ca": {"secretName": "x"}}}
    assert denied_by(engine, bank, json.dumps({"extraObjects": [CERTIFICATE, ISSUER, by_ca, json.dumps(ISSUER)]})) == set()


@pytest.mark.parametrize(
    "values",
    [
        {"extraObjects": [], "extraDeploy": None, "extraManifests": {}, "additionalManifests": ""},
        {"resources": {"limits": {"cpu": "1"}}, "kind": "DaemonSet"},
        {"config": 'ui = false\nlistener "tcp" {\n  address = "[::]:8200"\n}\n'},
        {"rules": "groups:\n- name: x\n  rules: [{alert: A, expr: up == 0}]\n"},
        {"ingress": {"enabled": False}, "gateway": {"disableIngressCreation": True}, "service": {"type": "ClusterIP"}},
        {"hostNetwork": False, "server": {"ingressGrpc": {"enabled": "false"}}},
    ],
)
def test_what_is_no_manifest_and_no_way_in_is_allowed(engine: PolicyEngine, bank: Pilot, values: Any) -> None:
    assert denied_by(engine, bank, json.dumps(values)) == set()


@pytest.mark.parametrize(
    "values",
    [
        {"service": {"type": "LoadBalancer"}},
        {"server": {"service": {"type": "NodePort"}}},
        {"services": [{"name": "x"}, {"type": "LoadBalancer"}]},
        {"ingress": {"enabled": True}},
        {"ingress": {"enabled": "yes"}},
        {"server": {"ingressGrpc": {"enabled": True}}},
        {"ingress": {"internal": {"enabled": True}}},
        {"httproute": {"create": True}},
        {"server": {"httpRoute": {"main": {"enabled": True}}}},
        {"route": {"enabled": True}},
        {"gateway": {"install": True}},
        {"istio": {"virtualService": {"enabled": True}}},
        {"loadBalancer": {"enabled": True}},
        {"service": {"externalIPs": ["203.0.113.7"]}},
        {"service": {"externalName": "x.example"}},
        {"hostNetwork": True},
        {"ports": [{"hostPort": 443}]},
    ],
)
def test_a_way_in_from_outside_is_denied(engine: PolicyEngine, bank: Pilot, values: Any) -> None:
    assert denied_by(engine, bank, json.dumps(values)) == {"public.balancer"}


@pytest.mark.parametrize(
    "texts",
    [
        ("service: {type: LoadBalancer}", "{}"),
        ("{}", "service: {type: LoadBalancer}"),
        ('{"service": {"type": "LoadBalancer"}, "service": {"type": "ClusterIP"}}',),
        ("[]",),
        ("5",),
    ],
)
def test_values_of_which_a_part_cannot_be_read_are_denied(engine: PolicyEngine, bank: Pilot, texts: tuple[str, ...]) -> None:
    """What follows them that can be read makes them no better."""
    assert denied_by(engine, bank, *texts) == {"value.unreadable"}


def test_all_the_values_of_a_chart_are_read(engine: PolicyEngine, bank: Pilot) -> None:
    assert denied_by(engine, bank, "{}", json.dumps({"service": {"type": "NodePort"}}), "{}") == {"public.balancer"}


def test_an_object_is_told_with_its_place_and_its_kind() -> None:
    found = Embedded.of({"server": {"extraObjects": [ISSUER]}}, "values")
    assert [(one["path"], one["kind"], one["blocks"]) for one in found.objects] == [
        ("values.server.extraObjects", "cert-manager.io/v1/Issuer", {"spec": 1})
    ]
    assert found.unread == []
