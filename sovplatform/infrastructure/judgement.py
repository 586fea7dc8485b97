"""Judgement: one stack's plan as a document of facts, and what the rules say about it.

The document is what the rules see, in process and under stock OPA alike. Nothing in it is trusted because it is missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sovplatform.infrastructure.flattening import (
    Expressions,
    Facts,
    rights,
    statements,
    trusted,
)
from sovplatform.infrastructure.origins import constants, gone, sources, strays
from sovplatform.infrastructure.origins import providers as configured
from sovplatform.infrastructure.outcomes import Denial
from sovplatform.infrastructure.places import places
from sovplatform.infrastructure.request import SynthStack
from sovplatform.infrastructure.suspicions import looks_secret, marks, outside, partial, secrets
from sovplatform.pilot import Pilot
from sovplatform.policy.engine import PolicyEngine
from sovplatform.records import Record

PACKAGE = "sovplatform.infrastructure"
TIMEOUT_SECONDS = 60.0
CHUNK = 400
"""Resources that are judged at once: the interpreter's time grows faster than its input."""

_CODE = re.compile(
    r"(?<![A-Za-z0-9])((?:us-gov|us-isob?|eusc-[a-z]{2}|[a-z]{2})-(?:north|south|east|west|central)(?:east|west)?-\d"
    r"|(?:africa|asia|australia|europe|me|northamerica|southamerica|us)-(?:north|south|east|west|central)(?:east|west)?\d{1,2})"
    r"(?![0-9])"
)
_ARN = re.compile(r"arn:([a-z0-9-]*|\$\{[^}]*\}):([a-z0-9*-]*):([a-z0-9*-]*|\$\{[^}]*\}):([0-9]*|aws|\*|\$\{[^}]*\}):")
_PROJECT = re.compile(r"(?<![A-Za-z])projects/([a-z][a-z0-9-]{1,62})(?![a-z0-9-]|:google_)")
ALWAYS = ("construct", "values", "blocks", "refs", "mixed", "documents")
"""What each resource has in the document, even when it is empty; all else is there only when there is something to tell."""
_NOTED = ("arns", "documents", "ignores", "mentions", "opaque", "projects", "secrets", "strangers")
_POLICIES = ("assume_role_policy", "content", "policy", "repository_policy")
_WRITTEN = ("configuration_values", "values")
"""Arguments that are documents of their own: policies wherever they stand, and JSON at the top."""
_NAMED = ("regions", "mentions", "projects", "strangers", "accounts", "partitions")
_ATTACHED = {
    "bucket": "aws_s3_bucket_",
    "key_id": "aws_kms_key_policy",
    "crypto_key": "google_kms_crypto_key_version",
}
"""What is told of a thing in resources of their own is shown with it: by which argument, and which types."""


class Judgement(Record):
    """The verdict on one stack's plan, bound to its digest."""

    stack: str
    plan: str
    allow: bool
    denials: tuple[Denial, ...] = ()


def judging(rules: Sequence[Path] = ()) -> PolicyEngine:
    """The engine that judges plans, with a pilot's own rules beside the built-in ones."""
    return PolicyEngine(rules, timeout=TIMEOUT_SECONDS, packages=(PACKAGE,))


def judge_document(given: Mapping[str, Any], stack_name: str, digest: str, engine: PolicyEngine) -> Judgement:
    """Ask the rules. What they cannot answer is a denial of the whole stack."""
    denials: dict[Denial, None] = {}
    allow = True
    for part in _parts(given):
        verdict = engine.evaluate(PACKAGE, part)
        allow = allow and verdict.allow
        for rule, message, address in verdict.denials:
            path = _construct(given, address)
            denials[Denial(rule=rule, address=address or stack_name, construct_path=path or stack_name, message=message)] = None
    found = sorted(denials, key=lambda one: (one.address, one.rule, one.message))
    return Judgement(stack=stack_name, plan=digest, allow=allow and not found, denials=tuple(found))


