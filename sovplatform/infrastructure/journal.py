"""Journal: the operator's own ledger, of what was judged, applied and destroyed before there was a region to record it.

It is a ledger as the regions' are, signed with a key of the operator's that never leaves the pilot's `.sov`. The auditor verifies
it with the others.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

from sovplatform.errors import LedgerCorrupt
from sovplatform.ledger import Entry, Ledger
from sovplatform.ledger.crosscheck import database
from sovplatform.ledger.operator import OPERATOR, OperatorLedger
from sovplatform.ledger.verify import verify
from sovplatform.private import make_directory, write_atomically
from sovplatform.runreport import LedgerReport


class Journal:
    """The journal of one pilot, in `home`. Who holds the pilot's lock writes; anybody may read."""

    region = OPERATOR
    """What reports call it, among the regions' names."""

    def __init__(self, home: Path, pilot: str) -> None:
        self.path = home / "ledger.db"
        self._key = home / "ledger.key"
        self._public = home / "ledger.pub"
        self._origin = f"{self.region}.{pilot}.sov/ledger"

    def record(self, event: str, subject: str, details: Mapping[str, Any], *, key: str | None = None) -> Entry:
        """Write one event and seal it; with a key that is there already, return what was written.

        Raises:
            LedgerUnwritable: it cannot be recorded, and so must not happen.
        """
        make_directory(self.path.parent)
        private = self._private_key()
        with Ledger.open(self.path, self._origin) as ledger:
            entry = ledger.append(event, subject, actor=login(), details=details, key=key)
            ledger.seal(private.sign, self._origin, self._public.read_text())
            return entry

    def find(self, key: str) -> Entry | None:
        """The entry of that key, in a journal that verifies.

        Raises:
            LedgerCorrupt: the journal was changed by somebody.
        """
        report = self.verify()
        if report is None:
            return None
        if not report.verified:
            remedy = "have an auditor look at it; nothing can be applied before"
            raise LedgerCorrupt(f"the operator's journal does not verify: {report.problem}", remedy=remedy)
        with Ledger.open(self.path, self._origin, read_only=True) as ledger:
            return ledger.find(key)

    def entries(self) -> Iterator[Entry]:
        """All entries, oldest first."""
        if self.path.exists():
            with Ledger.open(self.path, self._origin, read_only=True) as ledger:
                yield from ledger.entries()

    def broken_off(self, stack: str) -> str:
        """When the last apply of a stack began and nobody told how it ended; else nothing."""
        last = self.last().get(stack)
        if last is None or not last.event.endswith(".began"):
            return ""
        what = last.event.split(".")[1]
        return f"a{'n' if what == 'apply' else ''} {what} that began at {last.at:%Y-%m-%d %H:%M} UTC was broken off"

    def stands(self, stack: str) -> bool:
        """Whether there may be something of a stack: an apply of it began, and no destroy was done since."""
        last = self.last().get(stack)
        return last is not None and last.event != "infrastructure.destroy.done"

    def last(self) -> dict[str, Entry]:
        """By stack, the last that was told of an apply or a destroy of it."""
        done = ("infrastructure.apply.", "infrastructure.destroy.")
        return {entry.subject: entry for entry in self.entries() if entry.event.startswith(done)}

    def verify(self) -> LedgerReport | None:
        """Whether it verifies; None when nothing was ever recorded."""
        if not self.path.exists():
            return None
        public = self._public.read_text() if self._public.exists() else ""
        if not public:
            return LedgerReport(region=self.region, size=0, root="", verified=False, problem="its public key is gone")
        return verify(self.path, origin=self._origin, public_key=public, region=self.region)

    def ledger(self) -> OperatorLedger | None:
        """As an auditor's papers have it; None when nothing was ever recorded.

        Raises:
            LedgerCorrupt: its public key is gone.
        """
        if not self.path.exists():
            return None
        if not self._public.exists():
            raise LedgerCorrupt("the public key of the operator's journal is gone", remedy="restore it from a backup")
        return OperatorLedger(database(self.path), self._origin, self._public.read_text())

    def _private_key(self) -> Ed25519PrivateKey:
        """Made once. A key without its journal, or a journal without its key, is never made good in silence."""
        if self._key.exists():
            key = load_pem_private_key(self._key.read_bytes(), password=None)
            if isinstance(key, Ed25519PrivateKey):
                return key
        if self._key.exists() or self.path.exists():
            raise LedgerCorrupt("the key of the operator's journal is gone or is none", remedy="restore it from a backup")
        made = Ed25519PrivateKey.generate()
        write_atomically(self._public, made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        secret = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        descriptor = os.open(self._key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
        return made


def login() -> str:
    """Who acts, as this machine knows them: LOGIN@MACHINE."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"
