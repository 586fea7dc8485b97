"""Sealer: signs the ledger's newest state soon after every change, in a thread of its own, so that nobody waits for it."""

from __future__ import annotations

import threading

from sovplatform.errors import SovError
from sovplatform.interfaces import KeyStore
from sovplatform.ledger import Ledger

KEY = "ledger"
_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0


class Sealer:
    """Follows the ledger's appends, whoever makes them; `seal` to have the signed checkpoint now."""

    def __init__(self, ledger: Ledger, keystore: KeyStore, public_key: str) -> None:
        self._ledger = ledger
        self._keystore = keystore
        self._public_key = public_key
        self._dirty = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)
        ledger.appended = self._dirty.set
        self._thread.start()

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
        pause = _PAUSE_SECONDS
        while not self._stopping.is_set():
            self._dirty.wait()
            self._dirty.clear()
            try:
                self.seal()
                pause = _PAUSE_SECONDS
            except SovError as err:
                if pause == _PAUSE_SECONDS:
                    print(f"the ledger could not be sealed, and that is tried again: {err}", flush=True)
                self._dirty.set()
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            self._stopping.wait(pause)

    def stop(self) -> None:
        """Seal what is left and end."""
        self._stopping.set()
        self._dirty.set()
        self._thread.join(timeout=10.0)
