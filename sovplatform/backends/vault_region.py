"""A region's own key space on a Vault or OpenBao server: one namespace, its keys, its CA, and who may do what.

Idempotent throughout: provisioning again repairs what is missing and changes nothing else. Key names and rights are those
of the table in `docs/architecture.md`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from sovplatform.backends.openbao_config import AUDIENCE
from sovplatform.backends.vault import TYPES, pem_of
from sovplatform.backends.vault_api import TokenSource, VaultAddress, VaultApi, VaultRefused
from sovplatform.backends.vault_login import AppRoleLogin
from sovplatform.backends.vault_rights import RIGHTS, policy, role_of
from sovplatform.errors import Conflict, Denied, NotFound
from sovplatform.private import write_atomically
from sovplatform.records import KeyPurpose, RegionSpec

KEYS: Mapping[str, KeyPurpose] = {
    "data": KeyPurpose.wrap,
    "artifacts": KeyPurpose.sign,
    "decisions": KeyPurpose.sign,
    "models": KeyPurpose.sign,
    "ledger": KeyPurpose.seal,
    "jwt": KeyPurpose.sign,
}
TRUSTED_KEYS = ("artifacts", "decisions", "models", "ledger")
"""The keys whose public halves other regions pin."""

WORKLOAD_API = "workload-api"
SVID_ROLE = "svid"
_LIFE_OF_TOKENS = "10m"
_SKEW_SECONDS = 10
"""How long after its end a JWT-SVID is still a login. Unsaid, it would be a minute."""
_CA_TTL = "87600h"
_SVID_MAX_TTL = "24h"


class TrustMaterial(NamedTuple):
    """What others pin of a region: public keys by name, its CA certificates, and its JWT keys by key id (all PEM)."""

    keys: Mapping[str, str]
    bundle: str
    jwt_keys: Mapping[str, str]


def trust_domain(region: str, pilot: str) -> str:
    """The SPIFFE trust domain of a region of a pilot."""
    return f"{region}.{pilot}.sov"


class VaultRegion:
    """One region's namespace, seen by who provisions it. `login` is the operator's."""

    def __init__(self, address: VaultAddress, namespace: str, login: TokenSource) -> None:
        self.address = address
        self.namespace = namespace
        self._root = VaultApi(address, token=login)
        self._api = VaultApi(address, namespace=namespace, token=login)

    def provision(self, region: RegionSpec, pilot: str) -> None:
        """Make the namespace with its keys, its CA and its rights, as far as they are not there.

        Raises:
            Conflict: a key or CA is there and is not what it should be.
            Denied: the login may not provision.
            Unavailable: the server does not answer.
        """
        domain = trust_domain(region.name, pilot)
        if self.namespace and not self._root.exists(f"sys/namespaces/{self.namespace}"):
            self._root.write(f"sys/namespaces/{self.namespace}")
        self._mount("mounts", ("transit", "pki"))
        self._mount("auth", ("jwt", "approle"))
        for name, purpose in KEYS.items():
            self._make_key(name, purpose)
        self._make_ca(domain, region.name)
        self._grant(domain)

    def admit_workload_api(self, file: Path) -> None:
        """Leave in `file` (0600) the login of the region's Workload API server, unless a working one is there.

        It is the one secret a region's node keeps on disk: everybody else logs in with a JWT-SVID that this server makes.
        """
        try:
            AppRoleLogin.from_file(self.address, namespace=self.namespace, file=file)()
            return
        except Denied:
            pass
        role = f"auth/approle/role/{WORKLOAD_API}"
        login = {
            "role_id": self._api.read(f"{role}/role-id")["data"]["role_id"],
            "secret_id": self._api.write(f"{role}/secret-id")["data"]["secret_id"],
        }
        write_atomically(file, json.dumps(login).encode())

    def trust_material(self) -> TrustMaterial:
        """What others must pin to believe the region.

        Raises:
            NotFound: it is not provisioned.
        """
        return TrustMaterial(
            keys={name: self._versions(name)[-1] for name in TRUSTED_KEYS},
            bundle=self._ca(),
            jwt_keys={f"v{number}": pem for number, pem in enumerate(self._versions("jwt"), start=1)},
        )

    def rotate_jwt_key(self) -> None:
        """Make a new version of the key that signs JWT-SVIDs; those signed by older versions stay good until they expire."""
        self._api.write("transit/keys/jwt/rotate")
        self._accept_jwts()

    def _mount(self, table: str, kinds: tuple[str, ...]) -> None:
        there = self._api.read(f"sys/{table}")["data"]
        for kind in kinds:
            if f"{kind}/" not in there:
                config = {"max_lease_ttl": _CA_TTL} if kind == "pki" else {}
                self._api.write(f"sys/{table}/{kind}", {"type": kind, "config": config})

    def _make_key(self, name: str, purpose: KeyPurpose) -> None:
        try:
            key = self._api.read(f"transit/keys/{name}")["data"]
        except NotFound:
            self._api.write(f"transit/keys/{name}", {"type": TYPES[purpose]})
            return
        if key["type"] != TYPES[purpose] or key["exportable"] or key["allow_plaintext_backup"]:
            raise Conflict(
                f"key {name} of {self.namespace} is not a {TYPES[purpose]} key that stays", remedy="use a new namespace"
            )

    def _make_ca(self, domain: str, region: str) -> None:
        try:
            self._ca()
        except NotFound:
            ca = {"common_name": f"{region} CA"[:64], "uri_sans": f"spiffe://{domain}", "ttl": _CA_TTL, "max_path_length": 0}
            ca |= {"exclude_cn_from_sans": True}  # else it must be a host's name, which a region's need not be
            self._api.write("pki/root/generate/internal", {**ca, "key_type": "ec", "key_bits": 256})
        self._check_ca(domain)
        role = {
            "allowed_uri_sans": [f"spiffe://{domain}/*"],
            "allow_any_name": False,
            "allow_localhost": False,
            "allow_ip_sans": False,
            "require_cn": False,
            "use_csr_sans": False,
            "use_csr_common_name": False,
            "key_type": "ec",
            "key_bits": 256,
            "server_flag": True,
            "client_flag": True,
            "key_usage": ["DigitalSignature"],
            "basic_constraints_valid_for_non_ca": True,
            "max_ttl": _SVID_MAX_TTL,
            "no_store": True,
        }
        self._api.write(f"pki/roles/{SVID_ROLE}", role)

    def _check_ca(self, domain: str) -> None:
        """A namespace that was provisioned for another pilot must not be taken over: its CA names its trust domain."""
        from cryptography import x509

        names = x509.load_pem_x509_certificate(self._ca().encode()).extensions
        uris = names.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.UniformResourceIdentifier
        )
        if uris != [f"spiffe://{domain}"]:
            raise Conflict(
                f"namespace {self.namespace} belongs to {', '.join(uris)}", remedy="give each pilot a server of its own"
            )

    def _grant(self, domain: str) -> None:
        for identity, rights in RIGHTS.items():
            role = role_of(identity)
            self._api.write(f"sys/policies/acl/{role}", {"policy": policy(rights)})
            self._api.write(f"auth/jwt/role/{role}", _jwt_role(role, f"spiffe://{domain}/{identity}"))
        self._accept_jwts()
        self._api.write(f"sys/policies/acl/{WORKLOAD_API}", {"policy": _WORKLOAD_API_POLICY})
        self._api.write(f"auth/approle/role/{WORKLOAD_API}", self._workload_api_role())

    def _workload_api_role(self) -> dict[str, object]:
        role: dict[str, object] = {
            "token_policies": [WORKLOAD_API],
            "token_no_default_policy": True,
            "token_type": "batch",
            "token_ttl": _LIFE_OF_TOKENS,
            "secret_id_ttl": 0,
            "secret_id_num_uses": 0,
        }
        if urlsplit(self.address.url).hostname == "127.0.0.1":
            role["secret_id_bound_cidrs"] = role["token_bound_cidrs"] = ["127.0.0.1/32"]
        return role

    def _accept_jwts(self) -> None:
        self._api.write("auth/jwt/config", {"jwt_validation_pubkeys": list(self._versions("jwt"))})

    def _versions(self, name: str) -> tuple[str, ...]:
        versions = self._api.read(f"transit/keys/{name}")["data"]["keys"]
        return tuple(pem_of(versions[number]["public_key"]) for number in sorted(versions, key=int))

    def _ca(self) -> str:
        try:
            certificate: str = self._api.read("pki/cert/ca")["data"]["certificate"]
        except VaultRefused as err:
            raise NotFound(f"namespace {self.namespace} has no CA", remedy="provision the region") from err
        if not certificate:
            raise NotFound(f"namespace {self.namespace} has no CA", remedy="provision the region")
        return certificate.strip() + "\n"


_WORKLOAD_API_POLICY = """
path "transit/keys/jwt"    { capabilities = ["read"] }
path "transit/sign/jwt/*"  { capabilities = ["update"] }
path "pki/sign/svid"       { capabilities = ["update"] }
path "pki/cert/ca"         { capabilities = ["read"] }
"""


def _jwt_role(role: str, subject: str) -> dict[str, object]:
    """A login for exactly this SPIFFE ID (or for those that a final `*` stands for), as a batch token of minutes."""
    bound: dict[str, object] = {"bound_subject": subject}
    if subject.endswith("*"):
        bound = {"bound_subject": "", "bound_claims_type": "glob", "bound_claims": {"sub": subject}}
    return {
        "role_type": "jwt",
        "bound_audiences": [AUDIENCE],
        "user_claim": "sub",
        "token_policies": [role],
        "token_no_default_policy": True,
        "token_type": "batch",
        "token_ttl": _LIFE_OF_TOKENS,
        "clock_skew_leeway": _SKEW_SECONDS,
        **bound,
    }
