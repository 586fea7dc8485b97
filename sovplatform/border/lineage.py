"""Lineage: the labels of what crossed this region's border before, as its ledger recorded them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pydantic import ValidationError

from sovplatform.border.events import ACCEPTED, ALLOWED
from sovplatform.labels import Label

if TYPE_CHECKING:
    from sovplatform.ledger import Ledger


class Lineage:
    """Answers from memory; each entry of the ledger is read once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._labels: dict[str, Label] = {}
        self._next = 0
        self._lock = threading.Lock()

    def label(self, digest: str) -> Label | None:
        """The label under which an artifact was accepted here, or left; None when it did neither."""
        with self._lock:
            end = self._ledger.size
            for event in (ACCEPTED, ALLOWED):
                for entry in self._ledger.entries(self._next, end, event=event):
                    try:
                        self._labels[entry.subject] = Label.model_validate(entry.details.get("label"))
                    except ValidationError:
                        continue  # an entry that somebody else wrote under this name is no proof
            self._next = end
            return self._labels.get(digest)
