"""All stacks of a pilot: for each place, one for each week that brings it something."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

from house.constructs import _cdk
from house.stacks.week import Earlier, WeekStack

from sovplatform.errors import SovError
from sovplatform.infrastructure.request import STACK_FILE, WEEKS, Place, Synthesis, SynthRequest, SynthStack
from sovplatform.interfaces.stackforms import StackForms


def synthesise(request: SynthRequest) -> Synthesis:
    """Write every stack below `request.out`, and tell what is in it.

    Raises:
        SovError: as the providers' forms do.
    """
    app = _cdk.App(outdir=request.out, skip_validation=True)
    weeks = [week for place in request.places for week in _weeks(app, request, place)]
    app.synth()
    for week, stack in weeks:
        week.complete(Path(request.out) / "stacks" / stack.name / STACK_FILE)
    return Synthesis(pilot=request.pilot, stacks=tuple(sorted((stack for _, stack in weeks), key=lambda stack: stack.week)))


def _weeks(app: object, request: SynthRequest, place: Place) -> Iterator[tuple[WeekStack, SynthStack]]:
    forms = _forms(request.forms[place.region.provider])(place.region, request.pilot)
    earlier: Earlier = {}
    for number in WEEKS:
        week = WeekStack(request, place, number, forms, earlier)
        if week.parts:
            yield week, week.add_to(app)
            earlier |= week.offered


def _forms(address: str) -> type[StackForms]:
    """The class at `module:Class`. The pilot's allow-list was asked before the address was put into the request."""
    module, _, name = address.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as err:
        raise SovError(f"{address} cannot be imported: {err}", remedy="reinstall the provider's distribution") from err
    if not (isinstance(found, type) and issubclass(found, StackForms)):
        raise SovError(f"{os.fspath(address)} is no StackForms", remedy="report it to the provider's maker")
    return found
