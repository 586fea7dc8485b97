"""Every hook, on one screen. pluggy only discovers; the interfaces carry behaviour.

A plugin is a distribution with an entry point in the group `sovplatform`; `pilot.yaml` must list it under `plugins`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

from sovplatform.interfaces.region import Region
from sovplatform.records import RegionSpec

if TYPE_CHECKING:
    import click

    from sovplatform.border.inspection import Inspector

PROJECT = "sovplatform"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def sov_provider_name() -> str:  # type: ignore[empty-body]
    """The provider's name, as in `--sovereign NAME:JURISDICTION`."""


@hookspec(firstresult=True)
def sov_make_region(spec: RegionSpec, pilot: str, home: Path) -> Region | None:
    """A Region of the pilot for `spec` when `spec.provider` is this plugin's name, else None. `home` is its own directory.

    Settings that are wrong are a `SettingError`, which names them; `sovplatform.interfaces.settings.read_settings` raises it. The
    hook is also called to check settings before anything is done, so it starts and touches nothing.
    """


@hookspec
def sov_jurisdictions() -> Sequence[str]:  # type: ignore[empty-body]
    """The jurisdictions in which the provider has places; a provider that can be anywhere has no such hook."""


@hookspec(firstresult=True)
def sov_stack_forms(provider: str) -> str | None:
    """Where the provider's Terraform forms are, as `module:Class` of a StackForms, when `provider` is this plugin's name."""


@hookspec
def sov_policy_rules() -> Sequence[Path]:  # type: ignore[empty-body]
    """Directories of further Rego rules; a rule can only add denials."""


@hookspec
def sov_inspectors() -> Sequence[Inspector]:  # type: ignore[empty-body]
    """Further inspectors of the gate; their findings can only add denials."""


@hookspec
def sov_commands() -> Sequence[click.Command]:  # type: ignore[empty-body]
    """Further commands of `sovctl`."""
