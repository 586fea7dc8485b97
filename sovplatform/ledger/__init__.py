"""The ledger: the append-only, Merkle-hashed record of everything that mattered. Metadata only, never data."""

from sovplatform.ledger.checkpoint import Checkpoint
from sovplatform.ledger.entry import Entry
from sovplatform.ledger.log import Ledger

__all__ = ["Checkpoint", "Entry", "Ledger"]
