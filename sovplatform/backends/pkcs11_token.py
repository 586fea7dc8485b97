"""The way to one token of an HSM by PKCS#11: the PIN from a file, one session, and the module's errors as ours."""

from __future__ import annotations

import fcntl
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sovplatform.errors import ConfigError, Denied, NotFound, SovError, Unavailable

_MESSAGES = {
    "PinIncorrect": ("the PIN is wrong", "put the token's PIN in the file; most HSMs lock after a few wrong ones"),
    "PinLenRange": ("the PIN has a wrong length", "put the token's PIN in the file"),
    "PinInvalid": ("the PIN has wrong characters", "put the token's PIN in the file"),
    "PinLocked": ("the PIN is locked after wrong ones", "have the security officer set it anew"),
    "PinExpired": ("the PIN has expired", "have it set anew"),
    "UserPinNotInitialized": ("the token has no PIN", "have the security officer set it"),
    "UserNotLoggedIn": ("nobody is logged in", "check the PIN file"),
}
_LOCK = threading.RLock()
_STALE = {"SessionClosed", "SessionHandleInvalid", "UserNotLoggedIn", "DeviceRemoved", "TokenNotPresent"}


class TokenPlace(NamedTuple):
    """The vendor's PKCS#11 library, the token's label, and the file with its PIN, which only its owner may read."""

    module: str
    token: str
    pin_file: str


class HsmRefused(SovError):
    """The token understood and said the request is wrong; `code` is PKCS#11's word."""

    def __init__(self, message: str, code: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


class Token:
    """One token, logged in when first used. Safe to share between threads: one request at a time in the process, as
    libraries are not all made for more.

    A login is the whole process's: a second Token of one process does not prove its PIN again.
    """

    def __init__(self, place: TokenPlace) -> None:
        self.place = place
        self._session: Any = None
        self._mechanisms: set[int] = set()
        self._lock = _LOCK

    @contextmanager
    def session(self) -> Iterator[Any]:
        """The session, for this thread alone while the `with` lasts.

        Raises:
            ConfigError: the library or the PIN's file is wrong.
            Denied: the PIN is wrong or locked. NotFound: no such token. Unavailable: the HSM does not answer.
            HsmRefused: another word of the token's.
        """
        import pkcs11

        with self._lock:
            try:
                if self._session is None:
                    self._session = self._opened()
                yield self._session
            except pkcs11.PKCS11Error as err:
                if type(err).__name__ in _STALE:
                    self._session = None
                raise self._said(err) from err

    def has(self, mechanism: int) -> bool:
        """True when the token can do it. Raises as `session`."""
        with self.session() as session:
            if not self._mechanisms:
                self._mechanisms = {int(one) for one in session.token.slot.get_mechanisms()}
        return int(mechanism) in self._mechanisms

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other process that uses the same PIN file makes a key at the same time: PKCS#11 has no names that are unique."""
        with self._lock, Path(self.place.pin_file).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _opened(self) -> Any:
        import pkcs11

        try:
            library = pkcs11.lib(self.place.module)
        except RuntimeError as err:
            if isinstance(err, pkcs11.PKCS11Error) and type(err) not in (pkcs11.PKCS11Error, pkcs11.GeneralError):
                raise
            raise ConfigError(
                f"no PKCS#11 library at {self.place.module}", remedy="set `module` to the HSM vendor's library"
            ) from err
        token = library.get_token(token_label=self.place.token)
        pin = self._pin()
        try:
            return token.open(rw=True, user_pin=pin)
        except pkcs11.UserAlreadyLoggedIn:
            return token.open(rw=True)

    def _pin(self) -> str:
        file = Path(self.place.pin_file)
        try:
            if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise ConfigError(f"others may read the PIN in {file}", remedy=f"chmod 600 {file}")
            return file.read_text().strip()
        except (OSError, UnicodeDecodeError) as err:
            raise ConfigError(f"no PIN can be read from {file}", remedy="set `pin_file` to a file with the token's PIN") from err

    def _said(self, err: Exception) -> SovError:
        import pkcs11

        code = type(err).__name__
        token = f"token {self.place.token}"
        if code in _MESSAGES:
            reason, remedy = _MESSAGES[code]
            return Denied(f"{token} does not open", reasons=[reason], remedy=remedy)
        if isinstance(err, (pkcs11.NoSuchToken, pkcs11.MultipleTokensReturned)):
            return NotFound(f"there is not one {token} at {self.place.module}", remedy="set `token` to the label of one token")
        away = (pkcs11.DeviceError, pkcs11.DeviceMemory, pkcs11.DeviceRemoved, pkcs11.TokenNotPresent, pkcs11.SessionClosed)
        if isinstance(err, (*away, pkcs11.SessionHandleInvalid, pkcs11.SessionCount, pkcs11.HostMemory)):
            return Unavailable(f"{token} does not answer: {code}", remedy="check the HSM and its client, and try again")
        return HsmRefused(f"{token} refused: {code}", code, remedy="see the HSM's log")
