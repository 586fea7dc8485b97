"""The way to AWS: one account, one partition, one region; and its errors as ours.

Rights needed for `identity`: none; every identity may ask who it is.
"""

from __future__ import annotations

import logging
import threading
from functools import cache
from typing import Any, NamedTuple

from sovplatform.errors import ConfigError, Conflict, Denied, NotFound, SovError, Unavailable

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_FOREIGN = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "AuthFailure",
        "OptInRequired",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorizedException"})
_STATE = frozenset({"DisabledException", "KMSInvalidStateException", "KeyUnavailableException"})
_BUSY = frozenset(
    {"ThrottlingException", "Throttling", "KMSInternalException", "DependencyTimeoutException", "LimitExceededException"}
)
_LOUD = ("botocore.endpoint", "botocore.parsers", "botocore.auth", "botocore.hooks", "botocore.httpsession", "botocore.client")


class AwsPlace(NamedTuple):
    """Where to work: partition, region and account, with which profile's credentials. `endpoint` is for tests."""

    partition: str
    region: str
    account: str
    profile: str = ""
    endpoint: str = ""

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


class AwsRefused(SovError):
    """The service understood and said the request is wrong; `code` is its own word."""

    def __init__(self, message: str, code: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


class AwsApi:
    """Calls to one place. Thread-safe. An endpoint or a CA of the environment is not used: keys are where the settings say."""

    def __init__(self, place: AwsPlace, *, timeout: float = 10.0) -> None:
        self.place = place
        self._timeout = timeout
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """One operation, such as `kms`, `describe_key`.

        Raises:
            Denied: expired, foreign or no credentials, no right, or a key that is disabled.
            NotFound, Conflict, Unavailable, AwsRefused.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self._client(service), operation)(**arguments)
        except ClientError as err:
            raise self._said(service, operation, err.response) from err
        except BotoCoreError as err:
            raise self._unsaid(service, err) from err
        return answer

    def identity(self) -> tuple[str, str]:
        """The partition and account of the credentials. Raises as `call`."""
        arn = str(self.call("sts", "get_caller_identity")["Arn"])
        _, partition, _, _, account, _ = arn.split(":", 5)
        return partition, account

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._connected(service)
            return self._clients[service]

    def _connected(self, service: str) -> Any:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import ProfileNotFound

        quiet()
        config = Config(
            connect_timeout=self._timeout,
            read_timeout=self._timeout,
            retries={"mode": "standard", "total_max_attempts": 3},
            ignore_configured_endpoint_urls=True,
            use_dualstack_endpoint=False,
            user_agent_extra="sovplatform",
        )
        place = self.place
        try:
            session = boto3.Session(profile_name=place.profile or None, region_name=place.region, botocore_session=_core())
            return session.client(service, config=config, endpoint_url=place.endpoint or None, verify=True)
        except ProfileNotFound as err:
            raise ConfigError(
                f"there is no AWS profile {self.place.profile}", remedy=f"run `aws configure --profile {self.place.profile}`"
            ) from err

    def _said(self, service: str, operation: str, response: dict[str, Any]) -> SovError:
        error, status = response.get("Error", {}), response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = str(error.get("Code", ""))
        said = str(error.get("Message") or code)
        what = f"AWS {service} refused {operation.replace('_', ' ')}"
        refused = self._refusals(said)
        for codes, (reason, remedy) in refused.items():
            if code in codes:
                return Denied(what, reasons=[reason], remedy=remedy)
        if code == "NotFoundException":
            return NotFound(f"AWS {service} has no such thing: {said}", remedy="create it first")
        if code == "AlreadyExistsException":
            return Conflict(said, remedy="use another name")
        if code in _BUSY or status >= 500:
            return Unavailable(f"AWS {service} cannot answer {operation.replace('_', ' ')}: {said}", remedy="try again later")
        return AwsRefused(f"{what}: {said}", code, remedy="see the message of the service")

    def _refusals(self, said: str) -> dict[frozenset[str], tuple[str, str]]:
        """Reason and remedy of each kind of denial."""
        return {
            _EXPIRED: ("the credentials have expired", self._log_in()),
            _FOREIGN: (f"the credentials are not of partition {self.place.partition}: {said}", self._own()),
            _DENIED: (said, "give this identity the rights that the provider's page lists"),
            _STATE: (said, "enable the key, or cancel its deletion"),
        }

    def _unsaid(self, service: str, err: Exception) -> SovError:
        from botocore import exceptions as vendor

        login = (
            vendor.NoCredentialsError,
            vendor.PartialCredentialsError,
            vendor.CredentialRetrievalError,
            vendor.SSOError,
            vendor.TokenRetrievalError,
            vendor.InvalidConfigError,
        )
        if isinstance(err, login):
            return Denied(f"no AWS credentials for account {self.place.account}", reasons=[_plain(err)], remedy=self._log_in())
        if isinstance(err, vendor.ParamValidationError):
            return AwsRefused(str(err), "ParamValidation", remedy="report this")
        return Unavailable(
            f"AWS {service} of {self.place.region} does not answer: {type(err).__name__}",
            remedy="check the network, and the region's private endpoint",
        )

    def _log_in(self) -> str:
        return f"log in again: aws sso login{f' --profile {self.place.profile}' if self.place.profile else ''}"

    def _own(self) -> str:
        return (
            f"use credentials of account {self.place.account} in partition {self.place.partition}; no other partition knows them"
        )


def _plain(err: Exception) -> str:
    """Why there are no credentials, without what a program that should print some has printed: it may be a part of them."""
    from botocore.exceptions import CredentialRetrievalError

    if isinstance(err, CredentialRetrievalError):
        return f"{err.kwargs.get('provider', 'their provider')} gave none"
    return str(err)


@cache
def partition_of(region: str) -> str:
    """The partition that botocore's data puts a region in."""
    import boto3

    return str(boto3.Session(botocore_session=_core()).get_partition_for_region(region))


def _core() -> Any:
    """A new session on one loader, as reading the services' descriptions anew takes longer than the first request."""
    from botocore.session import get_session

    session = get_session()
    session.register_component("data_loader", _loader())
    return session


@cache
def _loader() -> Any:
    from botocore.loaders import create_loader

    return create_loader()


def quiet() -> None:
    """Keep botocore from logging bodies: at DEBUG it writes data keys and session tokens out in plain."""
    for name in _LOUD:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.INFO))
