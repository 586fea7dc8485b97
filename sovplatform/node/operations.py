"""What may be asked of a node on its socket, and by whom.

The operator (any process of this user that is not a job) steers; a job works. Neither can do the other's part: a job cannot
start jobs or write events of its choice, and the operator cannot send an artifact over the border.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sovplatform.errors import ConfigError, IdentityRefused
from sovplatform.pilot import RegionConfig
from sovplatform.records import JobSpec, PrivacyPlan, ServingState, Trust
from sovplatform.wire import Operation, Peer

if TYPE_CHECKING:
    from sovplatform.node.daemon import Node

OPERATOR_EVENTS = ("region.", "stage.", "release.", "run.", "serving.", "operator.")
_PAGE = 500

Body = Mapping[str, Any]
Answer = Mapping[str, Any]


def operations(node: Node) -> dict[str, Operation]:
    """All operations by name."""
    by_operator: dict[str, Callable[[Body], Answer]] = {
        "status": lambda body: node.status().model_dump(mode="json"),
        "trust": lambda body: node.trust_material().model_dump(mode="json"),
        "federate": lambda body: _federate(node, body),
        "submit": lambda body: node.submit(JobSpec.model_validate(body)).model_dump(mode="json"),
        "job": lambda body: node.jobs.status(str(body["id"])).model_dump(mode="json"),
        "wait": lambda body: node.jobs.wait(str(body["id"]), min(float(body["timeout"]), 60.0)).model_dump(mode="json"),
        "logs": lambda body: {"lines": node.jobs.logs(str(body["id"]))},
        "cancel": lambda body: node.jobs.cancel(str(body["id"])).model_dump(mode="json"),
        "serve": lambda body: node.serve(ServingState.model_validate(body)).model_dump(mode="json"),
        "endpoint": lambda body: node.server.status(str(body["name"])).model_dump(mode="json"),
        "predict": lambda body: node.server.predict(str(body["name"]), body["payload"]),
        "metrics": lambda body: {"text": node.server.metrics(str(body["name"]))},
        "unserve": lambda body: _unserve(node, str(body["name"])),
        "record": lambda body: _record(node, body),
        "spent": lambda body: {"datasets": [item.model_dump(mode="json") for item in node.border.spent()]},
        "checkpoint": lambda body: {"note": node.sealer.seal()},
        "witness": lambda body: _witness(node, body),
        "entries": lambda body: _entries(node, body),
        "stop": lambda body: node.ask_to_stop(),
    }
    by_job: dict[str, Callable[[Body, str], Answer]] = {
        "send": lambda body, who: node.border.send(body),
        "receive": lambda body, who: node.border.receive(body),
        "reserve": lambda body, who: node.border.reserve(PrivacyPlan.model_validate(body), who).model_dump(mode="json"),
    }
    table = {name: _for_operator(node, name, act) for name, act in by_operator.items()}
    return table | {name: _for_job(node, name, act) for name, act in by_job.items()}


def _for_operator(node: Node, name: str, act: Callable[[Body], Answer]) -> Operation:
    def operation(peer: Peer, body: Body) -> Answer:
        job = node.identity_of(peer)
        if job is not None:
            raise IdentityRefused(f"{job} may not ask for {name}", remedy="the operator does that, with sovctl")
        return act(body)

    return operation


def _for_job(node: Node, name: str, act: Callable[[Body, str], Answer]) -> Operation:
    def operation(peer: Peer, body: Body) -> Answer:
        job = node.identity_of(peer)
        if job is None:
            raise IdentityRefused(f"only a job of region {node.region.name} may ask for {name}", remedy="submit it as a job")
        return act(body, job)

    return operation


def _federate(node: Node, body: Body) -> Answer:
    node.federate(Trust.model_validate(body["trust"]), RegionConfig.model_validate(body["config"]))
    return {}


def _unserve(node: Node, name: str) -> Answer:
    node.server.remove(name)
    return {}


def _record(node: Node, body: Body) -> Answer:
    event = str(body["event"])
    if not event.startswith(OPERATOR_EVENTS):
        raise ConfigError(f"the operator does not write events named {event}", remedy=f"use one of {', '.join(OPERATOR_EVENTS)}")
    key = f"operator/{body['key']}" if body.get("key") else None  # the border's own keys are out of the operator's reach
    entry = node.record(event, str(body["subject"]), body.get("details") or {}, actor="operator", key=key)
    return {"index": entry.index}


def _witness(node: Node, body: Body) -> Answer:
    note = str(body["checkpoint"])
    region = str(body["region"])
    details = {"region": region, "checkpoint": note}
    node.record("ledger.witnessed", region, details, actor="operator", key=f"witness/{region}/{'/'.join(note.splitlines()[1:3])}")
    return {}


def _entries(node: Node, body: Body) -> Answer:
    start = int(body.get("start", 0))
    return {"entries": [entry.model_dump(mode="json") for entry in node.ledger.entries(start, start + _PAGE)]}
