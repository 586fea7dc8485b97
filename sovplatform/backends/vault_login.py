"""Logins to OpenBao or Vault: short-lived tokens, cached and renewed before they expire."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sovplatform.backends.vault_api import VaultAddress, VaultApi, VaultRefused
from sovplatform.errors import Denied, NotFound

RENEW_AFTER = 2 / 3
"""The share of a token's life after which the next use logs in again."""


class Login:
    """A token source: `POST auth/PATH` with what `credentials` returns. Tokens live in memory only."""

    def __init__(
        self,
        address: VaultAddress,
        *,
        namespace: str,
        path: str,
        credentials: Callable[[], Mapping[str, Any]],
        timeout: float = 10.0,
    ) -> None:
        self._api = VaultApi(address, namespace=namespace, timeout=timeout)
        self._path = path
        self._credentials = credentials
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def __call__(self) -> str:
        """A token with at least a third of its life before it.

        Raises:
            Denied: the login was refused.
            Unavailable: the service does not answer.
        """
        with self._lock:
            if not self._token or time.time() >= self._renew_at:
                self._login()
            return self._token

    def forget(self, token: str) -> None:
        """Drop `token`, which the server refused, so that the next call logs in."""
        with self._lock:
            if token == self._token:
                self._token = ""

    def _login(self) -> None:
        asked = time.time()
        try:
            auth = self._api.write(f"auth/{self._path}", self._credentials())["auth"]
        except (VaultRefused, NotFound) as err:
            raise Denied(
                f"login at auth/{self._path} in namespace {self._api.namespace or 'root'} was refused",
                reasons=[err.message],
                remedy="check that the region is provisioned and that this identity has a role in it",
            ) from err
        self._token = str(auth["client_token"])
        self._renew_at = asked + float(auth["lease_duration"]) * RENEW_AFTER


class JwtLogin(Login):
    """A login with a signed JWT (a JWT-SVID, or the operator's own) in a role of the JWT auth method."""

    def __init__(
        self,
        address: VaultAddress,
        *,
        namespace: str,
        role: str,
        jwt: Callable[[], str],
        mount: str = "jwt",
        timeout: float = 10.0,
    ) -> None:
        super().__init__(
            address,
            namespace=namespace,
            path=f"{mount}/login",
            credentials=lambda: {"role": role, "jwt": jwt()},
            timeout=timeout,
        )


class AppRoleLogin(Login):
    """A login with a role id and secret id, for what must have a token before there are SVIDs."""

    def __init__(self, address: VaultAddress, *, namespace: str, role_id: str, secret_id: str, timeout: float = 10.0) -> None:
        super().__init__(
            address,
            namespace=namespace,
            path="approle/login",
            credentials=lambda: {"role_id": role_id, "secret_id": secret_id},
            timeout=timeout,
        )

    @classmethod
    def from_file(cls, address: VaultAddress, *, namespace: str, file: Path) -> AppRoleLogin:
        """With what `VaultRegion.admit_workload_api` wrote.

        Raises:
            Denied: the file is not there, cannot be read, or is not a login.
        """
        try:
            login = json.loads(file.read_bytes())
            return cls(address, namespace=namespace, role_id=login["role_id"], secret_id=login["secret_id"])
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise Denied(f"{file.name} holds no login", reasons=[type(err).__name__], remedy="start the region again") from err
