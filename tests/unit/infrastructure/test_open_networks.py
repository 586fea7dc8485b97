"""All the ways to open a namespace to the world, each denied; and the walls that our own stacks build, allowed."""

from __future__ import annotations

from typing import Any

import pytest

from sovplatform.infrastructure.document import document
from sovplatform.infrastructure.judgement import judge_document, judging
from sovplatform.infrastructure.named import notes
from sovplatform.pilot import Pilot
from sovplatform.policy.engine import PolicyEngine
from tests.fixtures.judged import Document, cluster, labels, thing
from tests.unit.infrastructure.test_judgement import STACK, bank, planned

__all__ = ["bank"]

META = {"metadata": [{"name": "x", "labels": labels()}]}
PORTS = [{"port": "443", "protocol": "TCP"}]
PODS = {"pod_selector": [{}]}
TWO = [{"ip_block": [{"cidr": "10.0.0.0/8"}]}, PODS]
NAMED = {"namespace_selector": [{"match_labels": {"sov-pilot": "bank"}}]}
"""What our own policies say of the same pilot's namespaces."""


@pytest.fixture(scope="module")
def engine() -> PolicyEngine:
    return judging()


def denied_by(engine: PolicyEngine, given: Document) -> set[str]:
    given["notes"] = notes(given["resources"])
    judgement = judge_document(given, "de-week2", "sha256:0", engine)
    assert judgement.allow is (judgement.denials == ())
    return {denial.rule for denial in judgement.denials}


def block(cidr: str, **more: Any) -> list[dict[str, Any]]:
    return [{"ip_block": [{"cidr": cidr, **more}]}]


def selects(operator: str) -> list[dict[str, Any]]:
    expression = {"key": "kubernetes.io/metadata.name", "operator": operator, "values": ["x"]}
    return [{"namespace_selector": [{"match_expressions": [expression]}]}]


def with_rules(way: str, rules: Any) -> Document:
    """A policy whose rules for a way (`egress`, `ingress`) are these; each gives its peers, or none."""
    peers = {"egress": "to", "ingress": "from"}[way]
    told = [{peers: rule["peers"], **{key: item for key, item in rule.items() if key != "peers"}} for rule in rules]
    given = cluster()
    given["resources"]["kubernetes_network_policy_v1"] = {"x": thing({**META, "spec": [{way: told, **PODS}]})}
    return given


OPEN: dict[str, list[dict[str, Any]]] = {
    "no peers": [{"peers": []}],
    "no peers, which are null": [{"peers": None}],
    "ports alone": [{"peers": [], "ports": PORTS}],
    "no peers beside two": [{"peers": []}, {"peers": TWO}],
    "two beside no peers": [{"peers": TWO}, {"peers": [], "ports": PORTS}],
    "no peers beside many": [{"peers": [*TWO, *TWO]}, {"peers": []}, {"peers": TWO}],
    "a peer that is nobody": [{"peers": [{"ip_block": [], "pod_selector": [], "namespace_selector": []}]}],
    "a peer that is nobody beside one": [{"peers": [{}, *TWO]}],
    "everywhere": [{"peers": block("0.0.0.0/0")}],
    "everywhere but a part": [{"peers": block("0.0.0.0/0", **{"except": ["10.0.0.0/8"]})}],
    "everywhere, version 6": [{"peers": block("::/0")}],
    "everywhere, version 4 in 6": [{"peers": block("::ffff:0:0/96")}],
    "everywhere, through NAT64": [{"peers": block("64:ff9b::/96")}],
    "two halves": [{"peers": [*block("0.0.0.0/1"), *block("128.0.0.0/1")]}],
    "two halves, version 6": [{"peers": [*block("::/1"), *block("8000::/1")]}],
    "a quarter": [{"peers": block("64.0.0.0/2")}],
    "more than is private": [{"peers": block("10.0.0.0/7")}],
    "a private address in all": [{"peers": block("10.0.0.0/0")}],
    "zeros that are no decimal": [{"peers": block("000.0.0.0/0")}],
    "zeros before the length": [{"peers": block("0.0.0.0/00")}],
    "a mask": [{"peers": block("0.0.0.0/0.0.0.0")}],
    "a short form": [{"peers": block("0/0")}],
    "spaces": [{"peers": block(" 0.0.0.0/0 ")}],
    "one address of somebody": [{"peers": block("8.8.8.8/32")}],
    "one beside a private one": [{"peers": [*TWO, *block("8.8.8.8/32")]}],
    "every namespace": [{"peers": [{"namespace_selector": [{}]}]}],
    "every namespace, with empty lists": [{"peers": [{"namespace_selector": [{"match_labels": None, "match_expressions": []}]}]}],
    "every namespace beside ours": [{"peers": [NAMED, {"namespace_selector": [{}], **PODS}]}],
    "every namespace that has a name": [{"peers": selects("Exists")}],
    "every namespace but one": [{"peers": selects("NotIn")}],
    "every namespace without a label": [{"peers": selects("DoesNotExist")}],
}


@pytest.mark.parametrize("way", ["egress", "ingress"])
@pytest.mark.parametrize("case", OPEN)
def test_what_opens_a_namespace_is_denied(engine: PolicyEngine, case: str, way: str) -> None:
    assert denied_by(engine, with_rules(way, OPEN[case])) == {f"public.{way}"}


