"""The SPIFFE Workload API as a gRPC service (the official definitions, as PyPI's `spiffe` carries them).

What it answers follows the SPIFFE Workload API specification: INVALID_ARGUMENT without the security header, PERMISSION_DENIED
for who has no identity.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn, TypeVar

import grpc
from google.protobuf import struct_pb2
from spiffe import JwtBundle, JwtBundleSet, JwtSvid, TrustDomain
from spiffe._proto import workload_pb2 as wire
from spiffe._proto import workload_pb2_grpc
from spiffe.errors import PySpiffeError

from sovplatform.backends.spiffe.attestation import Attestor, Process
from sovplatform.backends.spiffe.issuer import Issuer, jwks
from sovplatform.backends.spiffe.peers import der_of_pem
from sovplatform.errors import Denied, SovError
from sovplatform.records import RegionTrust

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
Federated = Callable[[], Iterable[RegionTrust]]
_HEADER = ("workload.spiffe.io", "true")
_RETRY_SECONDS = 1.0
_IDLE_SECONDS = 3600.0


class WorkloadService(workload_pb2_grpc.SpiffeWorkloadAPIServicer):
    """`process_of` tells which process a gRPC peer address is; None is refused."""

    def __init__(
        self, issuer: Issuer, attestor: Attestor, federated: Federated, process_of: Callable[[str], Process | None]
    ) -> None:
        self._issuer = issuer
        self._attestor = attestor
        self._federated = federated
        self._process_of = process_of

    def FetchX509SVID(self, request: wire.X509SVIDRequest, context: grpc.ServicerContext) -> Iterator[wire.X509SVIDResponse]:  # noqa: N802
        """A stream: the SVIDs now, and again before they expire or when anything changes."""
        return self._stream(context, self._x509_svids)

    def FetchX509Bundles(  # noqa: N802
        self, request: wire.X509BundlesRequest, context: grpc.ServicerContext
    ) -> Iterator[wire.X509BundlesResponse]:
        """A stream: the CA certificates of this and all federated trust domains."""
        return self._stream(context, self._x509_bundles)

    def FetchJWTBundles(  # noqa: N802
        self, request: wire.JWTBundlesRequest, context: grpc.ServicerContext
    ) -> Iterator[wire.JWTBundlesResponse]:
        """A stream: the JWT keys of this and all federated trust domains."""
        return self._stream(context, self._jwt_bundles)

    def FetchJWTSVID(self, request: wire.JWTSVIDRequest, context: grpc.ServicerContext) -> wire.JWTSVIDResponse:  # noqa: N802
        """JWT-SVIDs for an audience, of all identities of the caller or of the one it names."""
        paths = self._paths(self._caller(context), context)
        if not request.audience or not all(request.audience):
            _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "an audience is needed")
        ids = {f"spiffe://{self._issuer.trust_domain}{path}": path for path in paths}
        if request.spiffe_id and request.spiffe_id not in ids:
            _refuse(context, grpc.StatusCode.PERMISSION_DENIED, "no such identity issued")
        wanted = {request.spiffe_id: ids[request.spiffe_id]} if request.spiffe_id else ids
        try:
            made = [wire.JWTSVID(spiffe_id=id_, svid=self._issuer.jwt(path, request.audience)) for id_, path in wanted.items()]
        except SovError as err:
            _refuse(context, _status(err), err.message)
        return wire.JWTSVIDResponse(svids=made)

    def ValidateJWTSVID(  # noqa: N802
        self, request: wire.ValidateJWTSVIDRequest, context: grpc.ServicerContext
    ) -> wire.ValidateJWTSVIDResponse:
        """Check a JWT-SVID against the bundle of its own trust domain."""
        self._paths(self._caller(context), context)
        try:
            token = JwtSvid.parse_insecure(request.svid, {request.audience})
            bundle = self._bundle_set().get_bundle_for_trust_domain(token.spiffe_id.trust_domain)
            if bundle is None:
                _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "the trust domain is not federated")
            token = JwtSvid.parse_and_validate(request.svid, bundle, {request.audience})
        except PySpiffeError as err:
            _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, str(err))
        claims = struct_pb2.Struct()
        claims.update({"sub": str(token.spiffe_id), "aud": sorted(token.audience), "exp": token.expiry})
        return wire.ValidateJWTSVIDResponse(spiffe_id=str(token.spiffe_id), claims=claims)

    def _stream(
        self, context: grpc.ServicerContext, make: Callable[[Process, tuple[str, ...]], tuple[Answer, float]]
    ) -> Iterator[Answer]:
        caller = self._caller(context)
        context.add_callback(self._attestor.nudge)
        sent: Answer | None = None
        while context.is_active():
            seen = self._attestor.generation
            paths = self._paths(caller, context)
            try:
                answer, renew_at = make(caller, paths)
            except SovError as err:
                if sent is None:
                    _refuse(context, _status(err), err.message)
                log.warning("no renewal for pid %d: %s", caller.pid, err.message)
                answer, renew_at = sent, time.time() + _RETRY_SECONDS
            if answer != sent:
                yield answer
                sent = answer
            self._attestor.await_change(seen, renew_at, context.is_active)

    def _x509_svids(self, caller: Process, paths: tuple[str, ...]) -> tuple[wire.X509SVIDResponse, float]:
        bundle = der_of_pem(self._issuer.bundle())
        issued = [self._issuer.x509(caller, path) for path in paths]
        answer = wire.X509SVIDResponse(
            svids=[
                wire.X509SVID(spiffe_id=svid.spiffe_id, x509_svid=svid.certificate, x509_svid_key=svid.key, bundle=bundle)
                for svid in issued
            ],
            federated_bundles={f"spiffe://{trust.trust_domain}": der_of_pem(trust.bundle) for trust in self._foreign()},
        )
        return answer, min(svid.renew_at for svid in issued)

    def _x509_bundles(self, caller: Process, paths: tuple[str, ...]) -> tuple[wire.X509BundlesResponse, float]:
        bundles = {self._issuer.trust_domain: self._issuer.bundle()} | {t.trust_domain: t.bundle for t in self._foreign()}
        answer = wire.X509BundlesResponse(bundles={f"spiffe://{domain}": der_of_pem(pem) for domain, pem in bundles.items()})
        return answer, time.time() + _IDLE_SECONDS

    def _jwt_bundles(self, caller: Process, paths: tuple[str, ...]) -> tuple[wire.JWTBundlesResponse, float]:
        keys = {self._issuer.trust_domain: self._issuer.jwt_keys()} | {t.trust_domain: t.jwt_keys for t in self._foreign()}
        answer = wire.JWTBundlesResponse(bundles={f"spiffe://{domain}": jwks(of) for domain, of in keys.items()})
        return answer, time.time() + 60.0

    def _bundle_set(self) -> JwtBundleSet:
        keys = {self._issuer.trust_domain: self._issuer.jwt_keys()} | {t.trust_domain: t.jwt_keys for t in self._foreign()}
        return JwtBundleSet.of([JwtBundle.parse(TrustDomain(domain), jwks(of)) for domain, of in keys.items()])

    def _foreign(self) -> list[RegionTrust]:
        return [trust for trust in self._federated() if trust.trust_domain != self._issuer.trust_domain]

    def _caller(self, context: grpc.ServicerContext) -> Process:
        if _HEADER not in [(item.key, item.value) for item in context.invocation_metadata()]:
            _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "security header missing from request")
        process = self._process_of(context.peer())
        if process is None:
            _refuse(context, grpc.StatusCode.PERMISSION_DENIED, "no identity issued")
        return process

    def _paths(self, caller: Process, context: grpc.ServicerContext) -> tuple[str, ...]:
        paths = self._attestor.paths(caller)
        if not paths:
            _refuse(context, grpc.StatusCode.PERMISSION_DENIED, "no identity issued")
        return paths


def _status(err: SovError) -> grpc.StatusCode:
    return grpc.StatusCode.PERMISSION_DENIED if isinstance(err, Denied) else grpc.StatusCode.UNAVAILABLE


def _refuse(context: grpc.ServicerContext, code: grpc.StatusCode, why: str) -> NoReturn:
    context.abort(code, why)
    raise AssertionError("unreachable: abort raises")