def _parts(given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The document with some of its resources at a time; each resource brings all that its rules ask for."""
    every = [(kind, name, one) for kind, named in given["resources"].items() for name, one in named.items()]
    for start in range(0, max(len(every), 1), CHUNK):
        some: dict[str, dict[str, Any]] = {}
        for kind, name, one in every[start : start + CHUNK]:
            some.setdefault(kind, {})[name] = one
        yield {**given, "resources": some, "notes": given.get("notes") if start == 0 else notes({})}


def _construct(given: Mapping[str, Any], address: str) -> str:
    kind, _, name = address.removeprefix("data.").partition(".")
    section = given["data" if address.startswith("data.") else "resources"]
    return str(section.get(kind, {}).get(name, {}).get("construct", ""))


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
        cost: `month_high` and `limit`, in the pilot's currency.
    """
    region = stack.region
    every = [place.region for place in places(pilot)]
    strangers = [
        f"{pilot.name}-{one.name}" for one in every if one.name != region.name and one.jurisdiction != region.jurisdiction
    ]
    providers = {name: _provider(one) for name, one in configured(plan).items()}
    told: dict[str, Any] = {
        "stack": {"name": stack.name, "week": stack.week},
        "pilot": pilot.name,
        "region": {
            "name": region.name,
            "jurisdiction": region.jurisdiction,
            "role": str(region.role),
            "provider": region.provider,
        },
        "locations": [trusted(one) for one in stack.locations],
        "account": _account(region.settings, providers),
        "peers": [{"name": one.name, "jurisdiction": one.jurisdiction, "role": str(one.role)} for one in every],
        "mirror": str(trusted(str(region.settings.get("mirror") or ""))),
        "providers": providers,
        "sources": sources(plan),
        "backend": _backend(body),
        "variables": {
            name: {"stack": it.stack, "region": re.sub(r"-week\d$", "", it.stack), "output": it.output}
            for name, it in stack.variables.items()
        },
        "destroy": destroy,
        "errored": plan.get("errored") is not False,
        "complete": plan.get("complete") is not False and "configuration" in plan,
        "forbidden": sorted({*_forbidden(plan, body), *strays(plan, body)}),
        "deletes": gone(plan),
        "resources": {},
        "data": {},
    }
    if cost is not None:
        told["cost"] = dict(cost)
    _Teller(told, plan, body, Names(pilot=pilot.name, own=region.name, strangers=tuple(strangers))).tell()
    told["notes"] = notes(told["resources"])
    for named in told["resources"].values():
        for one in named.values():
            for fact in _NOTED:
                one.pop(fact, None)
    return told


def notes(resources: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What is named anywhere in the resources, and by which: few things, looked at once, not in each of a thousand resources."""
    named: dict[str, dict[str, list[str]]] = {fact: {} for fact in _NAMED}
    listed: dict[str, list[dict[str, Any]]] = {kind: [] for kind in ("opaque", "secrets", "ignores", "statements")}
    for kind, of_kind in resources.items():
        for name, one in of_kind.items():
            address = f"{kind}.{name}"
            found = {fact: one.get(fact, ()) for fact in ("mentions", "projects", "strangers")}
            arns = one.get("arns", ())
            found |= {"accounts": [arn["account"] for arn in arns], "partitions": [arn["partition"] for arn in arns]}
            found["regions"] = one["values"].get("region", ())
            for fact, things in found.items():
                for it in dict.fromkeys(things):
                    named[fact].setdefault(it, []).append(address)
            for fact in ("opaque", "secrets", "ignores"):
                listed[fact] += [{"type": kind, "name": name, "path": path} for path in one.get(fact, ())]
            listed["statements"] += [
                {"type": kind, "name": name, "path": path, "statement": statement}
                for path, statements_of in one.get("documents", {}).items()
                for statement in statements_of
            ]
    return {**named, **listed}


class Names(Record):
    """How things of this region, and of regions under other laws, are called."""

    pilot: str
    own: str
    strangers: tuple[str, ...]

    def mentioned(self, texts: Sequence[str]) -> list[str]:
        """The other regions whose things are named in the texts."""
        own = f"{self.pilot}-{self.own}"
        found: set[str] = set()
        for text in texts:
            for name in self.strangers:
                named = re.finditer(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", text)
                if any(not text.startswith(own, match.start()) for match in named):  # `pilot-de` begins `pilot-de-2`, too
                    found.add(name)
        return sorted(found)


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
        policies = _documents(facts, expressions, after)
        _written_as_json(facts, expressions, after)
        if at["type"] == "vault_policy" and (written_rights := rights(str((after or {}).get("policy", "")))):
            policies["policy"] = written_rights
        _unread(at["type"], facts, expressions, policies)
        texts = facts.raw + expressions.templates
        lifecycle = written.get("lifecycle", {})
        lifecycle = lifecycle[0] if isinstance(lifecycle, list) and lifecycle else lifecycle
        told = {
            "construct": str(trusted(written.get("//", {}).get("metadata", {}).get("path", ""))),
            "values": facts.values,
            "blocks": facts.blocks,
            "refs": expressions.refs,
            "mixed": expressions.mixed,
            "partial": partial(facts, expressions.refs),
            "marks": marks(facts, partial(facts, expressions.refs)),
            "opaque": sorted(path for path in facts.opaque if path not in policies),
            "documents": policies,
            "mentions": sorted({code for text in texts for code in _CODE.findall(text)}),
            "arns": _arns(texts),
            "projects": sorted({name for text in texts for name in _PROJECT.findall(text)}),
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


def _documents(facts: Facts, expressions: Expressions, after: Any) -> dict[str, list[dict[str, Any]]]:
    """IAM policies, as the plan knows them; where it does not yet, as they are written, templates and all."""
    found: dict[str, list[dict[str, Any]]] = {}
    known = {path: value for path, value in (after or {}).items() if isinstance(value, str)}
    for path, texts in expressions.texts.items():
        text = known.get(path, texts[0] if len(texts) == 1 else "")
        read = statements(text) if text.lstrip().startswith("{") else None
        if read is not None:
            found[path] = read
            facts.values.pop(path, None)
    for path, text in known.items():
        read = statements(text) if path not in found and text.lstrip().startswith("{") else None
        if read is not None:
            found[path] = read
            facts.values.pop(path, None)
    return found


def _written_as_json(facts: Facts, expressions: Expressions, after: Any) -> None:
    """Helm's values and an add-on's settings are JSON in a text: what stands in it is judged like any other argument.

    Where the plan does not know the text yet, it is taken as it is written, templates and all.
    """
    for argument in _WRITTEN:
        known = [text for text in _list((after or {}).get(argument)) if text is not None]
        written = expressions.texts.get(argument, [])
        for text in known if len(known) >= len(written) else written:
            try:
                parsed = json.loads(text)
            except (TypeError, ValueError):
                facts.opaque.add(argument)
                continue
            if isinstance(parsed, Mapping):
                facts.values.pop(argument, None)
                facts.opaque.discard(argument)
                expressions.refs.pop(argument, None)
                expressions.mixed.pop(argument, None)
                facts.add(parsed, argument)
            else:
                facts.opaque.add(argument)


def _unread(kind: str, facts: Facts, expressions: Expressions, policies: Mapping[str, Any]) -> None:
    """A policy that is none, or comes from elsewhere and is known only after the apply, is listed as what cannot be judged."""
    facts.opaque |= {path for path in _POLICIES if kind.startswith("aws_") and path in expressions.texts and path not in policies}
    for path in {*expressions.refs, *expressions.mixed}:
        if (path in _WRITTEN or path.rpartition(".")[2] in _POLICIES) and path not in policies:
            facts.opaque.add(path)


def _arns(texts: Sequence[str]) -> list[dict[str, str]]:
    found = {match.groups() for text in texts for match in _ARN.finditer(text)}
    return [
        {"partition": _plain(partition), "service": service, "region": _plain(region), "account": _plain(account)}
        for partition, service, region, account in sorted(found)
        if (service, region, account) != ("*", "*", "*")  # names nobody's things; as a resource it is judged as `*`
    ]


def _plain(part: str) -> str:
    return "" if "${" in part else part


def _provider(configuration: Any) -> dict[str, Any]:
    facts = Facts()
    facts.add(configuration)
    return {"values": facts.values, "opaque": sorted(facts.opaque)}


def _account(settings: Mapping[str, Any], providers: Mapping[str, Any]) -> str:
    """Whose everything here is: the account or project that the settings name, or the placeholder that stands for it."""
    named = settings.get("account") or settings.get("project")
    google = providers.get("google", {}).get("values", {}).get("project", [])
    aws = providers.get("aws", {}).get("values", {}).get("allowed_account_ids", [])
    return str(trusted(str(named or next(iter([*google, *aws]), ""))))


def _backend(body: Mapping[str, Any]) -> dict[str, Any]:
    for settings in _list(body.get("terraform")):
        for kind, configuration in (settings.get("backend") or {}).items():
            facts = Facts()
            facts.add(configuration)
            codes = sorted({code for text in facts.raw for code in _CODE.findall(text)})
            return {"type": kind, "configuration": facts.values, "opaque": sorted(facts.opaque), "mentions": codes}
    return {"type": "none", "configuration": {}}


def _forbidden(plan: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[str]:
    """What no stack of ours has: it would run programs, or bring in what was not synthesised."""
    root = plan.get("configuration", {}).get("root_module", {})
    yield from (f"module {trusted(name)}" for name in root.get("module_calls", {}))
    yield from (f"section {trusted(name)}" for name in body if name not in _SECTIONS)
    for one in root.get("resources", ()):
        if one.get("provisioners"):
            yield f"provisioner of {trusted(one['address'])}"
        if "count_expression" in one or "for_each_expression" in one:
            yield f"repetition of {trusted(one['address'])}"
    for section in ("resource", "data"):
        for kind, named in body.get(section, {}).items():
            yield from (f"provisioner of {kind}.{trusted(name)}" for name, one in named.items() if "provisioner" in one)
    for change in plan.get("resource_changes", ()):
        if "module_address" in change:
            yield f"module of {trusted(change['address'])}"
    if plan.get("deferred_changes"):
        yield "deferred changes"


_SECTIONS = ("//", "terraform", "provider", "resource", "data", "variable", "output")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
