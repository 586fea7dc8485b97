"""Signatures with a KeyStore's key, and their verification with a pinned public key.

This is the whole public surface; the modules beside it are private.
"""

from sovplatform.signing._files import hash_directory
from sovplatform.signing._keys import ECDSA, ED25519, verify
from sovplatform.signing._models import key_hint, sign_model, verified_files, verify_model
from sovplatform.signing._provenance import provenance, verify_provenance

__all__ = [
    "ECDSA",
    "ED25519",
    "hash_directory",
    "key_hint",
    "provenance",
    "sign_model",
    "verified_files",
    "verify",
    "verify_model",
    "verify_provenance",
]
