"""Detached signatures: verification with a pinned public key."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from sovplatform.errors import SignatureInvalid
from sovplatform.records import Signature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

ECDSA = "ecdsa-p256-sha256"
ED25519 = "ed25519"


def verify(signature: Signature, data: bytes, public_key: str) -> None:
    """Check a detached signature against `public_key` (PEM, SubjectPublicKeyInfo).

    The algorithm is the one that `signature` names, and must be the key's: ECDSA P-256 over SHA-256 as ASN.1 DER
    (FIPS 186-5), or Ed25519 (RFC 8032). The key is the caller's, never the one that the signature names.

    Raises:
        SignatureInvalid: other bytes, another key, another algorithm, or nothing that can be read.
    """
    try:
        value = base64.b64decode(signature.value, validate=True)
    except (binascii.Error, ValueError) as err:
        raise SignatureInvalid(f"the signature by {signature.key} is not base64", remedy="have it signed again") from err
    if not verifies(value, data, public_key, signature.algorithm):
        raise SignatureInvalid(
            f"the signature by {signature.key} does not verify",
            reasons=[f"{signature.algorithm} over {len(data)} bytes, with the pinned key"],
            remedy="have it signed again, or check which key is pinned",
        )


def verifies(value: bytes, data: bytes, public_key: str, algorithm: str) -> bool:
    """True when raw signature bytes verify; a key that cannot be read raises SignatureInvalid."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    key = load_public_key(public_key)
    try:
        if algorithm == ECDSA and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, data, ec.ECDSA(hashes.SHA256()))
            return True
        if algorithm == ED25519 and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(value, data)
            return True
    except InvalidSignature:
        return False
    return False


def load_public_key(public_key: str) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey:
    """The key in a PEM text: P-256 or Ed25519, and nothing else.

    Raises:
        SignatureInvalid: the text is no such key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(public_key.encode())
    except (ValueError, UnsupportedAlgorithm) as err:
        raise SignatureInvalid("the pinned public key cannot be read", remedy="pin a PEM public key") from err
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise SignatureInvalid("the pinned public key is neither P-256 nor Ed25519", remedy="pin the key the KeyStore reports")
