"""Signatures with a KeyStore's key, and their verification with a pinned public key.

This is the whole public surface; the modules beside it are private.
"""

from sovplatform.signing._keys import ECDSA, ED25519, verify

__all__ = ["ECDSA", "ED25519", "verify"]
