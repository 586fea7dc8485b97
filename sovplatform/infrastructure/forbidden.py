"""What no stack of ours has: it would run programs, bring in what was not synthesised, or be decided only while it is applied.

A value that is computed (`${uuid() == "" ? …}`) or a block that is repeated (`dynamic`) may be unknown in the plan, and then
no rule sees what it will be. Stacks are written by a program, which can compute before: their templates only refer to things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sovplatform.infrastructure.flattening import trusted

_SECTIONS = ("//", "terraform", "provider", "resource", "data", "variable", "output")
_SETTINGS = ("backend", "required_providers", "required_version")
_NAMED = r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*|\.\d+|\[\d+\])+"
_REFERENCE = re.compile(r"\$\{\s*" + _NAMED + r"\s*\}")
_CERTIFICATE = re.compile(r"\$\{\s*base64decode\(\s*" + _NAMED + r"\s*\)\s*\}")
_ESCAPED = re.compile(r"(?<!\$)\$\$\{|(?<!%)%%\{")
_TEMPLATE = re.compile(r"[$%]\{")


def forbidden(plan: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[str]:
    """What there is of it in a plan and in the `cdk.tf.json` that it was made of."""
    yield from _in_plan(plan, body)
    yield from (f"section {trusted(name)}" for name in body if name not in _SECTIONS)
    yield from _settings(body)
    for section in ("resource", "data"):
        for kind, named in body.get(section, {}).items():
            for name, one in named.items():
                address = f"{trusted(kind)}.{trusted(name)}"
                if "provisioner" in one or "connection" in one:
                    yield f"provisioner of {address}"
                yield from (f"{what} of {address}" for what in _undecided(one))
    yield from _providers(body)


def _in_plan(plan: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[str]:
    root = plan.get("configuration", {}).get("root_module", {})
    yield from (f"module {trusted(name)}" for name in root.get("module_calls", {}))
    for one in root.get("resources", ()):
        if one.get("provisioners"):
            yield f"provisioner of {trusted(one['address'])}"
        if "count_expression" in one or "for_each_expression" in one:
            yield f"repetition of {trusted(one['address'])}"
    written = {(kind, name) for kind, named in body.get("resource", {}).items() for name in named}
    for change in plan.get("resource_changes", ()):
        if "module_address" in change:
            yield f"module of {trusted(change['address'])}"
        actions = set(change["change"]["actions"])
        made = not {"delete", "forget"} & actions or "create" in actions
        if change["mode"] == "managed" and made and (change["type"], change["name"]) not in written:
            yield f"{trusted(change['address'])}, which was not synthesised"
    if plan.get("deferred_changes"):
        yield "deferred changes"


def _settings(body: Mapping[str, Any]) -> Iterator[str]:
    """Each provider is the one that its name says, of the registry that Terraform asks by itself."""
    for settings in _list(body.get("terraform")):
        yield from (f"terraform.{trusted(name)}" for name in settings if name not in _SETTINGS)
        for wanted in _list(settings.get("required_providers")):
            for name, one in wanted.items():
                source = one.get("source") if isinstance(one, Mapping) else None
                if source != f"hashicorp/{name}":
                    yield f"provider {trusted(name)} of {trusted(str(source))}"


def _providers(body: Mapping[str, Any]) -> Iterator[str]:
    """Each is there once, for a second could work elsewhere; of functions they have only the one that reads a certificate."""
    for name, configured in body.get("provider", {}).items():
        if len(_list(configured)) > 1 or any("alias" in one for one in _list(configured)):
            yield f"second provider {trusted(name)}"
        yield from (f"{what} of provider {trusted(name)}" for what in _undecided(configured, plain=_CERTIFICATE))


def _undecided(tree: Any, path: str = "", plain: re.Pattern[str] = _REFERENCE) -> Iterator[str]:
    if isinstance(tree, Mapping):
        for key, item in tree.items():
            if key == "//":  # a comment of Terraform's JSON
                continue
            if key == "dynamic":
                yield "repetition in a block"
            yield from _undecided(str(key), f"a name in {path}".rstrip(), plain)
            yield from _undecided(item, f"{path}.{trusted(str(key))}".lstrip("."), plain)
    elif isinstance(tree, list):
        for item in tree:
            yield from _undecided(item, path, plain)
    elif isinstance(tree, str) and _TEMPLATE.search(plain.sub("", _REFERENCE.sub("", _ESCAPED.sub("", tree)))):
        yield f"computed {path}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
