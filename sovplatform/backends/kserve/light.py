"""KServe's model server, imported without its Kubernetes client, pandas and httpx's command line."""

from __future__ import annotations

from sovplatform.backends.slim import slim_import


def import_kserve() -> None:
    """Make `kserve.model`, `kserve.model_server` and their like importable, cheaply. Doing so twice is no error.

    Raises:
        ConfigError: KServe is not installed.
    """
    slim_import(("kserve.model_server",), bare=("kserve",), deferred=("pandas",), absent=("httpx._main",), extra="kserve")
