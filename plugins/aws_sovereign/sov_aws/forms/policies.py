"""Policies: IAM's documents as JSON, and the statements that several constructs share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from sov_aws.forms.place import Arguments, Place, tags
from sovplatform import constructs
from sovplatform.interfaces.stackforms import Resource

Conditions = Mapping[str, Mapping[str, JsonValue]]
ANYONE: Arguments = {"AWS": "*"}


def document(*statements: Arguments) -> str:
    """A policy. Terraform's expressions in it stay what they are."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, separators=(",", ":"))


def statement(
    sid: str,
    actions: str | Sequence[str],
    resources: JsonValue = "*",
    *,
    effect: str = "Allow",
    principal: JsonValue = None,
    conditions: Conditions | None = None,
) -> Arguments:
    """One statement; policies of identities have no principal."""
    made: Arguments = {"Sid": sid, "Effect": effect}
    if principal is not None:
        made["Principal"] = principal
    made |= {"Action": actions if isinstance(actions, str) else list(actions), "Resource": resources}
    if conditions:
        made["Condition"] = {operator: dict(keys) for operator, keys in conditions.items()}
    return made


def deny(sid: str, actions: str | Sequence[str], conditions: Conditions | None = None, **more: JsonValue) -> Arguments:
    """A statement that denies."""
    return statement(
        sid, actions, more.get("resources", "*"), effect="Deny", principal=more.get("principal"), conditions=conditions
    )


def without_tls(actions: str, resources: JsonValue) -> Arguments:
    """Nothing goes over a connection without TLS."""
    return deny("TlsOnly", actions, {"Bool": {"aws:SecureTransport": "false"}}, principal=ANYONE, resources=resources)


def role(
    construct: constructs.Construct,
    place: Place,
    name: str,
    service: str,
    *,
    boundary: JsonValue = None,
    conditions: Conditions | None = None,
    session_tags: bool = False,
) -> Resource:
    """A role that one service may take, no other account's, and no person."""
    actions = ["sts:AssumeRole", "sts:TagSession"] if session_tags else "sts:AssumeRole"
    trust = statement("Service", actions, effect="Allow", principal={"Service": place.principal(service)}, conditions=conditions)
    del trust["Resource"]
    arguments: Arguments = {
        "name": place.named(name, limit=64),
        "description": f"{construct.title} of region {place.region.name}: {name}",
        "assume_role_policy": document(trust),
        "tags": tags(construct),
    }
    if boundary is not None:
        arguments["permissions_boundary"] = boundary
    return Resource(type="aws_iam_role", name=name.replace("-", "_"), arguments=arguments)


def allowed(holder: Resource, *statements: Arguments) -> Resource:
    """The rights of a role, its own and nobody else's."""
    arguments: Arguments = {"name": "own", "role": holder.ref("name"), "policy": document(*statements)}
    return Resource(type="aws_iam_role_policy", name=holder.name, arguments=arguments)


def attached(place: Place, holder: Resource, *policies: str) -> list[Resource]:
    """Policies of AWS's own on a role."""
    return [
        Resource(
            type="aws_iam_role_policy_attachment",
            name=f"{holder.name}_{policy.rpartition('/')[2].lower()}",
            arguments={"role": holder.ref("name"), "policy_arn": place.arn("iam", f"policy/{policy}", account="aws")},
        )
        for policy in policies
    ]


def waits(*resources: Resource) -> Arguments:
    """The argument that lets a thing come after others that it does not name."""
    return {"depends_on": [resource.address for resource in resources]}
