"""`sovctl init pilot`: whole or not at all, and never over somebody's work."""

import json
import os
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from sovplatform import config, scaffold
from sovplatform.cli.main import main
from sovplatform.cli.rows import read_rows
from sovplatform.errors import ConfigError
from sovplatform.infrastructure.places import places as infrastructure_places
from sovplatform.infrastructure.places import places_of
from sovplatform.pilot import InfrastructureSpec
from sovplatform.plugins import Plugins
from sovplatform.releases import ReleaseRepository
from sovplatform.scaffold.regions import Place, region_text
from sovplatform.tasks.examples import fintech_task, fintech_training


def tree(directory: Path) -> Mapping[str, bytes]:
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_example_is_a_pilot_that_is_correct(tmp_path: Path) -> None:
    assert main(["init", "pilot", str(tmp_path / "demo"), "--example", "fintech"]) == 0
    pilot = config.load(tmp_path / "demo", providers=lambda plugins: Plugins.load(plugins).providers())
    assert [(region.name, region.jurisdiction) for region in pilot.sovereign] == [("de", "DE"), ("fr", "FR"), ("ch", "CH")]
    assert pilot.fabric.jurisdiction == "US"
    assert json.loads((tmp_path / "demo" / "pilot.schema.json").read_text()) == config.schema()
    repository = ReleaseRepository(tmp_path / "demo" / "releases")
    assert len(repository.history()) == 1
    assert repository.edited() == ()
    assert not list(tmp_path.glob(".*"))


def test_the_example_is_the_task_that_was_measured(tmp_path: Path) -> None:
    assert main(["init", "pilot", str(tmp_path / "demo"), "--example", "fintech"]) == 0
    pilot = config.load(tmp_path / "demo")
    assert pilot.task == fintech_task()
    assert pilot.training == fintech_training()


def test_demonstration_keys_are_private_and_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "pilot", str(tmp_path / "demo"), "--example", "fintech"]) == 0
    assert "demonstration" in capsys.readouterr().out
    people = tmp_path / "demo" / ".sov" / "people"
    assert stat.S_IMODE((people.parent).stat().st_mode) == 0o700
    for name in ("proposer", "approver"):
        assert stat.S_IMODE((people / name).stat().st_mode) == 0o600
        assert "demonstration" in (people / f"{name}.pub").read_text()
    assert {".sov/", "infra/*/judged.json"} <= set((tmp_path / "demo" / ".gitignore").read_text().splitlines())


def test_without_an_example_the_lines_to_fill_in_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "pilot", str(tmp_path / "demo")]) == 0
    assert not (tmp_path / "demo" / ".sov").exists()
    assert main(["-C", str(tmp_path / "demo"), "doctor"]) == 2
    assert "pilot.yaml:" in capsys.readouterr().err


def test_places_are_chosen_and_named_after_their_jurisdictions(tmp_path: Path) -> None:
    places = ["--sovereign", "onprem:NO", "--sovereign", "onprem:NO", "--global", "onprem:DE"]
    assert main(["init", "pilot", str(tmp_path / "demo"), "--example", "fintech", *places]) == 0
    pilot = config.load(tmp_path / "demo")
    assert [region.name for region in pilot.regions] == ["no", "no-2", "fabric"]
    assert pilot.fabric.jurisdiction == "DE"


def test_a_pilot_with_edge_sites_can_be_planned_before_it_is_filled_in(tmp_path: Path) -> None:
    places = ["--sovereign", "onprem:DE", "--global", "onprem:US", "--sovereign", "edge:DE", "--sovereign", "edge:DE"]
    assert main(["init", "pilot", str(tmp_path / "demo"), *places]) == 0
    with pytest.raises(ConfigError, match=r"data/de\.csv"):
        config.load(tmp_path / "demo")
    pilot = config.load(tmp_path / "demo", for_infrastructure=True)
    assert [(region.name, str(region.role)) for region in pilot.regions] == [
        ("de", "sovereign"),
        ("fabric", "global"),
        ("edge-de", "edge"),
        ("edge-de-2", "edge"),
    ]
    assert [dataset.region for dataset in pilot.datasets] == ["de"]
    assert pilot.plugins == ()  # our own providers need no listing
    assert len(infrastructure_places(pilot)) == 6


def test_an_example_with_edge_sites_spreads_its_data_over_the_regions_that_hold_data(tmp_path: Path) -> None:
    places = ["--sovereign", "edge:FR", "--sovereign", "onprem:DE", "--sovereign", "onprem:CH"]
    assert main(["init", "pilot", str(tmp_path / "demo"), "--example", "fintech", *places]) == 0
    sources = [dataset.source for dataset in config.load(tmp_path / "demo").datasets]
    assert len(sources) == 2
    assert sources[0] != sources[1]


