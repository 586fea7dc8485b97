from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sovplatform.errors import SignatureInvalid
from sovplatform.signing import verify


@pytest.mark.parametrize("key", ["models", "ledger"])
def test_a_signature_verifies_with_its_key_and_no_other(keystore, key):
    signature = keystore.sign(key, b"data")
    verify(signature, b"data", keystore.pem(key))
    with pytest.raises(SignatureInvalid):
        verify(signature, b"data", keystore.pem("other"))
    with pytest.raises(SignatureInvalid):
        verify(signature, b"Data", keystore.pem(key))


def test_the_algorithm_must_be_the_keys(keystore):
    signature = keystore.sign("models", b"data")
    for algorithm in ("ed25519", "none", ""):
        with pytest.raises(SignatureInvalid):
            verify(signature.model_copy(update={"algorithm": algorithm}), b"data", keystore.pem("models"))


@pytest.mark.parametrize("value", ["", "AAAA", "not base64!", "\u00e4"])
def test_rubbish_is_an_invalid_signature(keystore, value):
    signature = keystore.sign("models", b"data").model_copy(update={"value": value})
    with pytest.raises(SignatureInvalid):
        verify(signature, b"data", keystore.pem("models"))


def test_a_key_of_another_curve_or_no_key_is_refused(keystore):
    signature = keystore.sign("models", b"data")
    p384 = ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for key in (p384.decode(), "", "-----BEGIN PUBLIC KEY-----\n\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(SignatureInvalid):
            verify(signature, b"data", key)
