"""The way from a plan to the cloud and back: real Terraform, real S3 for the state, and a stand-in where the cloud would be."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from sovplatform.ledger import Entry
from tests.fixtures.pilots import SOVCTL
from tests.fixtures.standin_cloud import ACCOUNT, Cloud, standing_in

sys.path.insert(0, str(Path(__file__).parents[1]))

import fixtures.aws

moto = fixtures.aws.moto

SECRET = "planted-secret-of-the-deployer"
PLACE = {"partition": "aws", "region": "eu-central-1", "account": ACCOUNT, "state_bucket": "sov-state-de"}
pytestmark = pytest.mark.xdist_group("infrastructure")


@dataclass(frozen=True)
class Deployment:
    """A pilot with one region on AWS, the cloud that stands in, and the store of its state."""

    directory: Path
    cloud: Cloud
    environment: Mapping[str, str]
    bucket: Any

    def sovctl(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [SOVCTL, "-C", self.directory, *arguments]
        given = {**self.environment, **environment}
        return subprocess.run(command, env=given, capture_output=True, text=True, timeout=240, check=False)

    def done(self, *arguments: str) -> Any:
        ended = self.sovctl(*arguments, "--json")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return json.loads(ended.stdout)

    def journal(self, event: str = "") -> list[Entry]:
        from sovplatform.infrastructure.journal import Journal

        entries = Journal(self.home, "demo").entries()
        return [entry for entry in entries if entry.event.startswith(event)]

    @property
    def home(self) -> Path:
        return self.directory / ".sov" / "infrastructure"

    def workspace(self, stack: str) -> Path:
        return self.home / "stacks" / stack

    def states(self) -> list[str]:
        return sorted(item.key for item in self.bucket.objects.all())


@pytest.fixture(scope="module")
def standin() -> Iterator[tuple[Cloud, Mapping[str, str]]]:
    if shutil.which("terraform") is None:
        assert not os.environ.get("CI"), "Terraform is not installed"
        pytest.skip("Terraform is not installed")
    with tempfile.TemporaryDirectory(prefix="sov-c-", dir="/tmp") as home, standing_in(Path(home)) as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pilot as `init` writes it."""
    directory = tmp_path_factory.mktemp("made") / "demo"
    command = [SOVCTL, "init", "pilot", directory, "--sovereign", "aws:DE", "--global", "onprem:US"]
    subprocess.run(command, check=True, capture_output=True)
    return directory


@pytest.fixture
def deployment(
    made: Path, standin: tuple[Cloud, Mapping[str, str]], moto: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    cloud, found = standin
    cloud.made.clear()
    cloud.heal()
    directory = tmp_path / "demo"
    shutil.copytree(made, directory)
    bucket = f"sov-state-{abs(hash(request.node.name)) % 10**9}"
    settle(directory, {**PLACE, "endpoint": moto, "state_bucket": bucket})
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": "GOODKEY",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_S3": moto,
        "AWS_ENDPOINT_URL_STS": moto,
        "TF_CLI_ARGS_init": "-backend-config=use_path_style=true",  # moto answers on an address, which has no subdomains
        **found,
    }
    s3 = boto3.Session("GOODKEY", SECRET, region_name="eu-central-1").resource("s3", endpoint_url=moto)
    store = s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield Deployment(directory, cloud, environment, store)
    cloud.heal()


def settle(directory: Path, settings: Mapping[str, str]) -> None:
    """Fill in where the region is."""
    body = yaml.safe_load((directory / "pilot.yaml").read_text())
    body["regions"] = [{**body["regions"][0], "settings": dict(settings)}, body["regions"][1]]
    (directory / "pilot.yaml").write_text(yaml.safe_dump(body, sort_keys=False))


WEEK1 = ("--week", "1", "--region", "de")
WEEK2 = ("--week", "2", "--region", "de")


def test_what_was_judged_is_applied_and_its_state_rests_in_the_region(deployment: Deployment) -> None:
    (planned,) = deployment.done("plan", *WEEK1)["stacks"]
    assert planned["allow"], planned["denials"]
    assert planned["changes"]["create"] > 20
    (judged,) = deployment.journal("infrastructure.judged")
    assert (judged.subject, judged.details["plan"], judged.details["allow"]) == ("de-week1", planned["plan_digest"], True)
    (applied,) = deployment.done("apply", *WEEK1)["stacks"]
    assert applied["state"] == "applied"
    assert len(deployment.cloud.made) == planned["changes"]["create"]
    assert deployment.states() == ["de-week1.tfstate"]
    assert not list(deployment.directory.rglob("terraform.tfstate.backup"))
    assert not [path for path in deployment.directory.rglob("*.tfstate") if "resources" in json.loads(path.read_text())]
    assert not (deployment.workspace("de-week1") / "plan.bin").exists()
    assert [entry.event for entry in deployment.journal("infrastructure.apply")] == [
        "infrastructure.apply.began",
        "infrastructure.apply.done",
    ]
    (again,) = deployment.done("plan", *WEEK1)["stacks"]
    assert again["changes"] == {"create": 0, "update": 0, "replace": 0, "delete": 0}