def test_the_readme_of_a_pilot_with_clouds_tells_place_login_and_commands_of_each_region(tmp_path: Path) -> None:
    places = ["--sovereign", "aws:DE", "--sovereign", "onprem:FR", "--global", "gcp:US", "--sovereign", "edge:DE"]
    assert main(["init", "pilot", str(tmp_path / "eu"), *places]) == 0
    pilot = config.load(tmp_path / "eu", for_infrastructure=True)
    readme = (tmp_path / "eu" / "README.md").read_text()
    rows = {line.split("|")[1].strip(): line for line in readme.splitlines() if line.startswith("| `")}
    for region, told in {
        "`de`": ("eusc-de-east-1", "aws sso login"),
        "`fr`": ("context `fr`", "VAULT_TOKEN"),
        "`fabric`": ("US: `us-", "gcloud auth application-default login"),
        "`edge-de`": ("edge-de-site-2", "contexts"),
    }.items():
        assert all(word in rows[region] for word in told), rows[region]
        assert f"sovctl plan --week 1 --region {region.strip('`')} &&" in readme
        assert places_of(pilot, region.strip("`")), "what it says to type chooses something"
    assert all(f"sovctl plan --week {week} && sovctl apply --week {week}" in readme for week in (1, 2, 3, 4))
    assert "A week is done when" in readme
    text = (tmp_path / "eu" / "pilot.yaml").read_text()
    assert "vault: https://HOST:8200" in text


def test_what_the_clouds_are_to_provide_is_written_out_as_it_would_be_without(tmp_path: Path) -> None:
    assert main(["init", "pilot", str(tmp_path / "eu"), "--sovereign", "aws:DE", "--global", "gcp:US"]) == 0
    text = (tmp_path / "eu" / "pilot.yaml").read_text()
    assert yaml.safe_load(text)["infrastructure"].keys() == {"training", "serving", "storage", "budget"}
    assert "FILL IN: the mailbox that alerts go to" in text
    assert config.load(tmp_path / "eu", for_infrastructure=True).infrastructure == InfrastructureSpec()


def test_a_pilot_on_this_machine_says_nothing_of_clouds(tmp_path: Path) -> None:
    assert main(["init", "pilot", str(tmp_path / "demo")]) == 0
    text = (tmp_path / "demo" / "pilot.yaml").read_text()
    assert "infrastructure:" not in text
    assert "settings:" not in text.split("# -- data")[0]
    assert "## Places" not in (tmp_path / "demo" / "README.md").read_text()


@pytest.mark.parametrize(
    ("provider", "setting"), [("aws", 'account: "000000000000"'), ("gcp", "project: NAME"), ("onprem", "context: NAME")]
)
def test_a_cloud_region_says_what_is_to_be_filled_in_and_is_correct_without_it(provider: str, setting: str) -> None:
    text = region_text("de", Place(provider, "DE"), "sovereign")
    assert setting in text
    assert yaml.safe_load(text) == [{"name": "de", "jurisdiction": "DE", "role": "sovereign", "provider": provider}]


def test_a_region_whose_place_lacks_the_default_gpu_says_so_and_can_be_planned(tmp_path: Path) -> None:
    places = ["--sovereign", "gcp:FR", "--sovereign", "aws:IT", "--sovereign", "aws:DE", "--global", "onprem:US"]
    assert main(["init", "pilot", str(tmp_path / "eu"), *places]) == 0
    pilot = config.load(tmp_path / "eu", for_infrastructure=True)
    assert {region.name: region.settings.get("gpu") for region in pilot.regions} == {
        "fr": "none",
        "it": "none",
        "de": None,
        "fabric": None,
    }
    assert main(["-C", str(tmp_path / "eu"), "synth"]) == 0


