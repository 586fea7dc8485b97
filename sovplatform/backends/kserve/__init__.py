"""Serving on KServe's model server: `KServeServer` is what a region uses, the rest is how it works."""

from sovplatform.backends.kserve.server import KServeServer
from sovplatform.backends.kserve.trust import ServingTrust

__all__ = ["KServeServer", "ServingTrust"]
