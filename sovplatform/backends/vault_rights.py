"""Who may do what with a region's keys, as Vault policies: for who provisions over its API, and for Terraform."""

from __future__ import annotations

from collections.abc import Mapping

RIGHTS: Mapping[str, tuple[str, ...]] = {
    "job/prepare": ("use data", "sign artifacts"),
    "job/train": ("use data", "sign artifacts"),
    "job/evaluate": ("use data", "sign artifacts"),
    "job/release": ("sign models", "sign artifacts"),
    "job/*": ("sign artifacts",),
    "border": ("sign decisions", "sign ledger"),
}

_READ_FACTS = 'path "transit/keys/+" { capabilities = ["read"] }\n'


def role_of(path: str) -> str:
    """The login role of the workload whose SPIFFE ID has this path: its own when it has one, else that of its kind."""
    name = path.strip("/")
    if name not in RIGHTS and name.startswith("job/"):
        name = "job/*"
    return name.replace("/*", "").replace("/", "-")


def policy(rights: tuple[str, ...]) -> str:
    """Rules for rights such as `sign artifacts` and `use data`. All may read the facts of the region's keys."""
    rules = [_READ_FACTS]
    for right in rights:
        verb, key = right.split()
        paths = [f"transit/sign/{key}", f"transit/sign/{key}/*"] if verb == "sign" else []
        paths += [f"transit/encrypt/{key}", f"transit/decrypt/{key}"] if verb == "use" else []
        rules += [f'path "{path}" {{ capabilities = ["update"] }}\n' for path in paths]
    return "".join(rules)


def policies() -> dict[str, str]:
    """The rules of each login role, by its name."""
    return {role_of(identity): policy(rights) for identity, rights in RIGHTS.items()}
