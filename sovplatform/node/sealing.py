"""Sealer: signs the ledger's newest state soon after every change, in a thread of its own, so that nobody waits for it."""

from __future__ import annotations

import threading

from sovplatform.errors import SovError
from sovplatform.interfaces import KeyStore
from sovplatform.ledger import Ledger

KEY = "ledger"
_PAUSE_SECONDS = 0.2


class Sealer:
    """`touch` after an append; `seal` to have the signed checkpoint now."""

    def __init__(self, ledger: Ledger, keystore: KeyStore, public_key: str) -> None:
        self._ledger = ledger
        self._keystore = keystore
        self._public_key = public_key
        self._dirty = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)
        self._thread.start()

    def touch(self) -> None:
        self._dirty.set()

    def seal(self) -> str:
        """The signed checkpoint of the ledger as it is now.

        Raises:
            Unavailable: the key service does not answer.
        """
        return self._ledger.seal(self._sign, self._ledger.origin, self._public_key).note

    def newest(self) -> str:
        """The newest checkpoint there is, which may lack the last entries."""
        checkpoint = self._ledger.checkpoint()
        return checkpoint.note if checkpoint else ""

    def _sign(self, data: bytes) -> bytes:
        import base64

        return base64.b64decode(self._keystore.sign(KEY, data).value)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._dirty.wait()
            self._dirty.clear()
            try:
                self.seal()
            except SovError as err:
                print(f"the ledger could not be sealed: {err}", flush=True)  # the next change, or the stop, tries again
            self._stopping.wait(_PAUSE_SECONDS)

    def stop(self) -> None:
        """Seal what is left and end."""
        self._stopping.set()
        self._dirty.set()
        self._thread.join(timeout=10.0)
