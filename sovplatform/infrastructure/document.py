"""The document of facts that the rules see of one stack's plan, in process and under stock OPA alike.

Nothing in it is trusted because it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sovplatform.infrastructure.embedded import doors
from sovplatform.infrastructure.flattening import Expressions, Facts, rights, trusted
from sovplatform.infrastructure.forbidden import forbidden
from sovplatform.infrastructure.named import Names, arns, codes, notes, projects
from sovplatform.infrastructure.origins import gone, sources
from sovplatform.infrastructure.origins import providers as configured
from sovplatform.infrastructure.places import places
from sovplatform.infrastructure.request import SynthStack
from sovplatform.infrastructure.suspicions import looks_secret, marks, outside, partial, secrets, walls
from sovplatform.infrastructure.written import constants, list_unread, policies, read_json
from sovplatform.pilot import Pilot
from sovplatform.records import RegionSpec

ALWAYS = ("construct", "values", "blocks", "refs", "mixed", "documents")
"""What each resource has in the document, even when it is empty; all else is there only when there is something to tell."""
_NOTED = ("arns", "documents", "ignores", "mentions", "opaque", "projects", "secrets", "strangers")
_ATTACHED = {
    "bucket": "aws_s3_bucket_",
    "key_id": "aws_kms_key_policy",
    "policy_id": "aws_organizations_policy_attachment",
    "crypto_key": "google_kms_crypto_key_version",
}
"""What is told of a thing in resources of their own is shown with it: by which argument, and which types."""


def document(
    plan: Mapping[str, Any],
    stack: SynthStack,
    body: Mapping[str, Any],
    pilot: Pilot,
    *,
    destroy: bool = False,
    cost: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """What the rules see of a plan.

    Args:
        plan: what `terraform show -json` tells.
        stack: the stack as it was synthesised.
        body: its `cdk.tf.json`, for what a plan does not tell: constructs, lifecycles, and where the state rests.
        destroy: whether everything is to go, as somebody asked.
        cost: `month_high` and `limit`, in the pilot's currency, and how many machines are `unknown` to the price tables.
    """
    every = [place.region for place in places(pilot)]
    told: dict[str, Any] = {
        **_place(plan, stack, pilot, every),
        "sources": sources(plan),
        "backend": _backend(body),
        "variables": {
            name: {"stack": it.stack, "region": re.sub(r"-week\d$", "", it.stack), "output": it.output}
            for name, it in stack.variables.items()
        },
        "destroy": destroy,
        "errored": plan.get("errored") is not False,
        "complete": plan.get("complete") is not False and "configuration" in plan,
        "forbidden": sorted(set(forbidden(plan, body))),
        "deletes": gone(plan),
        "resources": {},
        "data": {},
    }
    if cost is not None:
        told["cost"] = dict(cost)
    _Teller(told, plan, body, _names(pilot, stack.region, every)).tell()
    told["notes"] = notes(told["resources"])
    for named in told["resources"].values():
        for one in named.values():
            for fact in _NOTED:
                one.pop(fact, None)
    return told


def _place(plan: Mapping[str, Any], stack: SynthStack, pilot: Pilot, every: Sequence[RegionSpec]) -> dict[str, Any]:
    """Which stack of which region that is, where it lies, and by which providers it is reached."""
    region = stack.region
    providers = {name: _provider(one) for name, one in configured(plan).items()}
    return {
        "stack": {"name": stack.name, "week": stack.week},
        "pilot": pilot.name,
        "region": {
            "name": region.name,
            "jurisdiction": region.jurisdiction,
            "role": str(region.role),
            "provider": region.provider,
        },
        "locations": [trusted(one) for one in stack.locations],
        "account": _account(region.provider, region.settings, providers),
        "peers": [{"name": one.name, "jurisdiction": one.jurisdiction, "role": str(one.role)} for one in every],
        "mirror": str(trusted(str(region.settings.get("mirror") or ""))),
        "providers": providers,
    }


def _names(pilot: Pilot, region: RegionSpec, every: Sequence[RegionSpec]) -> Names:
    """How things are called here, and in the regions that are under another law."""
    others = [one for one in every if one.name != region.name and one.jurisdiction != region.jurisdiction]
    return Names(pilot=pilot.name, own=region.name, strangers=tuple(f"{pilot.name}-{one.name}" for one in others))


class _Teller:
    """Tells of the resources, the data sources, and what is deleted."""

    def __init__(self, told: dict[str, Any], plan: Mapping[str, Any], body: Mapping[str, Any], names: Names) -> None:
        self._told, self._plan, self._body, self._names = told, plan, body, names
        root = plan.get("configuration", {}).get("root_module", {})
        self._said = {(one["mode"], one["type"], one["name"]): one for one in root.get("resources", ())}

    def tell(self) -> None:
        changed = set()
        for change in self._plan.get("resource_changes", ()):
            if change["mode"] != "managed":
                continue
            changed.add((change["type"], change["name"]))
            self._change(change)
        for (mode, kind, name), said in self._said.items():
            if mode == "data":
                self._section("data", kind)[name] = self._one(said, said, None, False)
        written = {(kind, name) for kind, named in self._body.get("resource", {}).items() for name in named}
        if not self._told["destroy"] and (written - changed):
            self._told["complete"] = False  # only some of the stack was planned
        self._attach()

    def _section(self, section: str, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = self._told[section].setdefault(str(trusted(kind)), {})
        return found

    def _change(self, change: Mapping[str, Any]) -> None:
        kind, what = change["type"], change["change"]
        actions = list(what["actions"])
        name = _indexed(change)
        if "delete" in actions or "forget" in actions:
            self._told["deletes"].append({"type": kind, "name": name, "replaced": "create" in actions})
        if what.get("importing"):
            self._told["forbidden"].append(f"import of {kind}.{name}")
        if actions not in (["delete"], ["forget"]):
            said = self._said.get(("managed", kind, change["name"]), {})
            one = self._one(change, said, what.get("after"), what.get("after_sensitive"))
            self._section("resources", kind)[name] = {"actions": actions, **one}

    def _one(self, at: Mapping[str, Any], said: Mapping[str, Any], after: Any, sensitive: Any) -> dict[str, Any]:
        section = "data" if at["mode"] == "data" else "resource"
        written = self._body.get(section, {}).get(at["type"], {}).get(at["name"], {})
        facts, expressions = Facts(), Expressions()
        expressions.add(said.get("expressions", {}))
        facts.add(after if after is not None else constants(said.get("expressions", {})), sensitive=sensitive)
        read = policies(facts, expressions, after)
        objects, unread = read_json(facts, expressions, after)
        if at["type"] == "vault_policy" and (written_rights := rights(str((after or {}).get("policy", "")))):
            read["policy"] = written_rights
        list_unread(at["type"], facts, expressions, read)
        texts = facts.raw + expressions.templates
        incomplete = partial(facts, expressions)
        lifecycle = written.get("lifecycle", {})
        lifecycle = lifecycle[0] if isinstance(lifecycle, list) and lifecycle else lifecycle
        told = {
            "construct": str(trusted(written.get("//", {}).get("metadata", {}).get("path", ""))),
            "values": facts.values,
            "blocks": facts.blocks,
            "refs": expressions.refs,
            "mixed": expressions.mixed,
            "partial": incomplete,
            "hollow": sorted(facts.hollow),
            "marks": marks(facts, incomplete),
            "opaque": sorted(path for path in facts.opaque if path not in read),
            "documents": read,
            "doors": doors(facts.values) if at["type"] == "helm_release" else [],
            "objects": objects,
            "unread": unread,
            "mentions": codes(texts),
            "arns": arns(texts),
            "projects": projects(texts),
            "strangers": self._names.mentioned(texts),
            "outside": outside(facts.values),
            "secrets": secrets(facts.values) + (["what is written"] if looks_secret(texts) else []),
            "ignores": [str(trusted(one)) for one in _list(lifecycle.get("ignore_changes"))] if lifecycle else [],
            "attached": {},
        }
        return {key: value for key, value in told.items() if value or key in ALWAYS}

    def _attach(self) -> None:
        for kind, named in self._told["resources"].items():
            for one in named.values():
                for argument, types in _ATTACHED.items():
                    if kind.startswith(types):
                        self._attach_one(kind, one, one["refs"].get(argument, ()))

                if kind == "kubernetes_network_policy_v1":
                    self._wall(one)

    def _wall(self, policy: Mapping[str, Any]) -> None:
        for owner in policy["refs"].get("metadata.namespace", ()):
            owner_kind, _, rest = owner.partition(".")
            space = self._told["resources"].get(owner_kind, {}).get(rest.split(".")[0])
            if space is not None:
                space["walls"] = sorted({*space.get("walls", ()), *walls(policy)})

    def _attach_one(self, kind: str, one: Mapping[str, Any], owners: Sequence[str]) -> None:
        for owner in owners:
            owner_kind, _, rest = owner.partition(".")
            target = self._told["resources"].get(owner_kind, {}).get(rest.split(".")[0])
            if target is not None:
                shown = {key: one[key] for key in ("values", "refs", "documents", "blocks") if key in one}
                target.setdefault("attached", {}).setdefault(kind, []).append(shown)


def _indexed(change: Mapping[str, Any]) -> str:
    index = change.get("index")
    return str(trusted(change["name"] if index is None else f"{change['name']}[{index}]"))


def _provider(configuration: Any) -> dict[str, Any]:
    facts = Facts()
    facts.add(configuration)
    return {"values": facts.values, "opaque": sorted(facts.opaque)}


_PLACEHOLDERS = {"aws": "000000000000", "gcp": "project"}
"""What stands for an account that the pilot does not name yet, also in a stack without the cloud's own provider."""


def _account(provider: str, settings: Mapping[str, Any], providers: Mapping[str, Any]) -> str:
    """Whose everything here is: the account or project that the settings name, or the placeholder that stands for it."""
    named = settings.get("account") or settings.get("project")
    google = providers.get("google", {}).get("values", {}).get("project", [])
    aws = providers.get("aws", {}).get("values", {}).get("allowed_account_ids", [])
    return str(trusted(str(named or next(iter([*google, *aws]), _PLACEHOLDERS.get(provider, "")))))


def _backend(body: Mapping[str, Any]) -> dict[str, Any]:
    for settings in _list(body.get("terraform")):
        for kind, configuration in (settings.get("backend") or {}).items():
            facts = Facts()
            facts.add(configuration)
            opaque = sorted(facts.opaque)
            return {"type": kind, "configuration": facts.values, "opaque": opaque, "mentions": codes(facts.raw)}
    return {"type": "none", "configuration": {}}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