def test_a_week_takes_what_the_one_before_made_and_waits_for_it(deployment: Deployment) -> None:
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
    state = json.loads(deployment.bucket.Object("de-week2.tfstate").get()["Body"].read())
    assert outputs["network_id"] in json.dumps(state)


def refused(deployment: Deployment, reason: str) -> None:
    before = dict(deployment.cloud.made)
    ended = deployment.sovctl("apply", *WEEK1)
    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert reason in ended.stderr
    assert deployment.cloud.made == before
    assert deployment.journal("infrastructure.refused")[-1].details["reasons"]
    assert deployment.journal("infrastructure.apply") == []


def test_a_plan_that_was_changed_since_is_refused(deployment: Deployment) -> None:
    deployment.done("plan", *WEEK1)
    with (deployment.workspace("de-week1") / "plan.bin").open("ab") as file:
        file.write(b"!")
    refused(deployment, "the plan is not the one that was judged")


def test_a_plan_and_its_note_changed_together_are_refused(deployment: Deployment) -> None:
    deployment.done("plan", *WEEK1)
    place = deployment.workspace("de-week1")
    (place / "plan.bin").write_bytes(b"another plan")
    note = json.loads((place / "plan.json").read_text())
    from sovplatform.infrastructure.workspace import file_digest

    (place / "plan.json").write_text(json.dumps({**note, "plan": file_digest(place / "plan.bin")}))
    refused(deployment, "the plan was never judged")


def test_a_plan_of_a_pilot_that_was_changed_since_is_refused(deployment: Deployment) -> None:
    deployment.done("plan", *WEEK1)
    settle(deployment.directory, {**PLACE, "cidr": "10.77.0.0/16"})
    assert deployment.sovctl("synth").returncode == 0
    refused(deployment, "the stack was synthesised anew since it was planned")


def test_a_plan_that_policy_denied_is_recorded_and_never_applied(deployment: Deployment) -> None:
    rule = 'package sovplatform.infrastructure\nimport rego.v1\ndeny contains {"rule": "ours.none", "msg": "not this month"}\n'
    (deployment.directory / "policy" / "none.rego").write_text(rule)
    ended = deployment.sovctl("plan", *WEEK1)
    assert ended.returncode == 3
    assert "ours.none" in ended.stdout
    assert deployment.journal("infrastructure.judged")[-1].details["rules"] == ["ours.none"]
    (deployment.directory / "policy" / "none.rego").unlink()
    refused(deployment, "policy denied the plan: ours.none")


def test_a_journal_that_does_not_verify_stops_everything(deployment: Deployment) -> None:
    deployment.done("plan", *WEEK1)
    (deployment.home / "ledger.pub").unlink()
    ended = deployment.sovctl("apply", *WEEK1)
    assert ended.returncode == 1
    assert "journal does not verify" in ended.stderr
    assert deployment.cloud.made == {}


def test_an_apply_that_breaks_half_way_is_recorded_and_gone_on_with(deployment: Deployment) -> None:
    deployment.done("plan", *WEEK1)
    deployment.cloud.fail_after = 10
    ended = deployment.sovctl("apply", *WEEK1)
    assert ended.returncode == 1
    assert "no capacity left" in ended.stderr
    assert "`sovctl plan` and `sovctl apply` go on from there" in ended.stderr
    assert [entry.event for entry in deployment.journal("infrastructure.apply")][-1] == "infrastructure.apply.broke"
    already = set(deployment.cloud.made)
    assert len(already) == 10
    deployment.cloud.heal()
    (planned,) = deployment.done("plan", *WEEK1)["stacks"]
    deployment.done("apply", *WEEK1)
    assert already < set(deployment.cloud.made)
    assert len(deployment.cloud.made) == planned["changes"]["create"] + len(already)