WRONG = [
    (["--sovereign", "onprem:XX"], "jurisdiction 'XX'"),
    (["--sovereign", "DE"], "'DE' is no place"),
    (["--sovereign", "nowhere:DE"], "nowhere"),
    (["--sovereign", "onprem:US"], "the jurisdiction of the global region"),
    (["--sovereign", "edge:DE"], "no region holds data"),
    (["--global", "edge:US"], "the global region cannot be an edge site"),
    (["--name", "No Name"], "cannot be a pilot's name"),
    (["--pattern", "other"], "--pattern"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_a_wrong_option_leaves_nothing(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "pilot", str(tmp_path / "new" / "demo"), "--example", "fintech", *options]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_existing_directory_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["init", "pilot", str(tmp_path), "--name", "demo"]) == 2
    assert "--force" in capsys.readouterr().err
    assert tree(tmp_path) == {"notes.txt": b"mine"}


def test_force_keeps_keys_ledgers_releases_and_other_files(tmp_path: Path) -> None:
    demo = tmp_path / "demo"
    assert main(["init", "pilot", str(demo), "--example", "fintech"]) == 0
    (demo / ".sov" / "regions" / "de").mkdir(parents=True)
    (demo / ".sov" / "regions" / "de" / "ledger.db").write_bytes(b"entries")
    (demo / "notes.txt").write_text("mine")
    (demo / "pilot.yaml").write_text("broken")
    before = tree(demo)
    assert main(["init", "pilot", str(demo), "--example", "fintech", "--force"]) == 0
    after = tree(demo)
    kept = [path for path in before if path.startswith((".sov/", "releases/")) or path == "notes.txt"]
    assert {path: after[path] for path in kept} == {path: before[path] for path in kept}
    assert after["pilot.yaml"] != b"broken"
    approver = config.load(demo).release.approvers[0]
    assert approver.key.split()[1] in (demo / ".sov" / "people" / "approver.pub").read_text()


def test_force_keeps_every_pilot_yaml_that_was_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo = tmp_path / "demo"
    assert main(["init", "pilot", str(demo)]) == 0
    for text, name in (("first", "pilot.yaml.bak"), ("second", "pilot.yaml.bak1"), ("third", "pilot.yaml.bak2")):
        (demo / "pilot.yaml").write_text(text)
        assert main(["init", "pilot", str(demo), "--force"]) == 0
        assert str(demo / name) in capsys.readouterr().out
    assert [(demo / f"pilot.yaml.bak{number}").read_text() for number in ("", 1, 2)] == ["first", "second", "third"]


def test_the_rows_of_the_example_are_made_up_within_what_the_task_declares(tmp_path: Path) -> None:
    demo = tmp_path / "demo"
    assert main(["init", "pilot", str(demo), "--example", "fintech"]) == 0
    task = config.load(demo).task
    header = (demo / "rows.csv").read_text().splitlines()[0]
    assert header.split(",") == [feature.name for feature in task.features]  # no target, no identifiers
    rows = read_rows(demo / "rows.csv", task)
    assert len(rows) >= 3
    for feature in task.features:
        values = [row[feature.name] for row in rows if row[feature.name] is not None]
        if feature.type == "number":
            assert all(feature.min <= float(str(value)) <= feature.max for value in values)
        else:
            assert set(values) <= {*feature.values, *({"no"} if feature.values == ("yes",) else ())}


@pytest.mark.parametrize("existing", [False, True])
def test_a_failure_half_way_leaves_what_was_there(existing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = tmp_path / "demo"
    if existing:
        assert main(["init", "pilot", str(demo)]) == 0
    before = tree(tmp_path)
    rename, calls = Path.rename, iter(range(100))

    def failing(self: Path, target: Path) -> Path:
        if next(calls) == (4 if existing else 0):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", failing)
        assert main(["init", "pilot", str(demo), "--force"]) == 1
    assert tree(tmp_path) == before


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    assert main(["init", "pilot", str(tmp_path), "--name", "demo"]) == 0
    assert (tmp_path / "pilot.yaml").exists()


def test_json_names_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "pilot", str(tmp_path / "demo"), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["pilot"] == "demo"
    assert {"pilot.yaml", "README.md", ".gitignore", "policy/agreements.rego"} <= set(made["files"])


def test_the_plan_has_four_weeks_with_commands(tmp_path: Path) -> None:
    assert main(["init", "pilot", str(tmp_path / "demo")]) == 0
    plan = (tmp_path / "demo" / "README.md").read_text().split("## The plan")[1]
    weeks = plan.split("**Week ")[1:]
    assert len(weeks) == 4
    assert all("sovctl " in week and "Done when" in week for week in weeks)
    assert "`sovctl plan --week N --check` succeeds when it is done" in plan


def test_the_rule_that_comes_with_a_pilot_is_readable_by_the_engine(tmp_path: Path) -> None:
    regopy = pytest.importorskip("regopy")
    assert main(["init", "pilot", str(tmp_path / "demo")]) == 0
    interpreter = regopy.Interpreter()
    interpreter.add_module("agreements", (tmp_path / "demo" / "policy" / "agreements.rego").read_text())
    interpreter.set_input({"destination": {"jurisdiction": "AQ"}})
    assert "no agreement with AQ" in str(interpreter.query("data.sovplatform.border.deny"))
    interpreter.set_input({"destination": {"jurisdiction": "US"}})
    assert "agreement" not in str(interpreter.query("data.sovplatform.border.deny"))


def test_the_templates_that_are_offered_are_there() -> None:
    for example in scaffold.EXAMPLES:
        assert (scaffold.templates() / "examples" / example / "task.yaml").is_file()
    for pattern in scaffold.PATTERNS:
        assert (scaffold.templates() / pattern / "pilot.yaml.tmpl").is_file()


def test_git_is_left_as_git_wants_it(tmp_path: Path) -> None:
    assert main(["init", "pilot", str(tmp_path / "demo")]) == 0
    done = subprocess.run(["git", "fsck", "--strict"], cwd=tmp_path / "demo" / "releases", capture_output=True, check=False)
    assert done.returncode == 0


def test_nobody_else_can_write_to_a_pilot_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert main(["init", "pilot", str(tmp_path / "demo"), "--example", "fintech"]) == 0
    finally:
        os.umask(before)
    made = [tmp_path / "demo", *(tmp_path / "demo").rglob("*")]
    assert [path for path in made if path.lstat().st_mode & 0o022] == []
    state = tmp_path / "demo" / ".sov"
    assert [path for path in (state, *state.rglob("*")) if path.is_dir() and path.stat().st_mode & 0o077] == []
