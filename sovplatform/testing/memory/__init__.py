"""The in-memory provider: real cryptography, real files, nothing durable. For tests and as a reading of the interfaces."""

from sovplatform.testing.memory.keystore import MemoryKeyStore

__all__ = ["MemoryKeyStore"]
