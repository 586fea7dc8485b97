"""A region's `settings` in pilot.yaml, read by its provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import Field, JsonValue, ValidationError

from sovplatform.errors import ConfigError
from sovplatform.records import Record, RegionSpec

R = TypeVar("R", bound=Record)

Endpoint = Annotated[str, Field(pattern=r"^(https://.*|http://(127\.0\.0\.1|localhost)(:\d+)?/?)?$")]
"""The URL of a service: https, or on this machine for tests; empty for the cloud's own."""


def read_settings(kind: type[R], spec: RegionSpec, given: Mapping[str, JsonValue], *, remedy: str) -> R:
    """`given`, a region's settings or a part of them, as `kind`. Raises ConfigError that names each wrong one."""
    try:
        return kind.model_validate(given)
    except ValidationError as err:
        wrong = ", ".join(dict.fromkeys(".".join(map(str, item["loc"])) for item in err.errors()))
        raise ConfigError(f"region {spec.name}: wrong settings for {spec.provider}: {wrong}", remedy=remedy) from err
