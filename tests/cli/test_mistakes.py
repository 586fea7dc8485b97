"""What `sovctl` says to a user's mistakes: file, line, remedy, and the exit code. Nothing is started."""

import json
import re
from pathlib import Path

import pytest

from sovplatform.cli.main import main

Capture = pytest.CaptureFixture[str]


def pilot(directory: Path, *places: str) -> Path:
    """A pilot's file, of a pilot that can be planned."""
    options = [option for place in places for option in ("--sovereign", place)]
    assert main(["init", "pilot", str(directory / "demo"), *options]) == 0
    return directory / "demo" / "pilot.yaml"


def settings(file: Path, provider: str, *lines: str) -> int:
    """Give the first region of a provider these settings, a line each; the line of the first."""
    text = file.read_text().splitlines()
    own = next(number for number, line in enumerate(text) if line == f"    provider: {provider}")
    text[own + 1 : own + 1] = ["    settings:", *(f"      {line}" for line in lines)]
    file.write_text("\n".join(text) + "\n")
    return own + 3


WRONG = {
    "unknown": ('acount: "123456789012"', "acount is no setting", "did you mean 'account'?"),
    "number": ("account: 123456789012", "account is 123456789012", "put it in quotes"),
    "form": ('account: "12"', "account is '12'", "12 digits"),
    "of Terraform": ("protect: perhaps", "protect is 'perhaps'", "true or false"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_names_its_line(tmp_path: Path, case: str, capsys: Capture) -> None:
    line, message, remedy = WRONG[case]
    file = pilot(tmp_path, "aws:DE")
    number = settings(file, "aws", line)
    capsys.readouterr()
    assert main(["-C", str(file.parent), "plan", "--offline"]) == 2
    said = capsys.readouterr().err
    assert f"pilot.yaml:{number}: region de: wrong settings for aws: {message}" in said
    assert remedy in said
    assert not (file.parent / "infra").exists()


def test_what_only_the_synthesis_finds_names_its_line_too(tmp_path: Path, capsys: Capture) -> None:
    file = pilot(tmp_path, "aws:DE")
    number = settings(file, "aws", "region: eu-west-3")
    capsys.readouterr()
    assert main(["-C", str(file.parent), "synth"]) == 2
    assert f"pilot.yaml:{number}: region de: eu-west-3 is in FR, not in DE" in capsys.readouterr().err


def bare(file: Path) -> str:
    """The file's text without its section `infrastructure`, so that the defaults hold."""
    return file.read_text().partition("\n# -- infrastructure")[0]


OVERLAPS = {
    "regions": ("cidr: 10.7.0.0/16", "cidr: 10.7.128.0/17", "regions de (10.7.0.0/16) and nl (10.7.128.0/17) overlap"),
    "a region and the default of another": (
        "cidr: 10.1.0.0/16",
        "protect: true",
        "de (10.1.0.0/16) and nl (10.1.0.0/16) overlap",
    ),
}


@pytest.mark.parametrize("case", OVERLAPS)
def test_networks_that_overlap_name_both_and_the_line(tmp_path: Path, case: str, capsys: Capture) -> None:
    first, second, message = OVERLAPS[case]
    file = pilot(tmp_path, "aws:DE", "gcp:NL")
    lines = [settings(file, "aws", first), settings(file, "gcp", second)]
    capsys.readouterr()
    assert main(["-C", str(file.parent), "synth"]) == 2
    said = capsys.readouterr().err
    assert f"pilot.yaml:{lines[1] if second.startswith('cidr') else lines[0]}: " in said
    assert message in said
    assert "give each region a `cidr` of its own under settings" in said


@pytest.mark.parametrize("other", ["a region", "a site"])
def test_the_network_of_a_site_overlaps_no_other(tmp_path: Path, other: str, capsys: Capture) -> None:
    file = pilot(tmp_path, "onprem:DE", "edge:DE")
    text = file.read_text().replace("context: edge-de-site-1", "cidr: 10.9.1.0/24, context: edge-de-site-1")
    first = "edge-de-site-1 (10.9.1.0/24)"
    if other == "a region":
        text = text.replace("provider: onprem\n", "provider: onprem\n    settings: {cidr: 10.9.0.0/16}\n", 1)
        told = f"regions de (10.9.0.0/16) and {first} overlap"
    else:
        text = text.replace("context: edge-de-site-2", "cidr: 10.9.1.128/25, context: edge-de-site-2")
        told = f"regions {first} and edge-de-site-2 (10.9.1.128/25) overlap"
    file.write_text(text)
    shown = "10.9.1.0" if other == "a region" else "10.9.1.128"
    number = next(number for number, line in enumerate(text.splitlines(), 1) if shown in line)
    capsys.readouterr()
    assert main(["-C", str(file.parent), "synth"]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert f"pilot.yaml:{number}: " in said


def test_networks_of_sites_beside_each_other_are_synthesised(tmp_path: Path, capsys: Capture) -> None:
    file = pilot(tmp_path, "onprem:DE", "edge:DE")
    text = file.read_text()
    for number in (1, 2):
        text = text.replace(f"context: edge-de-site-{number}", f"cidr: 10.9.{number}.0/24, context: edge-de-site-{number}")
    file.write_text(text)
    capsys.readouterr()
    assert main(["-C", str(file.parent), "synth"]) == 0, capsys.readouterr().err


LACKING = {
    "unknown": ("aws:DE", "training", "l4s", "AWS has no GPU 'l4s' that is known here", "did you mean 'L4'? use one of L4"),
    "misspelt": (
        "gcp:DE",
        "serving",
        "nvidia-l4",
        "Google Cloud has no GPU 'nvidia-l4'",
        "did you mean 'L4'? use one of H100, L4",
    ),
    "lacking": ("aws:DE", "serving", "H100", "eusc-de-east-1 is not known to have the GPU H100", "use one of L4 (g6.xlarge)"),
    "elsewhere": ("gcp:DE", "training", "A100", "location europe-west3 has no GPU A100", "use one of H100, L4"),
    "on-prem": ("onprem:DE", "serving", "L4", "it has no GPU 'L4': its settings say none", "set infrastructure.serving.gpu"),
}


@pytest.mark.parametrize("case", LACKING)
def test_a_gpu_that_a_region_lacks_names_the_line_that_asks_for_it(tmp_path: Path, case: str, capsys: Capture) -> None:
    place, pool, gpu, message, remedy = LACKING[case]
    file = pilot(tmp_path, place)
    file.write_text(f"{bare(file)}\ninfrastructure:\n  {pool}:\n    gpu: {gpu}\n")
    capsys.readouterr()
    assert main(["-C", str(file.parent), "synth"]) == 2
    said = capsys.readouterr().err
    assert f"pilot.yaml:{len(file.read_text().splitlines())}: region de: {message}" in said
    assert remedy in said


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("serving_instance: m6i.2xlrge", "AWS has no instance type 'm6i.2xlrge'"),
        ("gpus: {L4: [g6.xlrge]}", "AWS has no instance type 'g6.xlrge'"),
    ],
)
def test_an_instance_that_there_is_not_names_its_line(tmp_path: Path, line: str, message: str, capsys: Capture) -> None:
    file = pilot(tmp_path, "aws:DE")
    number = settings(file, "aws", line)
    capsys.readouterr()
    assert main(["-C", str(file.parent), "synth"]) == 2
    said = capsys.readouterr().err
    assert f"pilot.yaml:{number}: region de: {message}" in said
    meant = line.rsplit("[", maxsplit=1)[-1].rsplit(": ", maxsplit=1)[-1].strip("]}").replace("xlrge", "xlarge")
    assert f"did you mean '{meant}'?" in said


def test_a_gpu_that_nobody_asked_for_names_the_region_that_lacks_it(tmp_path: Path, capsys: Capture) -> None:
    file = pilot(tmp_path, "gcp:DE")
    settings(file, "gcp", "location: europe-west10")
    file.write_text(bare(file))
    number = file.read_text().splitlines().index("  - name: de") + 1
    capsys.readouterr()
    assert main(["-C", str(file.parent), "synth"]) == 2
    said = capsys.readouterr().err
    assert f"pilot.yaml:{number}: region de: location europe-west10 has no GPU L4" in said
    assert "the region's setting `gpu` (none for CPUs)" in said


def test_a_gpu_of_a_regions_own_that_is_not_there_names_its_line(tmp_path: Path, capsys: Capture) -> None:
    file = pilot(tmp_path, "aws:DE")
    number = settings(file, "aws", "gpu: T4")
    capsys.readouterr()
    assert main(["-C", str(file.parent), "synth"]) == 2
    said = capsys.readouterr().err
    assert f"pilot.yaml:{number}: region de: eusc-de-east-1 is not known to have the GPU T4" in said
    assert "the region's setting `gpu` (none for CPUs)" in said


def test_all_problems_are_listed(tmp_path: Path, capsys: Capture) -> None:
    file = pilot(tmp_path, "aws:DE")
    number = settings(file, "aws", "account: 12", "protect: perhaps")
    capsys.readouterr()
    assert main(["-C", str(file.parent), "synth", "--json"]) == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert "(and 1 more)" in error["message"]
    assert [(problem["line"], bool(problem["remedy"])) for problem in error["problems"]] == [(number, True), (number + 1, True)]
    assert {problem["file"] for problem in error["problems"]} == {str(file)}
    assert main(["-C", str(file.parent), "doctor"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) > 2
    assert all(line.startswith("wrong  ") and "pilot.yaml:" in line for line in told)


@pytest.mark.parametrize(("place", "there"), [("aws:RU", "DE"), ("gcp:AT", "DE")])
def test_a_provider_without_a_region_in_the_jurisdiction_is_refused(
    tmp_path: Path, place: str, there: str, capsys: Capture
) -> None:
    assert main(["init", "pilot", str(tmp_path / "demo"), "--sovereign", place]) == 2
    said = capsys.readouterr().err
    assert f"has no region in {place[-2:]}" in said
    assert f" {there}," in said
    assert not (tmp_path / "demo").exists()


def test_onprem_may_be_anywhere(tmp_path: Path) -> None:
    assert pilot(tmp_path, "onprem:RU").exists()


def test_a_pilot_is_not_made_where_a_file_is(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "demo").write_text("mine")
    assert main(["init", "pilot", str(tmp_path / "demo")]) == 2
    assert (tmp_path / "demo").read_text() == "mine"
    assert "is a file" in capsys.readouterr().err


def test_the_version_of_kubernetes_is_spoken_of_as_a_version(tmp_path: Path, capsys: Capture) -> None:
    file = pilot(tmp_path, "onprem:DE")
    file.write_text(
        file.read_text() + 'infrastructure: {kubernetes: "9.99"}\n'
        if "\ninfrastructure:" not in file.read_text()
        else file.read_text().replace("\ninfrastructure:\n", '\ninfrastructure:\n  kubernetes: "9.99"\n')
    )
    capsys.readouterr()
    assert main(["-C", str(file.parent), "synth"]) == 2
    assert "version of Kubernetes" in capsys.readouterr().err


def test_a_region_is_checked_before_the_rows(tmp_path: Path, capsys: Capture) -> None:
    assert main(["init", "pilot", str(tmp_path / "demo"), "--example", "fintech"]) == 0
    (tmp_path / "rows.csv").write_text("Age\n30\n")
    assert main(["-C", str(tmp_path / "demo"), "predict", "--file", str(tmp_path / "rows.csv"), "--region", "fabrik"]) == 2
    assert "did you mean 'fabric'?" in capsys.readouterr().err


def test_a_rule_that_calls_nothing_is_named_before_a_run(tmp_path: Path, capsys: Capture) -> None:
    assert main(["init", "pilot", str(tmp_path / "demo"), "--example", "fintech"]) == 0
    rule = tmp_path / "demo" / "policy" / "mine.rego"
    rule.write_text("package sovplatform.border\nimport rego.v1\n\ndeny contains 1 if { lowr(input.artifact.kind) }\n")
    for command in (["run"], ["plan", "--offline"]):
        assert main(["-C", str(tmp_path / "demo"), *command]) == 2
        said = capsys.readouterr().err
        assert "mine.rego:4: Function not found: lowr" in said


PLANNED = {
    "no account": ("aws:FR", [], 2, "pilot.yaml:{line}: region fr: account: no account is set"),
    "no project": ("gcp:DE", [], 2, "pilot.yaml:{line}: region de: project: no project is set"),
    "no login": ("aws:FR", ['account: "123456789012"'], 1, "no AWS credentials for account 123456789012"),
    "no kubeconfig": ("onprem:FR", [], 2, "region fr: kubeconfig: no kubeconfig at"),
}


@pytest.mark.parametrize("case", PLANNED)
def test_what_a_plan_needs_is_found_before_terraform_is_asked(
    tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    place, lines, code, message = PLANNED[case]
    file = pilot(tmp_path, place)
    if lines:
        settings(file, place.partition(":")[0], *lines)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    capsys.readouterr()
    region = place[-2:].lower()
    written = enumerate(file.read_text().splitlines(), 1)
    line = next(number for number, text in written if re.search(rf"- {{?name: {region}\b", text))
    assert main(["-C", str(file.parent), "plan", "--region", region]) == code
    said = capsys.readouterr().err
    assert message.format(line=line) in said
    assert "remedy: " in said


def test_an_offline_plan_cannot_say_what_is_done(tmp_path: Path, capsys: Capture) -> None:
    file = pilot(tmp_path, "aws:DE")
    capsys.readouterr()
    assert main(["-C", str(file.parent), "plan", "--offline", "--check"]) == 2
    assert "--check asks what is there, and --offline plans as if nothing were" in capsys.readouterr().err


def test_doctor_goes_on_to_what_a_plan_needs_where_data_and_people_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    file = pilot(tmp_path, "aws:DE")
    old = tmp_path / "terraform"
    old.write_text("#!/bin/sh\necho Terraform v1.11.4\n")
    old.chmod(0o755)
    monkeypatch.setenv("SOVCTL_TERRAFORM", str(old))
    capsys.readouterr()
    assert main(["-C", str(file.parent), "doctor"]) == 2
    said = capsys.readouterr()
    assert "FILL" not in said.out
    assert "data/de.csv" in said.err
    assert said.err.count("is not an ed25519 SSH public key") == 2
    assert "key of the proposer" not in said.err  # of keys that nobody filled in, nothing is to be said but that
    assert "only approver" not in said.err
    assert "wrong  Terraform: the state of region de: it needs Terraform ≥ 1.14" in said.out
    assert "de: account: no account is set" in said.out
    old.write_text("#!/bin/sh\necho Terraform v1.14.0\n")
    assert main(["-C", str(file.parent), "doctor"]) == 2
    assert "ok     Terraform: Terraform 1.14.0" in capsys.readouterr().out


def test_doctor_holds_a_pilot_on_one_machine_to_no_terraform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("SOVCTL_TERRAFORM", "/nowhere/terraform")
    file = pilot(tmp_path, "onprem:DE")
    capsys.readouterr()
    assert main(["-C", str(file.parent), "doctor"]) == 2
    assert "Terraform" not in capsys.readouterr().out
