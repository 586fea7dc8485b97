"""The repository of desired state: what is committed counts, and nothing else."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sovplatform.errors import ConfigError, Conflict, Locked, NotFound
from sovplatform.records import Approval, Release
from sovplatform.releases import Desired, ReleaseRepository

AT = datetime(2026, 3, 1, 12, 30, 5, 123456, tzinfo=UTC)


def release(number: int = 1, region: str = "de", **changes: object) -> Release:
    facts = {
        "id": f"credit-{region}-{number}",
        "region": region,
        "model": "credit",
        "version": number,
        "artifact": "sha256:" + "0" * 64,
        "proposer": "ada",
        "proposed_at": AT + timedelta(minutes=number),
        "canary_percent": 20,
        "note": "ümlaut: 'quoted' # no comment",
    }
    return Release.model_validate(facts | changes)


def approval(approver: str = "bob") -> Approval:
    return Approval(
        approver=approver, signature="-----BEGIN SSH SIGNATURE-----\nU1NI\n", at=AT, expires_at=AT + timedelta(hours=72)
    )


@pytest.fixture
def repository(tmp_path: Path) -> ReleaseRepository:
    return ReleaseRepository.create(tmp_path / "releases", actor="ada", files=[("README.md", b"# Releases\n")])


def git(path: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(["git", *arguments], cwd=path, env=environment, check=True, capture_output=True, text=True).stdout


def test_what_is_proposed_is_read_back_with_the_same_digest(repository: ReleaseRepository) -> None:
    repository.propose(release())
    assert repository.release("credit-de-1") == release()
    assert repository.release("credit-de-1").digest == release().digest


def test_each_change_is_one_commit_by_its_actor(repository: ReleaseRepository, tmp_path: Path) -> None:
    repository.propose(release())
    repository.approve("credit-de-1", approval())
    repository.set_desired("de", stable="", canary="credit-de-1", percent=20, actor="ada")
    repository.set_desired("de", stable="credit-de-1", actor="carol")
    said = [(change.actor, change.message) for change in repository.history()]
    assert said == [
        ("carol", "Promote credit-de-1 in de"),
        ("ada", "Serve credit-de-1 to 20 % of de"),
        ("bob", "Approve credit-de-1"),
        ("ada", "Propose credit-de-1 for de: credit version 1"),
        ("ada", "Begin the record of releases"),
    ]
    assert git(tmp_path / "releases", "status", "--porcelain") == ""
    assert git(tmp_path / "releases", "fsck", "--strict") == ""


def test_doing_the_same_twice_is_no_second_commit(repository: ReleaseRepository) -> None:
    for _ in range(2):
        repository.propose(release())
        repository.approve("credit-de-1", approval())
        repository.set_desired("de", stable="credit-de-1", actor="ada")
    assert len(repository.history()) == 4


def test_a_proposal_never_changes(repository: ReleaseRepository) -> None:
    repository.propose(release())
    with pytest.raises(Conflict):
        repository.propose(release(note="another"))
    with pytest.raises(Conflict):
        repository.propose(release(region="fr", id="credit-de-1"))


def test_uncommitted_edits_are_ignored_reported_and_kept(repository: ReleaseRepository, tmp_path: Path) -> None:
    repository.propose(release(1))
    repository.propose(release(2))
    repository.set_desired("de", stable="credit-de-1", actor="ada")
    serving = tmp_path / "releases" / "serving" / "de.yaml"
    serving.write_text("region: de\nstable: credit-de-2\n")
    (tmp_path / "releases" / "approvals").mkdir()
    (tmp_path / "releases" / "approvals" / "new.json").write_text("{}")
    assert repository.desired("de").stable == "credit-de-1"
    assert repository.edited() == ("approvals/new.json", "serving/de.yaml")
    repository.set_desired("de", stable="", canary="credit-de-2", percent=10, actor="ada")
    assert repository.desired("de") == Desired(region="de", canary="credit-de-2", percent=10)
    assert serving.read_text() == "region: de\nstable: credit-de-2\n"


def test_an_edit_that_is_committed_by_hand_counts(repository: ReleaseRepository, tmp_path: Path) -> None:
    repository.propose(release())
    (tmp_path / "releases" / "serving").mkdir()
    (tmp_path / "releases" / "serving" / "de.yaml").write_text("region: de\nstable: credit-de-1\n")
    git(tmp_path / "releases", "add", ".")
    git(tmp_path / "releases", "commit", "-qm", "Serve by hand")
    assert repository.desired("de").stable == "credit-de-1"
    assert repository.edited() == ()


def test_what_has_been_stable_is_remembered_newest_first(repository: ReleaseRepository) -> None:
    for number in (1, 2, 3):
        repository.propose(release(number))
        repository.set_desired("de", stable=f"credit-de-{number}", actor="ada")
    assert repository.stables("de") == ("credit-de-3", "credit-de-2", "credit-de-1")
    assert repository.stables("fr") == ()


def test_releases_are_listed_by_region_oldest_first(repository: ReleaseRepository) -> None:
    for number, region in ((2, "de"), (1, "de"), (3, "fr")):
        repository.propose(release(number, region))
    assert [known.id for known in repository.releases("de")] == ["credit-de-1", "credit-de-2"]
    assert len(repository.releases()) == 3


def test_only_what_was_proposed_for_a_region_is_served_there(repository: ReleaseRepository) -> None:
    repository.propose(release(1, "fr"))
    with pytest.raises(NotFound):
        repository.set_desired("de", stable="credit-fr-1", actor="ada")
    with pytest.raises(NotFound):
        repository.set_desired("de", stable="nothing", actor="ada")
    with pytest.raises(NotFound):
        repository.approve("nothing", approval())


@pytest.mark.parametrize("name", ["../../etc", "a/b", ".git", "", "-x", "a\nb"])
def test_a_name_is_no_way_out_of_the_repository(name: str, repository: ReleaseRepository) -> None:
    repository.propose(release())
    for call in (
        lambda: repository.approve("credit-de-1", approval(name)),
        lambda: repository.desired(name),
        lambda: repository.approvals(name),
        lambda: repository.releases(name),
    ):
        with pytest.raises(ConfigError):
            call()


def test_the_users_git_settings_and_hooks_do_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text(
        "[user]\nname = Mallory\n[commit]\ngpgSign = true\n[init]\ndefaultBranch = other\n[core]\nautocrlf = true\n"
    )
    for key, value in (("GIT_CONFIG_GLOBAL", settings), ("GIT_AUTHOR_NAME", "Mallory"), ("GIT_DIR", tmp_path / "elsewhere")):
        monkeypatch.setenv(key, str(value))
    repository = ReleaseRepository.create(tmp_path / "releases", actor="ada", files=[("README.md", b"# Releases\n")])
    hook = tmp_path / "releases" / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    repository.propose(release())
    assert {change.actor for change in repository.history()} == {"ada"}
    assert not (tmp_path / "hooked").exists()
    assert not (tmp_path / "elsewhere").exists()


def test_a_pilot_inside_another_repository_leaves_it_alone(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    repository = ReleaseRepository.create(tmp_path / "pilot" / "releases", actor="ada", files=[("README.md", b"x\n")])
    repository.propose(release())
    assert "No commits yet" in git(tmp_path, "status")
    with pytest.raises(NotFound):
        ReleaseRepository(tmp_path / "pilot")


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_releases import release
from sovplatform.releases import ReleaseRepository
for number in range(5):
    ReleaseRepository(Path(sys.argv[1])).propose(release(number + 1, sys.argv[3]))
"""


def test_writers_at_the_same_time_lose_nothing(repository: ReleaseRepository, tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", WRITER, str(tmp_path / "releases"), here]
    writers = [subprocess.Popen([*command, region]) for region in ("de", "fr", "ch")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert len(repository.releases()) == 15
    assert len(repository.history()) == 16
    assert repository.edited() == ()


def test_a_repository_that_stays_locked_is_an_error(repository: ReleaseRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sovplatform.gitstore.LOCK_SECONDS", 0.1)
    with repository._store.writing(), pytest.raises(Locked):
        repository.propose(release())


def test_a_commit_that_broke_a_file_is_named(repository: ReleaseRepository, tmp_path: Path) -> None:
    (tmp_path / "releases" / "serving").mkdir()
    (tmp_path / "releases" / "serving" / "de.yaml").write_text("region: de\nstabel: x\n")
    git(tmp_path / "releases", "add", ".")
    git(tmp_path / "releases", "commit", "-qm", "Break it")
    with pytest.raises(ConfigError, match=r"serving/de.yaml at HEAD is no Desired"):
        repository.desired("de")