def test_an_apply_that_is_killed_leaves_a_trace_and_a_lock_that_is_told(deployment: Deployment) -> None:
    deployment.done("plan", *WEEK1)
    deployment.cloud.fail_after, deployment.cloud.hangs = 5, threading.Event()
    command = [SOVCTL, "-C", deployment.directory, "apply", *WEEK1]
    child = subprocess.Popen(
        command, env=dict(deployment.environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert deployment.cloud.reached.wait(60)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait(30)
    deployment.cloud.hangs.set()
    deployment.cloud.heal()
    ended = deployment.sovctl("plan", *WEEK1)
    assert ended.returncode == 1
    assert "is locked by another run" in ended.stderr
    assert "force-unlock" in ended.stderr
    assert "was broken off" in ended.stderr
    assert [entry.event for entry in deployment.journal("infrastructure.apply")] == ["infrastructure.apply.began"]
    deployment.bucket.Object("de-week1.tfstate.tflock").delete()  # what force-unlock does
    made = set(deployment.cloud.made)
    (planned,) = deployment.done("plan", *WEEK1)["stacks"]
    assert "was broken off" in planned["note"]
    deployment.done("apply", *WEEK1)
    assert made < set(deployment.cloud.made)


def test_a_pilot_over_its_budget_is_denied_by_policy(deployment: Deployment) -> None:
    body = yaml.safe_load((deployment.directory / "pilot.yaml").read_text())
    body["infrastructure"] = {"budget": {"amount": 10}}
    (deployment.directory / "pilot.yaml").write_text(yaml.safe_dump(body, sort_keys=False))
    ended = deployment.sovctl("plan", "--offline", *WEEK1)
    assert ended.returncode == 3
    assert "budget.over" in ended.stdout


@pytest.mark.parametrize(("key", "said"), [("EXPIRED", "expired"), ("FOREIGN", "credentials")])
def test_credentials_that_are_no_good_are_refused_before_anything_is_planned(deployment: Deployment, key: str, said: str) -> None:
    ended = deployment.sovctl("plan", *WEEK1, AWS_ACCESS_KEY_ID=f"{key}KEY")
    assert ended.returncode == 3, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert deployment.journal() == []


def test_a_region_in_an_account_that_is_not_the_pilots_is_refused(deployment: Deployment) -> None:
    settings = {**PLACE, "account": "210987654321", "endpoint": deployment.environment["AWS_ENDPOINT_URL_S3"]}
    settle(deployment.directory, settings)
    ended = deployment.sovctl("plan", *WEEK1)
    assert ended.returncode == 3
    assert "210987654321" in ended.stderr


def test_a_store_for_the_state_that_is_not_there_is_told(deployment: Deployment) -> None:
    settle(
        deployment.directory,
        {**PLACE, "state_bucket": "sov-nowhere", "endpoint": deployment.environment["AWS_ENDPOINT_URL_S3"]},
    )
    ended = deployment.sovctl("plan", *WEEK1)
    assert ended.returncode == 1
    assert "the store for the state of stack de-week1 is not there" in ended.stderr


def test_what_is_too_old_for_the_sovereign_cloud_is_told_with_what_is_new_enough(deployment: Deployment) -> None:
    version = subprocess.run(["terraform", "version", "-json"], capture_output=True, text=True, check=False)
    if tuple(map(int, json.loads(version.stdout)["terraform_version"].split(".")[:2])) >= (1, 14):
        pytest.skip("this Terraform is new enough")
    settle(deployment.directory, {"account": ACCOUNT})
    ended = deployment.sovctl("plan", *WEEK1)
    assert ended.returncode == 1
    assert "Terraform ≥ 1.14 or OpenTofu ≥ 1.11" in ended.stderr


def test_it_is_destroyed_when_somebody_says_so_and_the_last_week_first(deployment: Deployment) -> None:
    settle(
        deployment.directory,
        {
            **PLACE,
            "protect": False,  # type: ignore[dict-item]
            "state_bucket": deployment.bucket.name,
            "endpoint": deployment.environment["AWS_ENDPOINT_URL_S3"],
        },
    )
    deployment.done("plan", *WEEK1)
    deployment.done("apply", *WEEK1)
    existed = len(deployment.cloud.made)
    ended = deployment.sovctl("destroy", *WEEK1)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "nothing was destroyed" in ended.stdout
    assert len(deployment.cloud.made) == existed
    (gone,) = deployment.done("destroy", *WEEK1, "--yes")["stacks"]
    assert gone["state"] == "destroyed"
    assert deployment.cloud.made == {}
    assert deployment.journal("infrastructure.destroy.done")


def test_nothing_is_planned_by_two_at_once(deployment: Deployment) -> None:
    from sovplatform.platform import Platform

    with Platform.open(deployment.directory, infrastructure=True).locked("apply"):
        ended = deployment.sovctl("plan", *WEEK1)
    assert ended.returncode == 1
    assert "`apply`" in ended.stderr


def test_no_secret_is_kept_and_the_auditor_sees_the_journal(deployment: Deployment) -> None:
    deployment.done("plan", *WEEK1)
    deployment.done("apply", *WEEK1)
    kept = [path for path in deployment.directory.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert kept == []
    (ledger,) = json.loads(deployment.sovctl("audit", "verify", "--json").stdout)
    assert (ledger["region"], ledger["verified"], ledger["size"]) == ("operator", True, 3)
    log = deployment.sovctl("audit", "log", "--region", "operator").stdout
    assert "infrastructure.judged" in log
