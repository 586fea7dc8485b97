"""The SDK: what a program that embeds the platform, or a provider plugin, imports. Each name is loaded when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sovplatform.errors import Denied, SovError, Unsupported
    from sovplatform.hookspecs import hookimpl
    from sovplatform.interfaces import KeyStore, Region, Registry, Server, Trainer
    from sovplatform.platform import Platform

_HOMES = {
    "Denied": "sovplatform.errors",
    "KeyStore": "sovplatform.interfaces",
    "Platform": "sovplatform.platform",
    "Region": "sovplatform.interfaces",
    "Registry": "sovplatform.interfaces",
    "Server": "sovplatform.interfaces",
    "SovError": "sovplatform.errors",
    "Trainer": "sovplatform.interfaces",
    "Unsupported": "sovplatform.errors",
    "hookimpl": "sovplatform.hookspecs",
}

__all__ = [
    "Denied",
    "KeyStore",
    "Platform",
    "Region",
    "Registry",
    "Server",
    "SovError",
    "Trainer",
    "Unsupported",
    "hookimpl",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
