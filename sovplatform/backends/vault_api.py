"""The way to one namespace of an OpenBao or HashiCorp Vault server: kept-alive connections, tokens, and our errors."""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from sovplatform.errors import Denied, NotFound, SovError, Unavailable

if TYPE_CHECKING:
    import hvac

_POLICY_SAYS_NO = "1 error occurred: * permission denied"  # a token that has expired gets other words

TokenSource = Callable[[], str]
"""Gives a valid token whenever it is called. One that caches should have `forget(token)`: called when a token was refused."""


class VaultAddress(NamedTuple):
    """Where a server answers, and the file of the CA that vouches for it (empty: the system's)."""

    url: str
    ca_file: str = ""


class VaultRefused(SovError):
    """The server understood and said the request is wrong (HTTP 400), for example a ciphertext of another key."""


class VaultApi:
    """One namespace, one source of tokens. Safe to share between threads: each request borrows a client of its own.

    The environment's proxies and CA bundles are not used: keys are reached by the configured address and CA alone.
    """

    def __init__(
        self, address: VaultAddress, *, namespace: str = "", token: TokenSource | None = None, timeout: float = 10.0
    ) -> None:
        self.address = address
        self.namespace = namespace
        self._token = token
        self._timeout = timeout
        self._idle: queue.LifoQueue[hvac.Client] = queue.LifoQueue()

    def read(self, path: str) -> dict[str, Any]:
        """GET; see `request`."""
        return self.request("GET", path)

    def write(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """POST; see `request`."""
        return self.request("POST", path, body or {})

    def exists(self, path: str) -> bool:
        """True when the path can be read."""
        try:
            self.read(path)
        except NotFound:
            return False
        return True

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send one request and return its JSON answer (empty for none). A lost connection or a stale token is retried once.

        Raises:
            VaultRefused: HTTP 400.
            NotFound: no such path.
            Denied: the token may not do this.
            Unavailable: no answer, or sealed.
        """
        token = self._token() if self._token else ""
        try:
            return self._send(method, path, body, token)
        except _StaleToken as err:
            forget = getattr(self._token, "forget", None)
            if self._token is None or forget is None:
                raise err.denied from err
            forget(token)
        try:
            return self._send(method, path, body, self._token())
        except _StaleToken as err:
            raise err.denied from err

    def close(self) -> None:
        """Close the idle connections; a later request opens a new one."""
        while True:
            try:
                self._idle.get_nowait().adapter.close()
            except queue.Empty:
                return

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, token: str) -> dict[str, Any]:
        import requests

        try:
            return self._exchange(method, path, body, token)
        except requests.RequestException:
            self.close()  # the server may have been restarted under all idle connections
        try:
            return self._exchange(method, path, body, token)
        except requests.RequestException as err:
            raise self._unavailable("does not answer") from err

    def _exchange(self, method: str, path: str, body: Mapping[str, Any] | None, token: str) -> dict[str, Any]:
        import hvac.exceptions as failures
        import requests

        client = self._borrow()
        client.token = token or None
        try:
            answer = client.adapter.request(method, f"/v1/{path}", json=body)
        except failures.VaultError as err:
            self._idle.put(client)
            raise self._translated(path, err) from err
        except requests.Timeout as err:
            client.adapter.close()
            raise self._unavailable(f"does not answer within {self._timeout:g} s") from err
        except requests.RequestException:
            client.adapter.close()
            raise
        self._idle.put(client)
        return answer if isinstance(answer, dict) else {}

    def _borrow(self) -> hvac.Client:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            pass
        import hvac
        import requests

        session = requests.Session()
        session.trust_env = False
        session.verify = self.address.ca_file or True
        return hvac.Client(
            url=self.address.url,
            token="",
            cert=(),  # None would take VAULT_CLIENT_CERT from the environment
            session=session,
            namespace=self.namespace or None,
            timeout=self._timeout,
            allow_redirects=False,
        )

    def _translated(self, path: str, err: Exception) -> SovError:
        import hvac.exceptions as failures

        said = "; ".join(" ".join(str(line).split()) for line in getattr(err, "errors", None) or ()) or type(err).__name__
        where = f"{path} in namespace {self.namespace or 'root'}"
        if isinstance(err, failures.InvalidPath):
            return NotFound(f"{where} does not exist", remedy="provision the region, or check the name")
        if isinstance(err, failures.Forbidden | failures.Unauthorized):
            denied = Denied(f"access to {where} is denied", reasons=[said], remedy="use the identity whose policy allows it")
            return denied if said == _POLICY_SAYS_NO else _StaleToken(denied)
        if isinstance(err, failures.InvalidRequest | failures.UnsupportedOperation):
            return VaultRefused(f"the key service refused {where}: {said}", remedy="check the request")
        if "error performing token check" in said:  # what OpenBao answers (500) to a batch token it cannot decrypt
            return _StaleToken(Denied(f"access to {where} is denied", reasons=["the token is not one"], remedy="log in again"))
        return self._unavailable(f"answered: {said}")

    def _unavailable(self, what: str) -> Unavailable:
        return Unavailable(
            f"the key service at {self.address.url} {what}", remedy="see that it is up and unsealed, then try again"
        )


class _StaleToken(SovError):
    """The server does not know the token (any more): worth one new login."""

    def __init__(self, denied: Denied) -> None:
        super().__init__(denied.message, remedy=denied.remedy)
        self.denied = denied
