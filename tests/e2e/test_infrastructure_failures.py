"""What goes wrong between a plan and the cloud: it is told with a remedy that works, and nothing half-applied is forgotten."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sovplatform.platform import Platform
from tests.fixtures.deployments import WEEK1, Deployment

NO_CHANGES = {"create": 0, "update": 0, "replace": 0, "delete": 0}


@contextmanager
def hanging_apply(deployment: Deployment, after: int) -> Iterator[subprocess.Popen[str]]:
    """An apply that has made some resources, and hangs in the next until the cloud is healed."""
    deployment.done("plan", *WEEK1)
    deployment.cloud.hang_after(after)
    process = deployment.start("apply", *WEEK1)
    try:
        assert deployment.cloud.reached.wait(60), "it never came so far"
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)
        deployment.cloud.heal()


def terraform_of(process: subprocess.Popen[str]) -> int:
    """The process that `sovctl` started."""
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(child)


def follow(deployment: Deployment, remedy: str, pattern: str) -> str:
    """Do what a remedy says, to the letter."""
    found = re.search(pattern, remedy)
    assert found, remedy
    subprocess.run(found[0], shell=True, env=deployment.environment, check=True, capture_output=True)  # noqa: S602
    return found[0]


def goes_on(deployment: Deployment) -> dict[str, Any]:
    """What is missing is made, and nothing twice. Returns the plan that did so."""
    already = set(deployment.cloud.made)
    (planned,) = deployment.done("plan", *WEEK1)["stacks"]
    deployment.done("apply", *WEEK1)
    assert already <= set(deployment.cloud.made)
    assert len(deployment.cloud.made) == len(already) + planned["changes"]["create"]
    state = json.loads(deployment.bucket.Object("de-week1.tfstate").get()["Body"].read())
    managed = [item for item in state["resources"] if item["mode"] == "managed"]
    assert {one["attributes"]["id"] for item in managed for one in item["instances"]} == set(deployment.cloud.made)
    return dict(planned)


# -- an apply that broke half-way ---------------------------------------------------------------------------------


def test_an_apply_that_breaks_half_way_is_recorded_and_gone_on_with(deployment: Deployment) -> None:
    for already, answer, code, said, remedy in (
        (6, "the cloud has no capacity left", 1, "no capacity left", "mend it, then"),
        (9, "ExpiredToken: the security token included in the request is expired", 1, "have expired", "log in again"),
        (12, "AccessDenied: not authorized to perform kms:CreateKey", 3, "may not do what", "rights that docs/infrastructure"),
    ):
        deployment.done("plan", *WEEK1)
        deployment.cloud.fail_after, deployment.cloud.answer = already, answer
        ended = deployment.sovctl("apply", *WEEK1)
        assert ended.returncode == code
        assert said in ended.stderr
        assert remedy in ended.stderr
        assert "`sovctl plan` and `sovctl apply` go on from there" in ended.stderr
        broke = deployment.journal("infrastructure.apply")[-1]
        assert (broke.event, broke.subject) == ("infrastructure.apply.broke", "de-week1")
        assert len(deployment.cloud.made) == already
    ended = deployment.sovctl("apply", *WEEK1)
    assert "no stack of that choice is planned" in ended.stderr
    deployment.cloud.heal()
    goes_on(deployment)


def test_an_interrupted_apply_writes_its_state_and_is_recorded(deployment: Deployment) -> None:
    with hanging_apply(deployment, after=10) as process:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "interrupted" in errors
    broke = deployment.journal("infrastructure.apply")[-1]
    assert (broke.event, broke.details["message"]) == ("infrastructure.apply.broke", "it was interrupted")
    assert deployment.states() == ["de-week1.tfstate"]
    goes_on(deployment)


def test_a_killed_command_leaves_terraform_to_end_what_it_began(deployment: Deployment) -> None:
    with hanging_apply(deployment, after=5) as process:
        terraform = os.pidfd_open(terraform_of(process))  # it is not our child, and may end at once
        process.kill()
        process.wait(10)
        ended = deployment.sovctl("plan", *WEEK1)
        assert ended.returncode == 1
        assert "the state of stack de-week1 is locked by another run" in ended.stderr
        assert "an apply that began at" in ended.stderr
        ended = deployment.sovctl("apply", *WEEK1)
        assert "no stack of that choice is planned" in ended.stderr
        deployment.cloud.heal(made=True)
        assert select.select([terraform], [], [], 120)[0], "Terraform did not end"
        os.close(terraform)
    assert deployment.states() == ["de-week1.tfstate"]
    planned = goes_on(deployment)
    assert "was broken off" in planned["note"]
    assert planned["changes"] == NO_CHANGES
    assert (deployment.workspace("de-week1") / "outputs.json").exists()
    assert not list(deployment.workspace("de-week1").glob("*.bin"))


def test_a_plan_whose_apply_began_is_not_applied_again(deployment: Deployment) -> None:
    with hanging_apply(deployment, after=0) as process:
        os.kill(terraform_of(process), signal.SIGKILL)
        process.kill()
    ended = deployment.sovctl("apply", *WEEK1)
    assert ended.returncode == 3
    assert "an apply of this plan began before" in ended.stderr
    assert deployment.journal("infrastructure.refused")


def test_a_lock_that_was_left_behind_is_told_and_its_remedy_works(deployment: Deployment) -> None:
    """The machine died: nobody ended what was begun."""
    with hanging_apply(deployment, after=0) as process:
        os.kill(terraform_of(process), signal.SIGKILL)
        process.kill()
    assert deployment.states() == ["de-week1.tfstate.tflock"]
    lock = json.loads(deployment.bucket.Object("de-week1.tfstate.tflock").get()["Body"].read())
    ended = deployment.sovctl("plan", *WEEK1)
    assert ended.returncode == 1
    assert "the state of stack de-week1 is locked by another run" in ended.stderr
    assert lock["ID"] in ended.stderr
    assert [entry.event for entry in deployment.journal("infrastructure.apply")] == ["infrastructure.apply.began"]
    unlock = re.search(r"\S+ -chdir=\S+ force-unlock ", ended.stderr)
    assert unlock
    command = f"{unlock[0]} -force {lock['ID']}"
    subprocess.run(command, shell=True, env=deployment.environment, check=True, capture_output=True)  # noqa: S602
    assert "was broken off" in goes_on(deployment)["note"]


def test_a_state_that_could_not_be_written_is_kept_and_comes_first(deployment: Deployment) -> None:
    with hanging_apply(deployment, after=10) as process:
        deployment.lose_store()
        deployment.cloud.heal(made=True)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 1
    made = dict(deployment.cloud.made)
    assert len(made) > 10
    assert "its state, which could not be written" in errors
    assert deployment.journal("infrastructure.apply")[-1].event == "infrastructure.apply.broke"
    deployment.make_store()
    ended = deployment.sovctl("plan", *WEEK1)
    assert ended.returncode == 1
    assert "stack de-week1 is left as it is" in ended.stderr
    follow(deployment, ended.stderr, r"\S+ -chdir=\S+ state push errored\.tfstate && rm \S+errored\.tfstate")
    assert not (deployment.workspace("de-week1") / "errored.tfstate").exists()
    goes_on(deployment)
    assert set(made) <= set(deployment.cloud.made)


# -- before anything is planned -----------------------------------------------------------------------------------


def test_nothing_is_done_by_two_at_once(planned: Deployment) -> None:
    with Platform.open(planned.directory, infrastructure=True).locked("apply"):
        for command in ("plan", "apply", "destroy"):
            ended = planned.sovctl(command, *WEEK1)
            assert ended.returncode == 1
            assert "`apply`" in ended.stderr


@pytest.mark.parametrize(
    ("environment", "said", "remedy"),
    [
        ({"AWS_ACCESS_KEY_ID": "EXPIREDKEY"}, "expired", "log in"),
        ({"AWS_ACCESS_KEY_ID": "FOREIGNKEY"}, "credentials", "use credentials of account"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "credentials", "log in"),
    ],
    ids=["expired", "foreign", "none"],
)
def test_credentials_that_are_no_good_are_refused(
    planned: Deployment, environment: dict[str, str], said: str, remedy: str
) -> None:
    before = len(planned.journal())
    ended = planned.sovctl("plan", *WEEK1, **environment)
    assert ended.returncode == 1, ended.stderr
    assert said in ended.stderr
    assert remedy in ended.stderr
    assert len(planned.journal()) == before


@pytest.mark.parametrize(
    ("account", "said", "code"),
    [("210987654321", "210987654321", 3), ("", "no account is set", 2), ("000000000000", "000000000000", 3)],
)
def test_an_account_that_is_not_the_pilots_is_refused(planned: Deployment, account: str, said: str, code: int) -> None:
    planned.settle(account=account)
    ended = planned.sovctl("plan", *WEEK1)
    assert ended.returncode == code
    assert said in ended.stderr
    assert "account" in ended.stderr.split("remedy:")[1]


def test_a_store_for_the_state_that_is_not_there_is_told(planned: Deployment) -> None:
    planned.settle(state_bucket="sov-nowhere")
    ended = planned.sovctl("plan", *WEEK1)
    assert ended.returncode == 1
    assert "the store for the state of stack de-week1 is not there" in ended.stderr


def test_a_state_is_not_forgotten_when_its_place_changes(deployment: Deployment) -> None:
    deployment.done("plan", *WEEK1)
    deployment.done("apply", *WEEK1)
    old = deployment.bucket
    deployment.bucket.meta.client.create_bucket(
        Bucket=f"{old.name}-new", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    deployment.settle(state_bucket=f"{old.name}-new")
    ended = deployment.sovctl("plan", *WEEK1)
    assert ended.returncode == 2
    assert "the state of stack de-week1 rests in another place than its settings say" in ended.stderr
    move = re.search(r"\S+ -chdir=\S+ init -migrate-state", ended.stderr)
    assert move
    subprocess.run(
        [*move[0].split(), "-force-copy", "-backend-config=use_path_style=true"],
        env=deployment.environment,
        check=True,
        capture_output=True,
    )
    (planned,) = deployment.done("plan", *WEEK1)["stacks"]
    assert planned["changes"] == NO_CHANGES


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("", "is no command"),
        ("#!/bin/sh\necho 'Terraform v1.5.7'\n", "Terraform 1.5.7, which is too old"),
    ],
    ids=["missing", "old"],
)
def test_a_terraform_that_is_missing_or_too_old_is_told(planned: Deployment, tmp_path: Path, script: str, said: str) -> None:
    command = tmp_path / "terraform"
    if script:
        command.write_text(script)
        command.chmod(0o755)
    for action in ("plan", "apply"):
        ended = planned.sovctl(action, *WEEK1, SOVCTL_TERRAFORM=str(command))
        assert ended.returncode == 2, ended.stderr
        assert said in ended.stderr
        assert "Terraform ≥ 1.9 or OpenTofu ≥ 1.8" in ended.stderr


def test_what_is_too_old_for_the_sovereign_cloud_is_told_with_what_is_new_enough(planned: Deployment) -> None:
    terraform = shutil.which("terraform") or ""
    told = subprocess.run([terraform, "version", "-json"], capture_output=True, text=True, check=True)
    if tuple(map(int, json.loads(told.stdout)["terraform_version"].split(".")[:2])) >= (1, 14):
        pytest.skip("this Terraform is new enough")
    planned.settle(partition="aws-eusc", region="eusc-de-east-1")
    ended = planned.sovctl("plan", *WEEK1)
    assert ended.returncode == 1
    assert "Terraform ≥ 1.14 or OpenTofu ≥ 1.11" in ended.stderr
    assert "`sovctl plan --offline` works with" in ended.stderr
