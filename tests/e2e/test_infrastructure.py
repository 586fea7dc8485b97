"""The way from a plan to the cloud and back: real Terraform, real S3 for the state, and a stand-in where the cloud would be."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest
import yaml

from sovplatform.errors import Denied
from sovplatform.infrastructure.operations import Choice
from sovplatform.infrastructure.workspace import file_digest
from sovplatform.platform import Platform
from tests.e2e.conftest import careless
from tests.fixtures.deployments import SECRET, WEEK1, WEEK2, Deployment

NO_CHANGES = {"create": 0, "update": 0, "replace": 0, "delete": 0}


def test_what_was_judged_is_applied_and_its_state_rests_in_the_region(deployment: Deployment) -> None:
    (planned,) = deployment.done("plan", *WEEK1)["stacks"]
    assert planned["allow"], planned["denials"]
    assert planned["changes"]["create"] > 20
    (judged,) = deployment.journal("infrastructure.judged")
    assert (judged.subject, judged.details["plan"], judged.details["allow"]) == ("de-week1", planned["plan_digest"], True)
    undone = deployment.sovctl("plan", *WEEK1, "--check")
    assert undone.returncode == 1
    assert f"error: not done: de-week1: {planned['changes']['create']} to create" in undone.stderr
    assert judged.details["judged"] == file_digest(deployment.directory / "infra" / "de-week1" / "judged.json")
    (applied,) = deployment.done("apply", *WEEK1)["stacks"]
    assert applied["state"] == "applied"
    assert len(deployment.cloud.made) == planned["changes"]["create"]
    assert deployment.states() == ["de-week1.tfstate"]
    assert deployment.bucket.Object("de-week1.tfstate").get()["ServerSideEncryption"] == "aws:kms"
    assert not list(deployment.directory.rglob("*.tfstate.backup"))
    assert not [path for path in deployment.directory.rglob("*.tfstate") if "resources" in json.loads(path.read_text())]
    assert not list(deployment.workspace("de-week1").glob("*.bin"))
    assert [entry.event for entry in deployment.journal("infrastructure.apply")] == [
        "infrastructure.apply.began",
        "infrastructure.apply.done",
    ]
    (again,) = deployment.done("plan", *WEEK1, "--check")["stacks"]
    assert again["changes"] == NO_CHANGES


def test_a_week_is_done_when_nothing_is_left_to_do(deployment: Deployment) -> None:
    """By the cloud with `plan --check`, by the journal in `status`."""
    ended = deployment.sovctl("plan", *WEEK1, "--check")
    assert (ended.returncode, "to create" in ended.stdout) == (1, True), ended.stdout + ended.stderr
    assert deployment.done("status")["infrastructure"][0]["left"]["de-week1"] == "not applied"
    deployment.done("apply", *WEEK1)
    assert deployment.done("status")["infrastructure"][0]["applied"] == ["de-week1"]
    assert "1 of 2  not applied: " in deployment.sovctl("status").stdout
    deployment.cloud.lose()
    assert deployment.sovctl("plan", *WEEK1, "--check").returncode == 1
    waiting = deployment.sovctl("plan", "--week", "3", "--region", "de", "--check")
    assert (waiting.returncode, "apply de-week2 first" in waiting.stdout) == (1, True)


def test_weeks_follow_each_other_and_end_the_other_way_round(deployment: Deployment) -> None:
    deployment.settle(protect=False)
    (waiting,) = deployment.done("plan", *WEEK2)["stacks"]
    assert waiting["waiting"] == "apply de-week1 first"
    assert deployment.journal() == []
    deployment.done("plan", *WEEK1)
    deployment.done("apply", *WEEK1)
    (planned,) = deployment.done("plan", *WEEK2)["stacks"]
    assert planned["allow"], planned["denials"]
    deployment.done("apply", *WEEK2)
    assert deployment.states() == ["de-week1.tfstate", "de-week2.tfstate"]
    outputs = json.loads((deployment.workspace("de-week1") / "outputs.json").read_text())
    assert outputs["network_id"] in deployment.bucket.Object("de-week2.tfstate").get()["Body"].read().decode()

    existed = dict(deployment.cloud.made)
    ended = deployment.sovctl("destroy", *WEEK1, "--yes")
    assert ended.returncode == 1
    assert "destroy de-week2 first" in ended.stdout
    ended = deployment.sovctl("destroy", "--region", "de")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "nothing was destroyed; do it with --yes" in ended.stdout
    ended = deployment.sovctl("apply", "--region", "de")
    assert ended.returncode == 3
    assert "the plan is one to destroy, and not to apply" in ended.stderr
    assert deployment.cloud.made == existed
    gone = deployment.done("destroy", "--region", "de", "--yes")["stacks"]
    assert [(stack["stack"], stack["state"]) for stack in gone][-2:] == [("de-week2", "destroyed"), ("de-week1", "destroyed")]
    assert deployment.cloud.made == {}
    assert [entry.subject for entry in deployment.journal("infrastructure.destroy.done")][-2:] == ["de-week2", "de-week1"]


def test_a_plan_to_make_is_dropped_when_its_stack_can_no_longer_be_planned(planned: Deployment) -> None:
    """Else `destroy` would carry it out."""
    shutil.copytree(planned.workspace("de-week1"), planned.workspace("de-week2"), symlinks=True)
    (waiting,) = planned.done("plan", *WEEK2)["stacks"]
    assert waiting["waiting"]
    assert not (planned.workspace("de-week2") / "plan.bin").exists()


def assert_refused(deployment: Deployment, reason: str, *choice: str) -> None:
    ended = deployment.sovctl("apply", *(choice or WEEK1))
    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert reason in ended.stderr
    assert "run `sovctl plan` again" in ended.stderr
    assert deployment.cloud.made == {}
    assert any(reason in told for told in deployment.journal("infrastructure.refused")[-1].details["reasons"])  # type: ignore[union-attr]
    assert deployment.journal("infrastructure.apply") == []


def test_a_plan_that_was_changed_since_is_refused(planned: Deployment) -> None:
    with (planned.workspace("de-week1") / "plan.bin").open("ab") as file:
        file.write(b"!")
    assert_refused(planned, "the plan is not the one that was judged")


def test_a_plan_and_its_note_changed_together_are_refused(planned: Deployment) -> None:
    place = planned.workspace("de-week1")
    (place / "plan.bin").write_bytes(b"another plan")
    note = json.loads((place / "plan.json").read_text())
    (place / "plan.json").write_text(json.dumps({**note, "plan": file_digest(place / "plan.bin")}))
    assert_refused(planned, "the plan was never judged")


def test_a_plan_that_was_judged_for_another_stack_is_refused(planned: Deployment) -> None:
    shutil.copytree(planned.workspace("de-week1"), planned.workspace("de-week2"), symlinks=True)
    assert_refused(planned, "the plan was never judged", *WEEK2)


def test_a_plan_without_its_journal_is_refused(planned: Deployment) -> None:
    for path in planned.home.glob("ledger.*"):
        path.unlink()
    assert_refused(planned, "the plan was never judged")


def test_a_plan_of_a_stack_that_was_changed_since_is_refused(planned: Deployment) -> None:
    file = planned.directory / "infra" / "de-week1" / "cdk.tf.json"
    file.write_text(file.read_text().replace("10.0.", "10.9."))
    assert_refused(planned, "the stack was synthesised anew since it was planned")


def test_a_plan_of_a_pilot_that_was_changed_since_is_refused(planned: Deployment) -> None:
    planned.settle(cidr="10.77.0.0/16")
    assert_refused(planned, "pilot.yaml changed since the plan was judged")


def test_a_plan_that_was_judged_by_other_rules_is_refused(planned: Deployment) -> None:
    write_rule(planned)
    assert_refused(planned, "policy changed since the plan was judged")


def test_a_plan_that_policy_denied_is_recorded_and_never_applied(planned: Deployment) -> None:
    rule = write_rule(planned)
    ended = planned.sovctl("plan", *WEEK1)
    assert ended.returncode == 3
    assert "ours.none" in ended.stdout
    assert planned.journal("infrastructure.judged")[-1].details["rules"] == ["ours.none"]
    assert_refused(planned, "policy denied the plan: ours.none")
    rule.unlink()
    assert_refused(planned, "policy denied the plan: ours.none")


def write_rule(deployment: Deployment) -> Path:
    file = deployment.directory / "policy" / "none.rego"
    file.write_text(
        'package sovplatform.infrastructure\nimport rego.v1\ndeny contains {"rule": "ours.none", "msg": "not this month"}\n'
    )
    return file


def test_a_journal_that_does_not_verify_stops_everything(planned: Deployment) -> None:
    (planned.home / "ledger.pub").unlink()
    ended = planned.sovctl("apply", *WEEK1)
    assert ended.returncode == 1
    assert "journal does not verify" in ended.stderr
    assert planned.cloud.made == {}


def test_what_is_not_planned_is_not_applied(planned: Deployment) -> None:
    ended = planned.sovctl("apply", *WEEK2)
    assert ended.returncode == 2
    assert "run `sovctl plan` first" in ended.stderr


def test_a_pilot_over_its_budget_is_denied_by_policy(planned: Deployment) -> None:
    body = yaml.safe_load((planned.directory / "pilot.yaml").read_text())
    body["infrastructure"] = {"budget": {"amount": 10}}
    (planned.directory / "pilot.yaml").write_text(yaml.safe_dump(body, sort_keys=False))
    ended = planned.sovctl("plan", "--offline", *WEEK1)
    assert ended.returncode == 3
    assert "budget.over" in ended.stdout


def test_a_program_plans_and_applies_as_the_command_does(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in deployment.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    week1 = Choice(week=1, region="de")
    told: list[tuple[str, str]] = []
    platform = Platform.open(deployment.directory, infrastructure=True)
    with platform.locked("a program"):
        report = platform.infrastructure.plan(week1, progress=lambda stack, doing: told.append((stack, doing)))
        assert report.allow
        with pytest.raises(Denied, match="is not applied"):
            platform.infrastructure.apply(week1, destroy=True)
        assert platform.infrastructure.apply(week1).stacks[0].state == "applied"
    assert ("de-week1", "planning") in told
    assert len(deployment.cloud.made) == report.stacks[0].changes.create
    assert [entry.event for _, entry in platform.audit_log("operator")][-1] == "infrastructure.apply.done"


def test_no_secret_is_kept_and_the_auditor_sees_the_journal(deployment: Deployment) -> None:
    deployment.done("plan", *WEEK1)
    assert not [path for path in deployment.directory.rglob("*") if path.is_file() and holds_secret(path.read_bytes())]
    deployment.done("apply", *WEEK1)
    assert not [path for path in deployment.directory.rglob("*") if path.is_file() and holds_secret(path.read_bytes())]
    (ledger,) = json.loads(deployment.sovctl("audit", "verify", "--json").stdout)
    assert (ledger["region"], ledger["verified"], ledger["size"]) == ("operator", True, 3)
    log = deployment.sovctl("audit", "log", "--region", "operator").stdout
    assert [line.split()[4] for line in log.splitlines()] == [
        "infrastructure.judged",
        "infrastructure.apply.began",
        "infrastructure.apply.done",
    ]


def test_what_is_kept_of_a_plan_is_closed_to_others_whatever_the_umask_is(deployment: Deployment) -> None:
    with careless():
        deployment.done("plan", *WEEK1)
        planned = _open_to_others(deployment.home.parent)
        deployment.done("apply", *WEEK1)
    assert planned == _open_to_others(deployment.home.parent) == []
    assert [path for path in deployment.directory.rglob("*") if path.lstat().st_mode & 0o022 and not path.is_symlink()] == []


def _open_to_others(state: Path) -> list[Path]:
    kept = [state, *(path for path in state.rglob("*") if path.name != ".terraform.lock.hcl")]  # checksums, as Terraform has it
    assert len(kept) > 10
    return [path for path in kept if path.lstat().st_mode & 0o077 and not path.is_symlink()]


def holds_secret(content: bytes) -> bool:
    """A plan is an archive: what it holds is looked at too."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(holds_secret(archive.read(name)) for name in archive.namelist())
    return SECRET.encode() in content
