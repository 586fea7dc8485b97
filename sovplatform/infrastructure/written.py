"""Arguments that are documents of their own: policies of IAM and Vault, values of charts. They are read where they stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sovplatform.infrastructure.embedded import Embedded
from sovplatform.infrastructure.flattening import Expressions, Facts, statements

_POLICIES = ("assume_role_policy", "content", "policy", "repository_policy")
_WRITTEN = ("configuration_values", "values")
"""Arguments that are documents of their own: policies wherever they stand, and JSON at the top."""


def policies(facts: Facts, expressions: Expressions, after: Any) -> dict[str, list[dict[str, Any]]]:
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


def read_json(facts: Facts, expressions: Expressions, after: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Helm's values and an add-on's settings are JSON in a text: what stands in it is judged like any other argument.

    Where the plan does not know the text yet, it is taken as it is written, templates and all. Returns the objects of Kubernetes
    that are in it, and the paths of what may be some and cannot be read.
    """
    objects: list[dict[str, Any]] = []
    unread: list[str] = []
    for argument in _WRITTEN:
        known = [text for text in _list((after or {}).get(argument)) if text is not None]
        written = expressions.texts.get(argument, [])
        parsed = [_parsed(text) for text in (known if len(known) >= len(written) else written)]
        if not all(isinstance(one, Mapping) for one in parsed):
            facts.opaque.add(argument)
            continue
        for one in parsed:
            for whole in (facts.values, expressions.refs, expressions.mixed):
                whole.pop(argument, None)
            facts.opaque.discard(argument)
            facts.add(one, argument)
            found = Embedded.of(one, argument)
            objects += found.objects
            unread += found.unread
    return objects, unread


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (TypeError, ValueError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a key that is there twice, another reader may take the other value."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def list_unread(kind: str, facts: Facts, expressions: Expressions, read: Mapping[str, Any]) -> None:
    """A policy that is none, or comes from elsewhere and is known only after the apply, is listed as what cannot be judged."""
    facts.opaque |= {path for path in _POLICIES if kind.startswith("aws_") and path in expressions.texts and path not in read}
    for path in {*expressions.refs, *expressions.mixed}:
        if (path in _WRITTEN or path.rpartition(".")[2] in _POLICIES) and path not in read:
            facts.opaque.add(path)


def constants(expressions: Any) -> Any:
    """The constants of a data source; a plan tells its values only when they were read."""
    if isinstance(expressions, list):
        return [constants(one) for one in expressions]
    if not isinstance(expressions, Mapping):
        return None
    if "constant_value" in expressions:
        return expressions["constant_value"]
    if "references" in expressions:
        return None
    return {key: constants(one) for key, one in expressions.items()}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
