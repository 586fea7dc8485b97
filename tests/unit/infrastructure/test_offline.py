"""Plans by the real Terraform against providers that only plan."""

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sovplatform.errors import ConfigError, NotFound
from sovplatform.infrastructure.diagnostics import StackInvalid, StacksInvalid
from sovplatform.infrastructure.offline.plan import plan_offline
from sovplatform.infrastructure.offline.server import serving
from sovplatform.infrastructure.terraform import Terraform
from tests.unit.infrastructure.conftest import WriteStack

VARIABLES = {"de-week1": {"account": "123"}}


def _changes(plan: Any) -> dict[str, Any]:
    return {change["address"]: change["change"] for change in plan.json["resource_changes"]}


def test_a_plan_keeps_what_is_configured_and_leaves_the_rest_unknown(
    terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack
) -> None:
    changes = _changes(plan_offline(terraform, {"de-week1": write_stack(aws)}, variables=VARIABLES)["de-week1"])
    vpc, subnet, cluster = (changes[name] for name in ("aws_vpc.main", "aws_subnet.a", "aws_eks_cluster.main"))
    assert vpc["actions"] == ["create"]
    assert vpc["after"]["cidr_block"] == "10.1.0.0/16"
    assert vpc["after"]["ipv4_netmask_length"] is None
    assert vpc["after_unknown"]["id"] is True
    assert subnet["after_unknown"]["vpc_id"] is True
    assert changes["aws_s3_bucket.raw"]["after"]["bucket"] == "raw-123"
    assert cluster["after"]["vpc_config"][0]["endpoint_public_access"] is False
    assert cluster["after_unknown"]["vpc_config"][0]["vpc_id"] is True


def test_all_five_providers_plan(terraform: Terraform, platform: dict[str, Any], write_stack: WriteStack) -> None:
    plan = plan_offline(terraform, {"gcp": write_stack(platform, "gcp")})["gcp"]
    changes = _changes(plan)
    assert {name.partition("_")[0] for name in changes} == {"google", "helm", "kubernetes", "vault"}
    assert changes["kubernetes_manifest.policy"]["after"]["manifest"]["data"] == {"x": 1}
    assert changes["helm_release.argo"]["after_unknown"]["set"] == [{"type": True, "value": True}]
    (project,) = plan.json["prior_state"]["values"]["root_module"]["resources"]
    assert project["values"]["number"] == "offline:google_project.number"


def test_a_write_only_secret_is_in_no_plan(terraform: Terraform, platform: dict[str, Any], write_stack: WriteStack) -> None:
    plan = plan_offline(terraform, {"gcp": write_stack(platform, "gcp")})["gcp"]
    assert _changes(plan)["kubernetes_secret_v1.token"]["after"]["data_wo"] is None
    assert "hidden" not in json.dumps(plan.json["planned_values"])


def test_nothing_is_written_into_the_stack_and_the_same_plan_has_the_same_digest(
    terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack
) -> None:
    directory = write_stack(aws)
    told: list[str] = []
    first = plan_offline(terraform, {"de-week1": directory}, variables=VARIABLES, progress=told.append)
    again = plan_offline(terraform, {"de-week1": directory}, variables=VARIABLES)
    other = plan_offline(terraform, {"de-week1": directory}, variables={"de-week1": {"account": "124"}})
    assert [path.name for path in directory.iterdir()] == ["cdk.tf.json"]
    assert told == ["de-week1"]
    assert first["de-week1"].digest == again["de-week1"].digest != other["de-week1"].digest


