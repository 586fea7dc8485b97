"""DSSE envelopes over in-toto statements (secure-systems-lab/dsse v1.0, in-toto attestation v1)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from sovplatform.errors import SignatureInvalid
from sovplatform.interfaces.keystore import KeyStore
from sovplatform.records import Signature
from sovplatform.signing._keys import ECDSA, ED25519, verifies

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


def pae(payload: bytes) -> bytes:
    """The pre-authentication encoding: what is really signed."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def seal(statement: Mapping[str, Any], keystore: KeyStore, key: str) -> tuple[dict[str, Any], Signature]:
    """Sign a statement, and return the envelope with the signature in it."""
    payload = json.dumps(statement, indent=1, sort_keys=True).encode()
    signature = keystore.sign(key, pae(payload))
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": signature.value, "keyid": ""}],
    }
    return envelope, signature


def unseal(envelope: Any, public_key: str) -> dict[str, Any]:
    """The statement in an envelope that carries exactly one signature, by `public_key` (PEM).

    Raises:
        SignatureInvalid: not an envelope, another key, other bytes.
    """
    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        (signature,) = envelope["signatures"]
        value = base64.b64decode(signature["sig"], validate=True)
        payload_type = envelope["payloadType"]
    except (KeyError, TypeError, ValueError) as err:
        raise unreadable("no DSSE envelope with one signature") from err
    if payload_type != PAYLOAD_TYPE:
        raise unreadable(f"its payload is {payload_type!r}")
    if not any(verifies(value, pae(payload), public_key, algorithm) for algorithm in (ECDSA, ED25519)):
        raise SignatureInvalid(
            "the signature does not verify",
            reasons=["made by another key, or changed since"],
            remedy="have it signed again, or check which key is pinned",
        )
    try:
        statement = json.loads(payload)
    except ValueError as err:
        raise unreadable("its payload is not JSON") from err
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT_TYPE:
        raise unreadable("its payload is no in-toto statement")
    return statement


def unreadable(reason: str) -> SignatureInvalid:
    return SignatureInvalid("the signature cannot be read", reasons=[reason], remedy="have it signed again")
