"""SVIDs of one trust domain, made with the region's CA and JWT key, which stay in OpenBao."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sovplatform.backends.spiffe.attestation import Process
from sovplatform.backends.vault_api import VaultApi
from sovplatform.errors import Unavailable

_KEYS_SECONDS = 60.0


class IssuedX509(NamedTuple):
    """An X509-SVID: certificate and PKCS#8 key in DER; `renew_at` and `expires_at` by `time.time()`."""

    spiffe_id: str
    certificate: bytes
    key: bytes
    renew_at: float
    expires_at: float


class Issuer:
    """Issues for one trust domain through `api`, whose token is the Workload API server's. Thread-safe."""

    def __init__(self, api: VaultApi, trust_domain: str, *, svid_seconds: float = 3600.0, jwt_seconds: float = 300.0) -> None:
        self.trust_domain = trust_domain
        self._api = api
        self._svid_seconds = svid_seconds
        self._jwt_seconds = jwt_seconds
        self._issued: dict[tuple[Process, str], IssuedX509] = {}
        self._keys: tuple[float, Mapping[str, str]] = (float("-inf"), {})
        self._bundle = ""
        self._lock = threading.Lock()

    def x509(self, process: Process, path: str) -> IssuedX509:
        """The process's X509-SVID for `path`: a new one, with a new key, once half of the last one's life is over.

        When no new one can be had, the last one, until it expires.

        Raises:
            Unavailable, Denied: no SVID can be had.
        """
        with self._lock:
            now = time.time()
            had = self._issued.get((process, path))
            if had and now < had.renew_at:
                return had
            try:
                made = self._issue(f"spiffe://{self.trust_domain}{path}")
            except Unavailable:
                if had and now < had.expires_at:
                    return had._replace(renew_at=now + 1.0)
                raise
            self._issued = {key: svid for key, svid in self._issued.items() if svid.expires_at > now}
            self._issued[process, path] = made
            return made

    def jwt(self, path: str, audience: Sequence[str]) -> str:
        """A JWT-SVID (ES256) for minutes."""
        kid = list(self.jwt_keys())[-1]
        issued = int(time.time())
        claims = {
            "sub": f"spiffe://{self.trust_domain}{path}",
            "aud": list(audience),
            "iat": issued,
            "exp": issued + max(1, int(self._jwt_seconds)),
        }
        signed = f"{_segment({'alg': 'ES256', 'kid': kid, 'typ': 'JWT'})}.{_segment(claims)}"
        body = {
            "input": base64.b64encode(signed.encode()).decode(),
            "marshaling_algorithm": "jws",
            "key_version": int(kid.removeprefix("v")),
        }
        answer = self._api.write("transit/sign/jwt/sha2-256", body)
        return f"{signed}.{answer['data']['signature'].split(':', 2)[2]}"

    def bundle(self) -> str:
        """The trust domain's CA certificates (PEM)."""
        if not self._bundle:
            self._bundle = self._api.read("pki/cert/ca")["data"]["certificate"].strip() + "\n"
        return self._bundle

    def jwt_keys(self) -> Mapping[str, str]:
        """The keys that JWT-SVIDs are verified with (PEM by key id), oldest first; at most a minute old."""
        read_at, keys = self._keys
        if time.time() - read_at > _KEYS_SECONDS:
            versions = self._api.read("transit/keys/jwt")["data"]["keys"]
            keys = {f"v{number}": versions[number]["public_key"] for number in sorted(versions, key=int)}
            self._keys = (time.time(), keys)
        return keys

    def _issue(self, spiffe_id: str) -> IssuedX509:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key = ec.generate_private_key(ec.SECP256R1())
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
        body = {
            "csr": request.public_bytes(Encoding.PEM).decode(),
            "uri_sans": spiffe_id,
            "ttl": f"{max(1, int(self._svid_seconds))}s",
        }
        answer = self._api.write("pki/sign/svid", body)
        certificate = x509.load_pem_x509_certificate(answer["data"]["certificate"].encode())
        now, life = time.time(), (certificate.not_valid_after_utc - datetime.now(UTC)).total_seconds()
        return IssuedX509(
            spiffe_id=spiffe_id,
            certificate=certificate.public_bytes(Encoding.DER),
            key=key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
            renew_at=now + life / 2,
            expires_at=now + life,
        )


def jwks(keys: Mapping[str, str]) -> bytes:
    """A JWT bundle in the form of the SPIFFE specification: a JWK set with `use` = `jwt-svid`."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    found: list[dict[str, str]] = []
    for kid, pem in keys.items():
        key = load_pem_public_key(pem.encode())
        if not isinstance(key, EllipticCurvePublicKey) or key.curve.name != "secp256r1":
            raise Unavailable(f"JWT key {kid} is not P-256", remedy="provision the region anew")
        point = key.public_numbers()
        x, y = (_unpadded(number.to_bytes(32, "big")) for number in (point.x, point.y))
        found.append({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "jwt-svid", "kid": kid, "x": x, "y": y})
    return json.dumps({"keys": found}).encode()


def _segment(value: Mapping[str, Any]) -> str:
    return _unpadded(json.dumps(value, separators=(",", ":")).encode())


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