def test_settings_of_the_environment_change_nothing(
    terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CLI_ARGS_plan", "-destroy")
    monkeypatch.setenv("TF_WORKSPACE", "nowhere")
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    plans = plan_offline(terraform, {"de-week1": write_stack(aws)}, variables=VARIABLES)
    assert _changes(plans["de-week1"])["aws_vpc.main"]["actions"] == ["create"]


def test_a_plan_says_nothing_of_how_its_providers_are_found(
    terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack
) -> None:
    aws["resource"]["aws_s3_bucket"]["raw"]["bucket"] = "${nothing.at_all.id}"
    with pytest.raises(StackInvalid) as caught:
        plan_offline(terraform, {"de-week1": write_stack(aws)}, variables=VARIABLES)
    assert "aws_s3_bucket.raw" in str(caught.value)
    assert "override" not in str(caught.value)


def test_a_provider_may_be_configured_many_times(terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack) -> None:
    aws["provider"]["aws"] += [{"alias": f"a{number}", "region": "eusc-de-east-1"} for number in range(6)]
    for number in range(6):
        aws["resource"]["aws_s3_bucket"][f"b{number}"] = {"provider": f"aws.a{number}", "bucket": f"b{number}"}
    stacks = {f"s{number}": write_stack(aws, f"s{number}") for number in range(3)}
    plans = plan_offline(terraform, stacks, variables={name: {"account": "1"} for name in stacks})
    assert len({plan.digest for plan in plans.values()}) == 1


def test_a_strangers_provider_is_not_used(
    terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, home = write_stack(aws), tmp_path / "home"
    places = [tmp_path / "path", directory, home / ".terraform.d/plugins", home / ".terraform.d/plugins/linux_amd64"]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
        (place / "terraform-provider-aws").write_text(f"#!/bin/sh\ntouch {tmp_path}/used\n")
        (place / "terraform-provider-aws").chmod(0o755)
    (home / ".terraformrc").write_text(f'provider_installation {{ dev_overrides {{ "hashicorp/aws" = "{places[0]}" }} }}\n')
    monkeypatch.setenv("PATH", f"{places[0]}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(home / ".terraformrc"))
    plans = plan_offline(terraform, {"de-week1": directory}, variables=VARIABLES)
    assert "aws_vpc.main" in _changes(plans["de-week1"])
    assert not (tmp_path / "used").exists()


def test_all_stacks_are_held_to_the_contract_before_one_is_refused(
    terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack
) -> None:
    good = write_stack(aws, "good")
    aws["resource"]["aws_vpc"]["main"] |= {"cidr": "x", "cidrs": "x"}
    first = write_stack(aws, "first")
    aws["resource"]["aws_vpc"]["main"].pop("cidrs")
    with pytest.raises(StacksInvalid, match=r"^2 stacks .*'first': aws_vpc\.main .*; 'second': aws_vpc\.main ") as caught:
        plan_offline(terraform, {"first": first, "good": good, "second": write_stack(aws, "second")})
    assert str(caught.value).count("(and 1 more)") == 1
    assert {name: len(problems) for name, problems in caught.value.stacks.items()} == {"first": 2, "second": 1}


def test_the_contract_speaks_before_terraform_does(terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack) -> None:
    aws["resource"]["aws_vpc"]["main"]["cidr"] = "x"
    with pytest.raises(StackInvalid, match=r"aws_vpc\.main \(made by de-week1/landing-zone/vpc\): cidr: there is no such"):
        plan_offline(terraform, {"de-week1": write_stack(aws)})


def test_a_missing_variable_is_told(terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack) -> None:
    with pytest.raises(StackInvalid, match=r"account"):
        plan_offline(terraform, {"de-week1": write_stack(aws)})


def test_a_stack_that_is_not_synthesised_is_not_found(terraform: Terraform, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        plan_offline(terraform, {"de-week1": tmp_path / "infra"})
    assert caught.value.remedy == "run: sovctl synth"


def test_a_stack_that_is_no_json_is_told_with_the_place(terraform: Terraform, write_stack: WriteStack) -> None:
    with pytest.raises(StackInvalid, match=r"is not JSON: .*line 1 column 2"):
        plan_offline(terraform, {"de-week1": write_stack("{]")})


def test_a_provider_without_schema_is_not_found(terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack) -> None:
    aws["terraform"]["required_providers"]["acme"] = {"source": "acme/acme"}
    with pytest.raises(NotFound, match=r"no schema of the Terraform provider 'acme'"):
        plan_offline(terraform, {"de-week1": write_stack(aws)})


def test_the_providers_refuse_to_apply(terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack) -> None:
    aws["terraform"].pop("backend")
    stack = write_stack(aws)
    with serving(["aws"]) as found:
        command = [terraform.path, "apply", "-auto-approve", "-input=false", "-no-color", "-var=account=1"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(stack), "CHECKPOINT_DISABLE": "1", **found}
        ended = subprocess.run(command, cwd=stack, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "this provider only plans" in ended.stderr


def test_the_launchers_and_sockets_are_ours_alone_and_go_away() -> None:
    with serving(["helm"]) as found:
        configuration = Path(found["TF_CLI_CONFIG_FILE"])
        home = configuration.parent
        assert f'"registry.terraform.io/hashicorp/helm" = "{home}/helm"' in configuration.read_text()
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert "PRIVATE KEY" not in "".join(path.read_text() for path in home.rglob("*") if path.is_file())
    assert not home.exists()


def test_a_directory_that_runs_no_programs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # a mount with noexec needs root
    with pytest.raises(ConfigError, match="noexec"), serving(["helm"]):
        pass


def test_an_interrupt_ends_all_that_runs_and_leaves_terraform_usable(
    terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack
) -> None:
    stacks = {f"s{number}": write_stack(aws, f"s{number}") for number in range(4)}
    given = {name: {"account": "1"} for name in stacks}

    def interrupt(name: str) -> None:
        raise KeyboardInterrupt(name)

    with pytest.raises(KeyboardInterrupt, match="s0"):
        plan_offline(terraform, stacks, variables=given, progress=interrupt)
    assert plan_offline(terraform, {"s0": stacks["s0"]}, variables=given)["s0"].stack == "s0"
