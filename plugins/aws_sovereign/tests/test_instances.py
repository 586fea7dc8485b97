"""Instance types: what a region lacks is told before anything is planned."""

from __future__ import annotations

import gzip
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sov_aws.instances import offerings, require_instance, table

from plugins.aws_sovereign.tests.sites import site
from sovplatform import constructs
from sovplatform.errors import SettingError


def shipped() -> dict[str, frozenset[str]]:
    """What comes with moto."""
    found: dict[str, set[str]] = {}
    for entry in files("moto.ec2").joinpath("resources/instance_type_offerings/region").iterdir():
        for offering in json.loads(gzip.decompress(entry.read_bytes())):
            found.setdefault(offering["InstanceType"], set()).add(entry.name.removesuffix(".json.gz"))
    return {instance: frozenset(places) for instance, places in found.items()}


def test_the_table_is_what_its_source_says() -> None:
    assert dict(offerings()) == shipped()
    assert Path(str(files("sov_aws") / "instances.json")).read_text() == table(shipped())


@pytest.mark.parametrize("instance", ["m6i.2xlarge", "c7i.xlarge", "m99i.large"])
@pytest.mark.parametrize("location", ["eu-central-1", "eusc-de-east-1", "cn-north-1"])
def test_what_is_there_or_newer_than_the_table_is_taken(instance: str, location: str) -> None:
    require_instance("de", location, instance, ("serving_instance",))


@pytest.mark.parametrize(
    ("location", "instance", "said"),
    [
        ("eu-central-1", "m6i.2xlrge", "AWS has no instance type 'm6i.2xlrge' — .*did you mean 'm6i.2xlarge'"),
        ("eusc-de-east-1", "m6x.large", "AWS has no instance type 'm6x.large' — .*did you mean"),
        ("eu-central-1", "quantum.large", "AWS has no instance type 'quantum.large' — name another as `serving_instance`"),
        ("af-south-1", "p5.48xlarge", "af-south-1 is not known to have the instance type p5.48xlarge — name another"),
    ],
)
def test_what_is_not_there_is_refused_with_what_may_be_meant(location: str, instance: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        require_instance("de", location, instance, ("serving_instance",))


@pytest.mark.parametrize(
    ("settings", "kind", "arguments", "loc"),
    [
        ({"serving_instance": "m6i.2xlrge"}, constructs.ServingPool, {}, ("serving_instance",)),
        ({"gpus": {"L4": ["g6.xlarge", "g6.xlrge"]}}, constructs.TrainingPool, {"gpu": "L4", "nodes": 1}, ("gpus", "L4", 1)),
    ],
)
def test_the_setting_that_names_it_is_told(settings: dict[str, Any], kind: Any, arguments: Any, loc: tuple[Any, ...]) -> None:
    with pytest.raises(SettingError) as caught:
        site(**settings).made(kind, **arguments)
    assert caught.value.problems[0].loc == loc
