"""What of a resource's values is worth a rule's question: its labels, what is not in all its blocks, addresses, secrets."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sovplatform.infrastructure.flattening import OPAQUE, Expressions, Facts

_PRIVATE = [
    ipaddress.ip_network(one)
    for one in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
] + [ipaddress.ip_network(one) for one in ("::1/128", "fc00::/7", "fe80::/10")]
_SECRET = re.compile(
    r"(?:^|[._-])(?:[a-z]+)?(?:password|passwd|passphrase|secret_?key|secret_?access_?key|private_?key|api_?key|client_?secret|token)$",
    re.IGNORECASE,
)
_LIKE_A_RANGE = re.compile(r"\s*[0-9A-Fa-f:.]+\s*/\s*[0-9.]+\s*")
"""What a cloud may take for a range although it is written as none: `0/0`, `000.0.0.0/0`, `0.0.0.0/0 `."""
_KEY_TEXT = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b")


def outside(values: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    """By path, the addresses and ranges that are not all within private networks."""
    found = {path: [one for one in told if isinstance(one, str) and _is_outside(one)] for path, told in values.items()}
    return {path: told for path, told in found.items() if told}


def _is_outside(text: str) -> bool:
    if "." not in text and ":" not in text and "/" not in text:
        return False
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return _LIKE_A_RANGE.fullmatch(text) is not None
    return not any(network.version == private.version and _within(network, private) for private in _PRIVATE)


def _within(network: Any, private: Any) -> bool:
    return bool(network.subnet_of(private))


def secrets(values: Mapping[str, Sequence[Any]]) -> list[str]:
    """Paths that are called like a secret and hold a text."""
    return sorted(path for path, told in values.items() if _SECRET.search(path) and any(_is_text(one) for one in told))


def looks_secret(texts: Sequence[str]) -> bool:
    """Whether a private key or an access key is written in one of the texts."""
    return any(_KEY_TEXT.search(text) for text in texts)


def _is_text(value: Any) -> bool:
    return (
        isinstance(value, str)
        and not value.startswith(("${", OPAQUE))
        and value.lower() not in ("true", "false", "enabled", "disabled", "required", "optional")
    )


def walls(policy: Mapping[str, Any]) -> list[str]:
    """The ways, `Egress` and `Ingress`, on which a network policy closes all pods of its namespace but for its rules."""
    chosen = [path for fact in ("values", "refs", "mixed") for path in policy[fact] if path.startswith("spec.pod_selector.")]
    every = "spec.pod_selector" in policy["blocks"] and not chosen
    return [str(way) for way in policy["values"].get("spec.policy_types", ())] if every else []


LABELS = ("managed-by", "sov-jurisdiction", "sov-pilot", "sov-region", "sov-role", "sov-week")


def partial(facts: Facts, expressions: Expressions) -> list[str]:
    """Paths that some of the objects around them do not have, whether as values or as references."""
    found: set[str] = set()
    for around, count in facts.blocks.items():
        told, referred = facts.held.get(around, {}), expressions.held.get(around, {})
        found |= {path for path in {*told, *referred} if max(told.get(path, 0), referred.get(path, 0)) < count}
    return sorted(found)


def marks(facts: Facts, incomplete: Sequence[str]) -> dict[str, str]:
    """By path, the labels that say whose a thing is, as one text; also from a description. Only where all are there."""
    found = {path.removesuffix(f".{LABELS[0]}") for path in facts.values if path.endswith(f".{LABELS[0]}")}
    told = {prefix: _marked(facts, prefix, incomplete) for prefix in found}
    for text in facts.values.get("description", ()):
        pairs = dict(part.split("=", 1) for part in str(text).split(" ") if "=" in part)
        told["description"] = [f"{name}={pairs[name]}" for name in LABELS if name in pairs]
    return {prefix: " ".join(labels) for prefix, labels in told.items() if len(labels) == len(LABELS)}


def _marked(facts: Facts, prefix: str, incomplete: Sequence[str]) -> list[str]:
    labels = []
    for name in LABELS:
        path = f"{prefix}.{name}"
        values = set(map(str, facts.values.get(path, ())))
        if len(values) == 1 and path not in incomplete:
            labels.append(f"{name}={values.pop()}")
    return labels
