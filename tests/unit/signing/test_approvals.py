from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta

import pytest

from sovplatform import approvals
from sovplatform.approvals import check_approvals, generate_key, public_line, sign_release
from sovplatform.errors import ConfigError, Conflict, Denied
from sovplatform.pilot import Approver
from sovplatform.records import Approval, Release, now

needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


@pytest.fixture
def release():
    return Release(
        id="credit-1",
        region="de",
        model="credit",
        version=1,
        artifact="sha256:" + "0" * 64,
        proposer="paul",
        proposed_at=now(),
        canary_percent=20,
    )


@pytest.fixture
def people(tmp_path):
    return {name: generate_key(tmp_path / name, f"{name}@demo") for name in ("paul", "anna", "otto")}


@pytest.fixture
def approve(release, people, tmp_path):
    def by(name: str, of: Release = release, ttl_hours: float = 1) -> Approval:
        return sign_release(of, Approver(name=name, key=people[name]), tmp_path / name, ttl_hours)

    return by


def listed(people, *names):
    return {name: people[name] for name in names}


def test_somebody_elses_approval_is_enough(release, people, approve):
    assert check_approvals(release, [approve("anna")], people, 1, now()) == ()
    assert check_approvals(release, [approve("anna"), approve("otto")], people, 2, now()) == ()


def test_no_approval_is_never_enough(release, people):
    assert check_approvals(release, [], people, 0, now()) == ("release credit-1 has 0 of 1 approvals",)


def test_the_proposer_cannot_approve(release, people, approve, tmp_path):
    with pytest.raises(Denied):
        approve("paul")
    forged = sign_release(
        release.model_copy(update={"proposer": "x"}), Approver(name="paul", key=people["paul"]), tmp_path / "paul", 1
    )
    assert "of their own" in check_approvals(release, [forged], people, 1, now())[1]


def test_the_proposers_key_under_another_name_is_a_self_approval(release, people, tmp_path):
    alias = {"paul": people["paul"], "anna": people["paul"]}
    signed = sign_release(release, Approver(name="anna", key=people["paul"]), tmp_path / "paul", 1)
    assert "proposer's key" in check_approvals(release, [signed], alias, 1, now())[1]


def test_an_expired_or_future_approval_does_not_count(release, people, approve):
    given = approve("anna")
    assert "expired" in check_approvals(release, [given], people, 1, given.expires_at)[1]
    assert "future" in check_approvals(release, [given], people, 1, given.at - timedelta(hours=1))[1]


def test_the_expiry_is_signed(release, people, approve):
    given = approve("anna")
    stretched = given.model_copy(update={"expires_at": given.expires_at + timedelta(days=365)})
    assert "covers something else" in check_approvals(release, [stretched], people, 1, now())[1]


def test_an_unknown_approver_does_not_count(release, people, approve):
    assert "not a listed approver" in check_approvals(release, [approve("otto")], listed(people, "anna"), 1, now())[1]


def test_another_key_does_not_count(release, people, approve):
    renamed = approve("otto").model_copy(update={"approver": "anna"})
    assert "another key" in check_approvals(release, [renamed], people, 1, now())[1]


def test_one_person_counts_once(release, people, approve):
    reasons = check_approvals(release, [approve("anna"), approve("anna")], people, 2, now())
    assert reasons[0] == "release credit-1 has 1 of 2 approvals"
    assert "approved already" in reasons[1]


def test_an_approval_of_another_release_does_not_count(release, people, approve):
    for change in ({"artifact": "sha256:" + "1" * 64}, {"region": "fr"}, {"canary_percent": 100}, {"id": "credit-2"}):
        other = release.model_copy(update=change)
        assert "covers something else" in check_approvals(release, [approve("anna", other)], people, 1, now())[1]


@pytest.mark.parametrize("signature", ["", "rubbish", "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----"])
def test_rubbish_does_not_count(release, people, approve, signature):
    given = approve("anna").model_copy(update={"signature": signature})
    assert "no SSH signature" in check_approvals(release, [given], people, 1, now())[1]


def test_a_valid_approval_beside_a_bad_one_counts(release, people, approve):
    assert check_approvals(release, [approve("anna", ttl_hours=-1), approve("otto")], people, 1, now()) == ()


def test_a_key_is_private_and_never_overwritten(tmp_path):
    line = generate_key(tmp_path / "key", "anna@demo")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert line == public_line(tmp_path / "key") == (tmp_path / "key.pub").read_text().strip()
    assert line.startswith("ssh-ed25519 AAAA")
    assert line.endswith(" anna@demo")
    with pytest.raises(Conflict):
        generate_key(tmp_path / "key", "")


def test_a_key_that_others_may_read_signs_nothing(release, people, tmp_path):
    (tmp_path / "anna").chmod(0o640)
    with pytest.raises(ConfigError, match="others may read the SSH key") as caught:
        sign_release(release, Approver(name="anna", key=people["anna"]), tmp_path / "anna", 1)
    assert caught.value.remedy == f"chmod 600 {tmp_path / 'anna'}"


def test_a_key_that_is_not_the_listed_one_is_refused(release, people, tmp_path):
    with pytest.raises(ConfigError, match="not the listed key"):
        sign_release(release, Approver(name="anna", key=people["otto"]), tmp_path / "anna", 1)
    with pytest.raises(ConfigError, match="cannot be read"):
        sign_release(release, Approver(name="anna", key=people["anna"]), tmp_path / "nobody", 1)


@needs_ssh
def test_ssh_keygen_accepts_ours(release, people, approve, tmp_path):
    given = approve("anna")
    (tmp_path / "signature").write_text(given.signature)
    (tmp_path / "allowed").write_text(f"anna {people['anna']}\n")
    verdict = subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "anna", "-n", approvals.NAMESPACE, "-s", "signature"],
        cwd=tmp_path,
        input=approvals.message(release, "anna", given.at, given.expires_at),
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert verdict.returncode == 0, verdict.stderr


@needs_ssh
@pytest.mark.parametrize("namespace", [approvals.NAMESPACE, "file"])
def test_what_ssh_keygen_signs_counts_in_our_namespace_only(release, tmp_path, namespace):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "anna", "-f", tmp_path / "key"], check=True, timeout=30)
    at = now()
    until = at + timedelta(hours=1)
    (tmp_path / "message").write_bytes(approvals.message(release, "anna", at, until))
    sign = ["ssh-keygen", "-q", "-Y", "sign", "-f", tmp_path / "key", "-n", namespace, tmp_path / "message"]
    subprocess.run(sign, check=True, timeout=30, capture_output=True)
    given = Approval(approver="anna", signature=(tmp_path / "message.sig").read_text(), at=at, expires_at=until)
    reasons = check_approvals(release, [given], {"anna": public_line(tmp_path / "key")}, 1, now())
    assert (reasons == ()) is (namespace == approvals.NAMESPACE)
