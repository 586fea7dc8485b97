"""What clouds and backends say no with, in their own words, and what it comes to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sovplatform.errors import Denied, Locked, SovError, Unavailable
from sovplatform.infrastructure.diagnostics import TerraformFailed
from sovplatform.infrastructure.failures import require_written_state, told
from sovplatform.infrastructure.request import STACK_FILE
from sovplatform.infrastructure.terraform import Terraform

ADVICE = "Terraform acquires a state lock to protect the state from being written by multiple users at the same time."
S3_LOCKED = (
    "Error acquiring the state lock: Error message: operation error S3: PutObject, https response error StatusCode: 412, "
    "api error PreconditionFailed: At least one of the pre-conditions you specified did not hold Lock Info: "
    f"ID: 6be1ab09 Path: b/de-week1.tfstate Operation: OperationTypeApply {ADVICE}"
)
GCS_LOCKED = (
    'Error acquiring the state lock: Error message: writing "gs://b/de-week1.tflock" failed: googleapi: Error 412: At least one '
    f"of the pre-conditions you specified did not hold., conditionNotMet Lock Info: ID: 1732 Path: gs://b/x {ADVICE}"
)
LOCK_DENIED = (
    "Error acquiring the state lock: Error message: operation error S3: PutObject, https response error StatusCode: 403, "
    f"api error AccessDenied: Access Denied {ADVICE}"
)
LOCK_EXPIRED = (
    "Error acquiring the state lock: Error message: operation error S3: PutObject, https response error StatusCode: 400, "
    f"api error ExpiredToken: The provided token has expired. {ADVICE}"
)


def raised(message: str, directory: Path, *, applying: bool = False) -> SovError:
    with pytest.raises(SovError) as caught, told("de-week1", directory, "/opt/my tools/tofu", applying=applying):
        raise TerraformFailed(message)
    return caught.value


@pytest.mark.parametrize(("message", "holder"), [(S3_LOCKED, "6be1ab09"), (GCS_LOCKED, "1732")])
def test_a_lock_is_told_with_the_command_that_lifts_it(message: str, holder: str, tmp_path: Path) -> None:
    err = raised(message, tmp_path)
    assert isinstance(err, Locked)
    assert err.remedy.endswith(f"'/opt/my tools/tofu' -chdir={tmp_path} force-unlock {holder}")


@pytest.mark.parametrize(
    ("message", "kind", "said"),
    [
        (LOCK_DENIED, Denied, "may not do"),
        (LOCK_EXPIRED, Unavailable, "expired"),
        ("making it: PreconditionFailed: the resource is in use", TerraformFailed, "in use"),
        ("oauth2: invalid_grant: reauth related error", Unavailable, "expired"),
        ("could not find default credentials", Unavailable, "no credentials"),
        ("dial tcp: lookup sts.eu-central-1.amazonaws.com: no such host", Unavailable, "does not answer"),
    ],
)
def test_what_is_no_lock_is_told_as_what_it_is(message: str, kind: type[SovError], said: str, tmp_path: Path) -> None:
    err = raised(message, tmp_path)
    assert type(err) is kind
    assert said in err.message


def test_what_is_protected_is_named_with_its_construct_and_what_lifts_it(terraform: Terraform, tmp_path: Path) -> None:
    note = {"metadata": {"path": "de-week2/region-keys/terraform_data.data"}}
    kept = {"input": 1, "lifecycle": [{"prevent_destroy": True}], "//": note}
    (tmp_path / STACK_FILE).write_text(json.dumps({"resource": {"terraform_data": {"data": kept, "other": {"input": 2}}}}))
    terraform.init(tmp_path)
    terraform.plan(tmp_path, tmp_path / "plan")
    terraform.apply(tmp_path, tmp_path / "plan")
    with pytest.raises(Denied) as caught, told("de-week2", tmp_path, "terraform"):
        terraform.plan(tmp_path, tmp_path / "plan", options=["-destroy"])
    assert caught.value.message == "the plan of stack de-week2 would end what is protected"
    assert caught.value.reasons == ("terraform_data.data, made by de-week2/region-keys/terraform_data.data",)
    assert "`protect: false`" in caught.value.remedy


def test_who_applies_is_told_that_nothing_is_lost(tmp_path: Path) -> None:
    assert "what was made is in the state" in raised("ExpiredToken", tmp_path, applying=True).remedy
    assert "what was made" not in raised("ExpiredToken", tmp_path).remedy


@pytest.mark.parametrize("cause", ["ExpiredToken", "NoSuchBucket", S3_LOCKED, "something else"])
def test_a_state_that_was_not_written_counts_before_its_cause(cause: str, tmp_path: Path) -> None:
    (tmp_path / "errored.tfstate").write_text("{}")
    err = raised(cause, tmp_path, applying=True)
    assert "could not be written and lies in" in err.message
    assert f"-chdir={tmp_path} state push errored.tfstate && rm {tmp_path}/errored.tfstate" in err.remedy
    assert "what was made is in the state," not in err.remedy


def test_nothing_is_begun_on_a_state_that_was_not_written(tmp_path: Path) -> None:
    require_written_state("de-week1", tmp_path, "terraform")
    (tmp_path / "errored.tfstate").write_text("{}")
    with pytest.raises(TerraformFailed, match="stack de-week1 is left as it is"):
        require_written_state("de-week1", tmp_path, "terraform")
