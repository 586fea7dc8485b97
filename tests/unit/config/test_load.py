"""What a correct pilot.yaml becomes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest

from sovplatform import config
from sovplatform.config import yamlsource
from sovplatform.config.descriptions import DESCRIPTIONS
from sovplatform.config.jurisdictions import CODES
from sovplatform.errors import ConfigError
from sovplatform.labels import Sensitivity


def test_a_correct_pilot_is_read(pilot_file: Callable[..., Path]) -> None:
    pilot = config.load(pilot_file(), providers=lambda plugins: ("onprem",))
    assert [region.name for region in pilot.sovereign] == ["de"]
    assert pilot.fabric.jurisdiction == "US"
    assert pilot.training.delta == 1e-5
    assert pilot.datasets[0].label.sensitivity is Sensitivity.confidential


def test_a_directory_stands_for_its_pilot(pilot_file: Callable[..., Path]) -> None:
    assert config.load(pilot_file().parent).name == "demo"


def test_norway_is_a_country_and_no_boolean(pilot_file: Callable[..., Path]) -> None:
    pilot = config.load(pilot_file(("jurisdiction: DE", "jurisdiction: NO"), ("[DE, AT]", "[NO]")))
    assert pilot.region("de").jurisdiction == "NO"


def test_aliases_may_repeat_a_value(pilot_file: Callable[..., Path]) -> None:
    path = pilot_file(
        ("budget: {epsilon: 4, delta: 1e-5}", "budget: {epsilon: &most 2, delta: 1e-5}"), ("epsilon: 2\n", "epsilon: *most\n")
    )
    assert config.load(path).training.epsilon == 2


def test_the_pilot_is_found_from_below(pilot_file: Callable[..., Path]) -> None:
    path = pilot_file()
    below = path.parent / "model" / "deeper"
    below.mkdir(parents=True)
    assert config.find_pilot(below) == path.resolve()


def test_no_pilot_above_is_an_error_that_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.find_pilot(tmp_path)
    assert "sovctl init pilot" in caught.value.remedy


def test_the_environment_is_read_here() -> None:
    assert config.settings({}) == config.Settings(debug=False, pilot=".")
    assert config.settings({"SOVCTL_DEBUG": "1", "SOVCTL_PILOT": "demo"}) == config.Settings(debug=True, pilot="demo")
    assert not config.settings({"SOVCTL_DEBUG": "0"}).debug
    assert config.settings({"SOVCTL_TERRAFORM": "/opt/tofu"}).terraform == "/opt/tofu"


def test_the_schema_accepts_a_correct_pilot_and_refuses_a_wrong_one(pilot_file: Callable[..., Path]) -> None:
    schema = config.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    data = yamlsource.read(pilot_file()).data
    jsonschema.validate(data, schema)
    for key, value in (("jurisdiction", "XX"), ("juristiction", "DE"), ("role", "king")):
        broken = json.loads(json.dumps(data))
        broken["regions"][0][key] = value
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema)


def test_the_schema_can_be_asked_for_again() -> None:
    assert config.schema() == config.schema()


def _settings() -> Iterator[tuple[str, str]]:
    from sovplatform.pilot import Pilot

    schema = Pilot.model_json_schema()
    for record in (schema, *schema["$defs"].values()):
        for key in record.get("properties", {}):
            yield record["title"], key


def test_every_setting_is_described_and_no_other() -> None:
    described = {(record, key) for record, keys in DESCRIPTIONS.items() for key in keys}
    assert described == set(_settings())


def test_the_jurisdictions_are_two_capitals() -> None:
    assert len(CODES) == 249
    assert all(len(code) == 2 and code.isalpha() and code.isupper() for code in CODES)
