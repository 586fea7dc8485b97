"""What an embedded OpenBao server is told before it starts: its configuration, its TLS certificate, its operator."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from sovplatform.private import write_atomically

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.x509 import Certificate, CertificateBuilder, KeyUsage, Name

HOST = "127.0.0.1"
OPERATOR = "operator"
AUDIENCE = "openbao"
_CERTIFICATE_DAYS = 825
_RENEW_DAYS = 30

# The operator makes and configures regions; it has no right to use a key, to change a key's settings, or to delete anything.
OPERATOR_POLICY = """
path "sys/namespaces"             { capabilities = ["list"] }
path "sys/namespaces/+"           { capabilities = ["create", "read", "update"] }
path "+/sys/mounts"               { capabilities = ["read"] }
path "+/sys/mounts/+"             { capabilities = ["create", "read", "update"] }
path "+/sys/auth"                 { capabilities = ["read"] }
path "+/sys/auth/+"               { capabilities = ["create", "read", "update", "sudo"] }
path "+/sys/policies/acl/+"       { capabilities = ["create", "read", "update"] }
path "+/auth/jwt/config"          { capabilities = ["create", "read", "update"] }
path "+/auth/jwt/role/+"          { capabilities = ["create", "read", "update"] }
path "+/auth/approle/role/+"      { capabilities = ["create", "read", "update"] }
path "+/auth/approle/role/+/role-id"   { capabilities = ["read"] }
path "+/auth/approle/role/+/secret-id" { capabilities = ["create", "update"] }
path "+/transit/keys"             { capabilities = ["list"] }
path "+/transit/keys/+" {
  capabilities = ["create", "read", "update"]
  denied_parameters = { "exportable" = [], "allow_plaintext_backup" = [] }
}
path "+/transit/keys/+/rotate"    { capabilities = ["create", "update"] }
path "+/pki/root/generate/internal" { capabilities = ["create", "update"] }
path "+/pki/roles/+"              { capabilities = ["create", "read", "update"] }
path "+/pki/cert/ca"              { capabilities = ["read"] }
"""


def write_seal_key(path: Path) -> None:
    """The key that encrypts all others at rest: 256 random bits. Made once; losing it loses all keys."""
    if not path.exists():
        write_atomically(path, base64.b64encode(os.urandom(32)))


def write_operator_key(path: Path) -> str:
    """The operator's ECDSA P-256 private key, made once, at `path`; returns the public half (PEM)."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
        load_pem_private_key,
    )

    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        write_atomically(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = load_pem_private_key(path.read_bytes(), None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def operator_jwt(path: Path, seconds: int = 60) -> str:
    """A login of the operator: a JWT signed with its key, good for `seconds`."""
    import jwt

    expires = datetime.now(UTC) + timedelta(seconds=seconds)
    return jwt.encode({"sub": OPERATOR, "aud": AUDIENCE, "exp": expires}, path.read_bytes(), algorithm="ES256")


def write_tls(home: Path) -> None:
    """A certificate for 127.0.0.1 and the CA that vouches for it; renewed when it nears its end.

    The CA's key is dropped once it has signed: nobody can make a second certificate that the CA file vouches for.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID

    if _still_good(home / "tls.pem") and (home / "ca.pem").exists() and (home / "tls.key").exists():
        return
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name, name = _name("sovplatform openbao CA"), _name("openbao")
    ca: Certificate = (
        _builder(ca_name, ca_name, ca_key.public_key(), ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(cert=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    leaf: Certificate = (
        _builder(name, ca_name, key.public_key(), ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(cert=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    write_atomically(home / "tls.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    write_atomically(home / "ca.pem", ca.public_bytes(Encoding.PEM))
    write_atomically(home / "tls.pem", leaf.public_bytes(Encoding.PEM))


def write_config(home: Path, port: int, cluster_port: int, operator_public_key: str) -> Path:
    """The server's configuration, with what it does by itself on its first start: let the operator in, forget the root token."""
    policy, role = f"sys/policies/acl/{OPERATOR}", f"auth/jwt/role/{OPERATOR}"
    first: list[tuple[str, str, dict[str, object]]] = [
        ("method", "sys/auth/jwt", {"type": "jwt"}),
        ("keys", "auth/jwt/config", {"jwt_validation_pubkeys": [operator_public_key]}),
        ("policy", policy, {"policy": OPERATOR_POLICY}),
        ("role", role, _operator_role()),
    ]
    config = {
        "storage": {"raft": {"path": str(home / "data"), "node_id": "n1", "performance_multiplier": 1}},
        "listener": [
            {
                "tcp": {
                    "address": f"{HOST}:{port}",
                    "cluster_address": f"{HOST}:{cluster_port}",
                    "tls_cert_file": str(home / "tls.pem"),
                    "tls_key_file": str(home / "tls.key"),
                    "tls_min_version": "tls13",
                }
            }
        ],
        "seal": {"static": {"current_key_id": "k1", "current_key": f"file://{home / 'seal.key'}"}},
        "log_level": "warn",  # at `info`, a failed handshake is a line, and anybody of the machine can fail
        "api_addr": f"https://{HOST}:{port}",
        "cluster_addr": f"https://{HOST}:{cluster_port}",
        "audit": [{"type": "file", "path": "to-file", "options": {"file_path": str(home / "audit.log"), "mode": "0600"}}],
        "initialize": [
            {OPERATOR: {"request": [{name: {"operation": "update", "path": path, "data": data}} for name, path, data in first]}}
        ],
    }
    path = home / "openbao.json"
    write_atomically(path, json.dumps(config, indent=1).encode())
    return path


def _operator_role() -> dict[str, object]:
    return {
        "role_type": "jwt",
        "bound_audiences": [AUDIENCE],
        "bound_subject": OPERATOR,
        "user_claim": "sub",
        "token_policies": [OPERATOR],
        "token_no_default_policy": True,
        "token_type": "batch",
        "token_ttl": "10m",
        "token_bound_cidrs": [f"{HOST}/32"],
    }


def _still_good(certificate: Path) -> bool:
    from cryptography import x509

    try:
        ends = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return False
    return ends - datetime.now(UTC) > timedelta(days=_RENEW_DAYS)


def _name(common_name: str) -> Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: Name, issuer: Name, key: EllipticCurvePublicKey, issuer_key: EllipticCurvePublicKey) -> CertificateBuilder:
    from cryptography import x509

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=_CERTIFICATE_DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _usage(*, cert: bool) -> KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not cert,
        key_cert_sign=cert,
        crl_sign=cert,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
