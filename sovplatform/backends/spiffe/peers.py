"""Who is at the other end of a TLS connection: a SPIFFE ID that its own trust domain vouches for, or nobody.

A TLS library accepts a chain to any trusted CA. With federated trust domains that is not enough: the CA of one domain could
name a workload of another. So the chain is checked again, against the bundle of the very domain that the certificate names
(SPIFFE X509-SVID specification, section 5.2).
"""

from __future__ import annotations

import functools
import re
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sovplatform.errors import IdentityRefused

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from cryptography.x509.verification import Store

Allowed = str | Collection[str] | Callable[[str], bool]
"""Which SPIFFE IDs are let in: one, some, or a question to ask."""

_ID = re.compile(r"spiffe://(?P<domain>[a-z0-9._-]{1,255})(?P<path>(/[A-Za-z0-9._-]+)+)")
_LONGEST_ID = 2048
_REMEDY = "see that both regions are federated and that the caller is the workload that may do this"


class PeerRefused(IdentityRefused, ssl.SSLError):
    """As IdentityRefused, and an OSError as well: socket servers treat it as what it is, a connection that failed."""


def verify_peer(der_chain: Sequence[bytes], bundles: Mapping[str, str], allowed: Allowed) -> str:
    """Check an X509-SVID with its intermediates, leaf first, and return its SPIFFE ID.

    `bundles` has the CA certificates (PEM) of each trust domain that is trusted.

    Raises:
        IdentityRefused: no SVID, expired, from a foreign trust domain, not signed by its own, or not one that is allowed.
    """
    from cryptography import x509

    try:
        chain = [x509.load_der_x509_certificate(der) for der in der_chain]
        leaf = chain[0]
        spiffe_id, domain = _identity(leaf)
    except (ValueError, IndexError) as err:
        raise _refused("the peer has no X509-SVID", str(err) or "no certificate") from err
    if domain not in bundles:
        raise _refused(f"{spiffe_id} is refused", f"trust domain {domain} is not federated")
    now = datetime.now(UTC)
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        raise _refused(f"{spiffe_id} is refused", f"its SVID is good until {leaf.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ} only")
    _check_chain(chain, bundles[domain], spiffe_id, domain)
    if not _is_allowed(spiffe_id, allowed):
        raise _refused(f"{spiffe_id} is refused", "it is not the workload that is expected here")
    return spiffe_id


def peer_id(connection: ssl.SSLSocket) -> str:
    """The SPIFFE ID of the peer of a socket from `WorkloadIdentity`'s contexts; the handshake is completed when it was not.

    Raises:
        IdentityRefused: the socket has not checked its peer.
    """
    identify = getattr(connection, "identify_peer", None)
    if identify is None:
        raise _refused("the peer is unknown", "the connection was not made with a workload's TLS context")
    spiffe_id: str = identify()
    return spiffe_id


def peer_chain(connection: ssl.SSLSocket) -> list[bytes]:
    """The certificates (DER) that the peer sent, its own first."""
    leaf = connection.getpeercert(binary_form=True)
    if leaf is None:
        return []
    get: Any = getattr(connection, "get_unverified_chain", None)  # public since 3.13
    if get is not None:
        return [bytes(der) for der in get()]
    inner: Any = getattr(getattr(connection, "_sslobj", None), "get_unverified_chain", None)
    sent = inner() if inner is not None else None
    return [leaf, *(_der(one.public_bytes()) for one in sent[1:])] if sent else [leaf]


def der_of_pem(pem: str) -> bytes:
    """All certificates of a PEM text, in DER, one after another."""
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificates

    return b"".join(one.public_bytes(Encoding.DER) for one in load_pem_x509_certificates(pem.encode()))


def _der(certificate: str | bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate) if isinstance(certificate, str) else certificate


def _identity(leaf: Certificate) -> tuple[str, str]:
    """SPIFFE ID and trust domain; ValueError when the certificate is not a workload's."""
    from cryptography import x509

    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as err:
        raise ValueError("the certificate has no subject alternative name or no key usage") from err
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    found = _ID.fullmatch(uris[0]) if len(uris) == 1 and len(uris[0]) <= _LONGEST_ID else None
    if found is None or {".", ".."} & set(found["path"].split("/")):
        raise ValueError("the certificate does not hold exactly one SPIFFE ID")
    if usage.key_cert_sign or usage.crl_sign or not usage.digital_signature:
        raise ValueError("the certificate is a CA's, not a workload's")
    return uris[0], found["domain"]


def _check_chain(chain: Sequence[Certificate], bundle: str, spiffe_id: str, domain: str) -> None:
    from cryptography.x509.verification import PolicyBuilder, VerificationError

    verifier = PolicyBuilder().store(_store(bundle)).max_chain_depth(4).build_client_verifier()
    try:
        verifier.verify(chain[0], list(chain[1:]))
    except VerificationError as err:
        raise _refused(f"{spiffe_id} is refused", f"its SVID is not signed by trust domain {domain}") from err


@functools.lru_cache(maxsize=64)
def _store(bundle: str) -> Store:
    from cryptography.x509 import load_pem_x509_certificates
    from cryptography.x509.verification import Store

    return Store(load_pem_x509_certificates(bundle.encode()))


def _is_allowed(spiffe_id: str, allowed: Allowed) -> bool:
    if isinstance(allowed, str):
        return spiffe_id == allowed
    return bool(allowed(spiffe_id)) if callable(allowed) else spiffe_id in allowed


def _refused(message: str, reason: str) -> PeerRefused:
    return PeerRefused(message, reasons=[reason], remedy=_REMEDY)