@pytest.mark.parametrize("way", ["egress", "ingress"])
def test_an_empty_rule_is_denied(engine: PolicyEngine, way: str) -> None:
    given = cluster()
    for rules in ([{}], [{}, {"to": TWO, "from": TWO}], [{"to": TWO, "from": TWO}, {}]):
        given["resources"]["kubernetes_network_policy_v1"] = {"x": thing({**META, "spec": [{way: rules, **PODS}]})}
        assert denied_by(engine, given) == {f"public.{way}"}


@pytest.mark.parametrize("way", ["egress", "ingress"])
def test_rules_that_each_name_somebody_are_allowed(engine: PolicyEngine, way: str) -> None:
    named = [{"peers": [NAMED], "ports": PORTS}, {"peers": TWO}, {"peers": [PODS]}, {"peers": block("fd00::/8")}]
    assert denied_by(engine, with_rules(way, named)) == set()
    assert denied_by(engine, with_rules(way, [{"peers": selects("In")}])) == set()


@pytest.mark.parametrize("path", ["spec.egress.to.ip_block.cidr", "spec.egress.to", "spec.egress"])
@pytest.mark.parametrize("part", ["refs", "mixed"])
def test_a_range_that_is_known_later_is_denied(engine: PolicyEngine, path: str, part: str) -> None:
    given = with_rules("egress", [{"peers": TWO}])
    given["resources"]["kubernetes_network_policy_v1"]["x"][part] = {path: ["var.range"]}
    assert denied_by(engine, given) == {"public.egress"}


@pytest.mark.parametrize("kind", ["NetworkPolicy", "CiliumNetworkPolicy", "AdminNetworkPolicy", "Service", "Ingress", "List"])
def test_a_manifest_opens_nothing(engine: PolicyEngine, kind: str) -> None:
    given = cluster()
    manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"labels": labels()}, "spec": {"egress": [{}]}}
    given["resources"]["kubernetes_manifest"] = {"x": thing({"manifest": manifest})}
    assert denied_by(engine, given) == {"type.unknown"}


@pytest.mark.parametrize("kind", ["kubernetes_network_policy", "kubernetes_service", "kubectl_manifest"])
def test_an_older_or_strange_type_opens_nothing(engine: PolicyEngine, kind: str) -> None:
    given = cluster()
    given["resources"][kind] = {"x": thing({**META, "spec": [{"egress": [{"to": TWO}], **PODS}]})}
    assert "type.unknown" in denied_by(engine, given)


@pytest.mark.parametrize("walls", [None, [], ["Ingress"], ["Egress"]])
def test_a_namespace_without_walls_is_denied(engine: PolicyEngine, walls: list[str] | None) -> None:
    given = cluster()
    space = given["resources"]["kubernetes_namespace_v1"]["argo"]
    space.pop("walls")
    space |= {} if walls is None else {"walls": walls}
    assert denied_by(engine, given) == {"namespace.unguarded"}


def with_policies(bank: Pilot, *specs: dict[str, Any], space: str = "kubernetes_namespace_v1.x") -> dict[str, Any]:
    """The document of a namespace and network policies that are in a namespace of this stack."""
    plan = planned("kubernetes_namespace_v1", {}, {**META})
    said = {"metadata": [{"namespace": {"constant_value": f"${{{space}.metadata[0].name}}"}}]}
    for number, spec in enumerate(specs):
        one = planned("kubernetes_network_policy_v1", said, {**META, "spec": [spec]})
        plan["resource_changes"] += [{**change, "name": f"n{number}"} for change in one["resource_changes"]]
        resources = one["configuration"]["root_module"]["resources"]
        plan["configuration"]["root_module"]["resources"] += [{**it, "name": f"n{number}"} for it in resources]
    told: dict[str, Any] = document(plan, STACK, {}, bank)["resources"]
    return told


BOTH = {"policy_types": ["Ingress", "Egress"]}


@pytest.mark.parametrize(
    ("specs", "walls"),
    [
        ([{**PODS, **BOTH}], ["Egress", "Ingress"]),
        ([{**PODS, "policy_types": ["Ingress"]}, {**PODS, "policy_types": ["Egress"]}], ["Egress", "Ingress"]),
        ([{**PODS, "policy_types": ["Ingress"]}], ["Ingress"]),
        ([{"pod_selector": [{"match_labels": {"app": "x"}}], **BOTH}], []),
        ([{"pod_selector": [{"match_labels": {"app": "${var.x}"}}], **BOTH}], []),
        ([{**BOTH}], []),
    ],
)
def test_a_policy_of_a_plan_walls_its_namespace(bank: Pilot, specs: list[dict[str, Any]], walls: list[str]) -> None:
    assert with_policies(bank, *specs)["kubernetes_namespace_v1"]["x"].get("walls", []) == walls


def test_a_policy_of_another_namespace_is_no_wall(bank: Pilot) -> None:
    told = with_policies(bank, {**PODS, **BOTH}, space="kubernetes_namespace_v1.y")
    assert "walls" not in told["kubernetes_namespace_v1"]["x"]


def test_what_some_rules_of_a_plan_lack_is_told_however_much_the_others_have(bank: Pilot) -> None:
    told = with_policies(bank, {"egress": [{"to": []}, {"to": TWO}], **PODS, **BOTH})
    assert "spec.egress.to" in told["kubernetes_network_policy_v1"]["n0"]["partial"]
