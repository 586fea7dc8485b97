"""The in-memory provider: real cryptography, real jobs and models, nothing durable. For tests, and to read the interfaces by."""

from sovplatform.testing.memory.keystore import MemoryKeyStore
from sovplatform.testing.memory.region import MemoryRegion
from sovplatform.testing.memory.registry import MemoryRegistry
from sovplatform.testing.memory.server import MemoryServer
from sovplatform.testing.memory.trainer import MemoryTrainer

__all__ = ["MemoryKeyStore", "MemoryRegion", "MemoryRegistry", "MemoryServer", "MemoryTrainer"]
