"""What every KeyStore on a key service has in common: names, algorithms, and what is refused in which words."""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sovplatform.errors import ConfigError, Conflict, Denied, NotFound, Unsupported
from sovplatform.records import KeyPurpose

ALGORITHMS = {KeyPurpose.sign: "ecdsa-p256-sha256", KeyPurpose.seal: "ed25519", KeyPurpose.wrap: "aes-256-gcm"}
FACTS_SECONDS = 60.0
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

T = TypeVar("T")


class Checked(Generic[T]):
    """What was found right about a key, for a minute: then it is asked again. A refusal is never kept."""

    def __init__(self, seconds: float = FACTS_SECONDS) -> None:
        self._seconds = seconds
        self._known: dict[str, tuple[float, T]] = {}
        self._lock = threading.Lock()

    def get(self, key: str, check: Callable[[], T]) -> T:
        """What `check` found within the last minute, or finds now."""
        with self._lock:
            known = self._known.get(key)
        if known and time.monotonic() - known[0] < self._seconds:
            return known[1]
        found = check()
        with self._lock:
            self._known[key] = (time.monotonic(), found)
        return found

    def forget(self, key: str) -> None:
        """Ask again next time."""
        with self._lock:
            self._known.pop(key, None)


def check_name(name: str) -> str:
    """Raises NotFound for what is no name of a key, so that no name reaches another path."""
    if not _NAME.fullmatch(name):
        raise NotFound(f"{name!r} is no name of a key", remedy="use lower-case letters, digits and hyphens")
    return name


def check_data_key(data_key: bytes) -> None:
    """Raises ConfigError for a data key of an odd length."""
    if not 16 <= len(data_key) <= 64:
        raise ConfigError(f"a data key of {len(data_key)} bytes", remedy="give one of 16 to 64 bytes")


def check_signs(uri: str, purpose: KeyPurpose) -> None:
    """Raises Unsupported for a key that wraps."""
    if purpose is KeyPurpose.wrap:
        raise Unsupported(f"signing with {uri}", reason="its purpose is wrap", remedy="use a sign or seal key")


def check_wraps(uri: str, purpose: KeyPurpose) -> None:
    """Raises Unsupported for a key that signs."""
    if purpose is not KeyPurpose.wrap:
        raise Unsupported(f"wrapping with {uri}", reason=f"its purpose is {purpose}", remedy="use a wrap key")


def check_purpose(uri: str, purpose: KeyPurpose, wanted: KeyPurpose) -> None:
    """Raises Conflict when the key that is there is for something else than the one to create."""
    if purpose is not wanted:
        raise Conflict(f"key {uri} exists for {purpose}, not for {wanted}", remedy="give the new key another name")


def check_usable(uri: str, wrong: Sequence[str], remedy: str = "make a new key under another name, in the region itself") -> None:
    """Raises Denied when anything is `wrong` with the key."""
    if wrong:
        raise Denied(f"key {uri} is not used", reasons=wrong, remedy=remedy)


def foreign(uri: str, region: str, why: str) -> Denied:
    """The denial of a data key that was wrapped somewhere else."""
    return Denied(f"{uri} is not a key of region {region}", reasons=[why], remedy="unwrap it in its own region")


def name_in(uri: str, mine: str, region: str, elsewhere: str) -> str:
    """The key's name in a URI that starts with `mine`. Raises Denied for a key `elsewhere`, and for a URI that names none."""
    name = uri.removeprefix(mine)
    if name == uri:
        raise foreign(uri, region, elsewhere)
    try:
        return check_name(name)
    except NotFound as err:
        raise Denied(f"{uri} names no key", remedy=err.remedy) from err


def does_not_open(uri: str) -> Denied:
    """The denial of a data key whose bytes, key or context are not what they were."""
    return Denied(
        f"the data key does not open with {uri}",
        reasons=["changed bytes, another key, or another context"],
        remedy="give the context it was wrapped with",
    )


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def pem_of_der(public_key: bytes) -> str:
    """PEM of a SubjectPublicKeyInfo, which is checked on the way. Raises ValueError."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

    return load_der_public_key(public_key).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
