"""The way to Google Cloud KMS: one project, one location, one key ring, by REST; and its errors as ours."""

from __future__ import annotations

import logging
import threading
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sovplatform.errors import Conflict, Denied, NotFound, SovError, Unavailable

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_PROJECTS = "https://cloudresourcemanager.googleapis.com"
_LOUD = ("google.cloud.kms_v1", "google.api_core", "google.auth", "urllib3")


class GcpPlace(NamedTuple):
    """Where to work. `endpoint` is another address of the services, which then needs no credentials: for tests."""

    project: str
    location: str
    keyring: str
    endpoint: str = ""

    @property
    def ring(self) -> str:
        return f"projects/{self.project}/locations/{self.location}/keyRings/{self.keyring}"


class GcpRefused(SovError):
    """The service understood and said the request is wrong."""


class GcpApi:
    """Calls to one place. Thread-safe. An endpoint or universe of the environment is not used."""

    def __init__(self, place: GcpPlace, *, timeout: float = 10.0) -> None:
        self.place = place
        self._timeout = timeout
        self._client: Any = None
        self._session: Any = None
        self._lock = threading.Lock()

    def call(self, method: str, **request: Any) -> Any:
        """One method of the KMS service, such as `get_crypto_key`; answers with its protobuf message.

        Raises:
            Denied: expired, foreign or no credentials, no right, or a key version that is disabled.
            NotFound, Conflict, Unavailable, GcpRefused.
        """
        with _Errors(self.place, f"Cloud KMS refused {method.replace('_', ' ')}"):
            return getattr(self._connected(), method)(request=request, timeout=self._timeout, retry=self._retry(method))

    def versions(self, key: str) -> list[Any]:
        """All versions of a key, oldest first. Raises as `call`."""
        with _Errors(self.place, f"Cloud KMS refused the versions of {key}"):
            listed = self._connected().list_crypto_key_versions(request={"parent": key}, timeout=self._timeout)
            return sorted(listed, key=lambda version: number_of(version.name))

    def project(self) -> dict[str, Any]:
        """The project as Resource Manager knows it: `name` with its number, `projectId`, `parent`, `state`. Raises as `call`.

        Right needed: `resourcemanager.projects.get`.
        """
        self._connected()
        url = f"{self.place.endpoint or _PROJECTS}/v3/projects/{self.place.project}"
        with _Errors(self.place, f"project {self.place.project} cannot be seen"):
            from google.api_core.exceptions import from_http_response

            answer = self._session.get(url, timeout=self._timeout, allow_redirects=False)
            if answer.status_code != 200:
                raise from_http_response(answer)  # type: ignore[no-untyped-call]
            found: dict[str, Any] = answer.json()
            return found

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                quiet()
                with _Errors(self.place, "no Google Cloud credentials"):
                    self._connect()
            return self._client

    def _connect(self) -> None:
        import google.auth
        from google.auth.credentials import AnonymousCredentials
        from google.auth.transport.requests import AuthorizedSession
        from google.cloud.kms_v1 import KeyManagementServiceClient
        from google.cloud.kms_v1.services.key_management_service.transports import KeyManagementServiceRestTransport

        address = urlsplit(self.place.endpoint or "https://cloudkms.googleapis.com")
        credentials: Any = AnonymousCredentials() if self.place.endpoint else google.auth.default(scopes=_SCOPES)[0]  # type: ignore[no-untyped-call]
        transport = KeyManagementServiceRestTransport(host=address.netloc, url_scheme=address.scheme, credentials=credentials)
        self._client = KeyManagementServiceClient(transport=transport)
        self._session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]

    def _retry(self, method: str) -> Any:
        """What makes something is not asked for twice."""
        from google.api_core.exceptions import ServiceUnavailable
        from google.api_core.retry import Retry, if_exception_type

        if method.startswith(("create_", "update_")):
            return None
        return Retry(if_exception_type(ServiceUnavailable), initial=0.1, maximum=1.0, timeout=min(2.0, self._timeout))


class _Errors:
    """Turns what Google's libraries raise inside the `with` into ours."""

    def __init__(self, place: GcpPlace, what: str) -> None:
        self._place = place
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, trace: object) -> None:
        if err is None or isinstance(err, SovError):
            return
        ours = self._ours(err)
        if ours is not None:
            raise ours from err

    def _ours(self, err: BaseException) -> SovError | None:
        import requests
        from google.api_core import exceptions as api
        from google.auth import exceptions as auth

        if isinstance(err, (auth.TransportError, requests.RequestException, api.RetryError)):
            return self._away(type(err).__name__)
        if isinstance(err, auth.GoogleAuthError):
            return Denied(self._what, reasons=["the credentials are missing or expired"], remedy=_LOG_IN)
        return self._said(err) if isinstance(err, api.GoogleAPICallError) else None

    def _said(self, err: Any) -> SovError:
        from google.api_core import exceptions as api

        said = str(err.message)
        answers: tuple[tuple[tuple[type[Exception], ...], SovError], ...] = (
            ((api.Unauthorized,), Denied(self._what, reasons=[f"the credentials have expired: {said}"], remedy=_LOG_IN)),
            (
                (api.Forbidden,),
                Denied(self._what, reasons=[said], remedy="give this identity the rights that the provider's page lists"),
            ),
            ((api.NotFound,), NotFound(f"Cloud KMS has no such thing: {said}", remedy="create it first")),
            ((api.Conflict,), Conflict(said, remedy="use another name")),
            ((api.ServerError, api.TooManyRequests), self._away(said)),
        )
        for kinds, ours in answers:
            if isinstance(err, kinds):
                return ours
        if _status(err) == "FAILED_PRECONDITION":
            return Denied(self._what, reasons=[said], remedy="enable the key version")
        return GcpRefused(f"{self._what}: {said}", remedy="see the message of the service")

    def _away(self, why: str) -> Unavailable:
        return Unavailable(
            f"Google Cloud does not answer for project {self._place.project}: {why}",
            remedy="check the network and the private access to Google APIs, and try again",
        )


_LOG_IN = "log in again: gcloud auth application-default login"


def _status(err: Any) -> str:
    try:
        return str(err.response.json()["error"]["status"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return ""


def number_of(version: str) -> int:
    """The number at the end of the name of a key version."""
    return int(version.rpartition("/")[2])


def quiet() -> None:
    """Keep Google's libraries from logging bodies: at DEBUG they write data keys out in plain."""
    for name in _LOUD:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.INFO))
