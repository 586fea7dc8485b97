"""Keys of a region, and what is made with them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from sovplatform.records.record import Record


class KeyPurpose(StrEnum):
    """`sign` is ECDSA P-256; `seal` Ed25519, for checkpoints; `wrap` AES-256-GCM, for data keys."""

    sign = "sign"
    seal = "seal"
    wrap = "wrap"


class KeyFacts(Record):
    """What the key service attests of a key. `public_keys` maps a version to PEM, oldest first; empty for `wrap`."""

    uri: str
    purpose: KeyPurpose
    algorithm: str
    region: str
    jurisdiction: str
    exportable: bool
    protection: str
    version: int
    public_keys: Mapping[str, str] = {}


class DataKey(Record):
    """A data key under envelope encryption: the wrapped form is stored beside the data, never the plain one."""

    key: str
    wrapped: str


class Signature(Record):
    """A detached signature: the key's URI, algorithm, and base64 of the bytes (ECDSA as ASN.1 DER)."""

    key: str
    algorithm: str
    value: str
