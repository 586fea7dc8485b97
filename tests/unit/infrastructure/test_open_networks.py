"""All the ways to open a namespace to the world, each denied; and the walls that our own stacks build, allowed."""

from __future__ import annotations

from typing import Any

import pytest

from sovplatform.infrastructure.document import document
from sovplatform.infrastructure.judgement import judge_document, judging
from sovplatform.infrastructure.named import notes
from sovplatform.pilot import Pilot
from sovplatform.policy.engine import PolicyEngine
from tests.fixtures.judged import WALL, Document, cluster, labels, thing
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


@pytest.mark.parametrize(
    "wall",
    [
        [],
        [{"spec": [{**PODS, "policy_types": ["Ingress"]}]}],
        [{"spec": [{**PODS, "policy_types": ["Egress"]}]}],
        [{"spec": [{"pod_selector": [{"match_labels": {"app": "x"}}], "policy_types": ["Ingress", "Egress"]}]}],
        [{"spec": [{"policy_types": ["Ingress", "Egress"]}]}],
    ],
)
def test_a_namespace_without_walls_is_denied(engine: PolicyEngine, wall: list[Any]) -> None:
    given = cluster()
    given["resources"]["kubernetes_namespace_v1"]["argo"]["attached"] = {"kubernetes_network_policy_v1": list(map(thing, wall))}
    assert denied_by(engine, given) == {"namespace.unguarded"}


def test_two_policies_may_wall_a_namespace_together(engine: PolicyEngine) -> None:
    given = cluster()
    walls = [thing({"spec": [{**PODS, "policy_types": [way]}]}) for way in ("Ingress", "Egress")]
    given["resources"]["kubernetes_namespace_v1"]["argo"]["attached"] = {"kubernetes_network_policy_v1": walls}
    assert denied_by(engine, given) == set()


def test_a_policy_of_a_plan_is_shown_with_the_namespace_that_it_walls(bank: Pilot) -> None:
    """And what some of its rules lack is told, however much the others have."""
    space = planned("kubernetes_namespace_v1", {}, {**META})
    spec = {"egress": [{"to": []}, {"to": TWO}], **WALL["spec"][0]}
    said = {"metadata": [{"namespace": {"constant_value": "${kubernetes_namespace_v1.x.metadata[0].name}"}}]}
    policy = planned("kubernetes_network_policy_v1", said, {**META, "spec": [spec]})
    both = {**space, "resource_changes": [*space["resource_changes"], *policy["resource_changes"]]}
    both["configuration"] = policy["configuration"]
    given = document(both, STACK, {}, bank)["resources"]
    assert "spec.egress.to" in given["kubernetes_network_policy_v1"]["x"]["partial"]
    [wall] = given["kubernetes_namespace_v1"]["x"]["attached"]["kubernetes_network_policy_v1"]
    assert wall["values"]["spec.policy_types"] == ["Ingress", "Egress"]
