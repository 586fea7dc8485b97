"""How a provider reads the settings of a region, and says which of them are wrong.

    class AcmeSettings(Record):
        site: str = Field(default="", pattern=r"^[A-Z]{2}$", description="the country code of the site, such as DE")

    (settings,) = read_settings(spec, AcmeSettings)

A field's description says what to write; it is shown when its pattern does not hold.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from sovplatform.errors import LackingError, Problem, SettingError
from sovplatform.mistakes import described, path_of
from sovplatform.records import Record, RegionSpec

Endpoint = Annotated[
    str,
    Field(
        pattern=r"^(https://.*|http://(127\.0\.0\.1|localhost)(:\d+)?/?)?$",
        description="an address of https, or of this machine",
    ),
]
"""The URL of a service: https, or on this machine for tests; empty for the cloud's own."""


def read_settings(
    spec: RegionSpec, *kinds: type[Record], others: Collection[str] = (), given: Mapping[str, Any] | None = None
) -> tuple[Any, ...]:
    """A region's settings as records of `kinds`, each of which takes the settings that are called like its fields.

    `others` are names of settings that are read elsewhere; `given` replaces `spec.settings`.

    Raises:
        SettingError: a setting is unknown or wrong. All that are, are told, each with a remedy.
    """
    settings = spec.settings if given is None else given
    known = [*(name for kind in kinds for name in kind.model_fields), *others]
    found = [
        Problem((name,), _wrong(spec, f"{name} is no setting of it"), _known(name, known))
        for name in settings
        if name not in known
    ]
    made = []
    for kind in kinds:
        try:
            made.append(kind.model_validate({name: settings[name] for name in kind.model_fields if name in settings}))
        except ValidationError as err:
            found += _problems(spec, kind, err)
    if found:
        raise SettingError(spec.name, found)
    return tuple(made)


def no_gpu(region: str, pool: str, gpu: str, message: str, *, there: Collection[str], remedy: str) -> LackingError:
    """That a region has not the GPU that `infrastructure` asks of all, for its `pool`: `training` or `serving`.

    `there` are those that could have been meant.
    """
    names = {name.lower(): name for name in there}
    plain = gpu.lower().removeprefix("nvidia").strip(" -_").removeprefix("tesla").strip(" -_")
    near = difflib.get_close_matches(plain, names, n=1, cutoff=0.6)
    hint = f"did you mean '{names[near[0]]}'? " if near else ""
    return LackingError(region, [Problem(("infrastructure", pool, "gpu"), message, f"{hint}{remedy}")])


def _problems(spec: RegionSpec, kind: type[Record], error: ValidationError) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        loc = tuple(detail["loc"])
        field = kind.model_fields.get(str(loc[0])) if loc else None
        if detail["type"] == "extra_forbidden":
            yield Problem(loc, _wrong(spec, f"{path_of(loc)} is unknown"), "remove it")
        elif detail["type"] == "missing":
            yield Problem(loc, _wrong(spec, f"{path_of(loc)} is missing"), f"add `{loc[-1]}`")
        else:
            message, remedy = described(detail, field.description or "" if field else "")
            yield Problem(loc, _wrong(spec, f"{path_of(loc)} {message}"), remedy)


def _wrong(spec: RegionSpec, what: str) -> str:
    return f"wrong settings for {spec.provider}: {what}"


def _known(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"{hint}use {', '.join(dict.fromkeys(known))}" if known else "remove it: this provider has no settings"
