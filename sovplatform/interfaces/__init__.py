"""The five interfaces that a provider implements. One file each."""

from sovplatform.interfaces.keystore import KeyStore
from sovplatform.interfaces.region import Region
from sovplatform.interfaces.registry import Registry
from sovplatform.interfaces.server import Server
from sovplatform.interfaces.trainer import Trainer

__all__ = ["KeyStore", "Region", "Registry", "Server", "Trainer"]
