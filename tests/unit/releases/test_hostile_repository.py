"""A repository of releases that somebody prepared: reading it runs nothing, reads nothing else, and ends in one clear line."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sovplatform import gitstore
from sovplatform.errors import ConfigError, Denied, SovError
from sovplatform.releases import ReleaseRepository

Plant = Callable[[Path, Path], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    ReleaseRepository.create(tmp_path / "releases", actor="ada", files=[("README.md", b"# Releases\n")])
    return tmp_path / "releases"


def git(path: Path, *arguments: str, stdin: bytes = b"") -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(["git", *arguments], cwd=path, env=environment, check=True, capture_output=True, input=stdin)
    return done.stdout.decode().strip()


def commit_entry(path: Path, entry: str) -> None:
    """Commit a tree that holds `entry` (a line of git-mktree's language) in proposals/de/."""
    tree = git(path, "mktree", "--missing", stdin=f"{entry}\n".encode())
    for name in ("de", "proposals"):
        tree = git(path, "mktree", "--missing", stdin=f"040000 tree {tree}\t{name}\n".encode())
    git(path, "update-ref", "refs/heads/main", git(path, "commit-tree", tree, "-m", "Planted"))


def plant_filter(path: Path, program: Path) -> None:
    git(path, "config", "filter.x.clean", str(program))
    (path / ".git" / "info").mkdir(exist_ok=True)
    (path / ".git" / "info" / "attributes").write_text("* filter=x\n")
    (path / "README.md").write_text("edited")


def plant_file_monitor(path: Path, program: Path) -> None:
    git(path, "config", "core.fsmonitor", str(program))


def plant_signature_check(path: Path, program: Path) -> None:
    git(path, "config", "log.showSignature", "true")
    git(path, "config", "gpg.program", str(program))
    head, body = git(path, "cat-file", "commit", "HEAD").split("\n\n", 1)
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n AAAA\n -----END PGP SIGNATURE-----"
    signed = git(path, "hash-object", "-t", "commit", "-w", "--stdin", stdin=f"{head}\n{signature}\n\n{body}\n".encode())
    git(path, "update-ref", "refs/heads/main", signed)


def plant_missing_object(path: Path, program: Path) -> None:
    commit_entry(path, f"100644 blob {'1' * 40}\tx.yaml")
    for key, value in (
        ("core.repositoryformatversion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", "ssh://example.invalid/x"),
        ("protocol.allow", "always"),
        ("core.sshCommand", str(program)),
    ):
        git(path, "config", key, value)


@pytest.mark.parametrize("plant", [plant_filter, plant_file_monitor, plant_signature_check, plant_missing_object])
def test_no_program_that_the_repository_names_is_run(path: Path, tmp_path: Path, plant: Plant) -> None:
    mark, program = tmp_path / "ran", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\nexit 1\n")
    program.chmod(0o755)
    for key, value in (("user.name", "ada"), ("user.email", "ada@example.invalid")):
        git(path, "config", key, value)
    plant(path, program)
    mark.unlink(missing_ok=True)  # planting may have run it
    repository = ReleaseRepository(path)
    for read in (repository.edited, repository.history, repository.releases, lambda: repository.stables("de")):
        try:
            read()
        except SovError:
            continue
    assert not mark.exists()


def test_a_missing_object_is_one_clear_line(path: Path, tmp_path: Path) -> None:
    plant_missing_object(path, tmp_path / "program")
    with pytest.raises(SovError, match="objects are missing"):
        ReleaseRepository(path).releases()


@pytest.mark.parametrize("entry", [f"160000 commit {'1' * 40}\tx.yaml", f"120000 blob {'1' * 40}\tx.yaml"])
def test_a_submodule_or_a_link_is_no_release(path: Path, entry: str) -> None:
    commit_entry(path, entry)
    with pytest.raises(ConfigError, match="no plain file"):
        ReleaseRepository(path).releases()


def test_a_name_that_is_no_text_is_one_clear_line(path: Path) -> None:
    folder = path / "proposals" / "de"
    folder.mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.yaml")).write_bytes(b"a: 1\n")
    git(path, "add", ".")
    git(path, "commit", "-m", "Planted")
    with pytest.raises(ConfigError, match="is no Release"):
        ReleaseRepository(path).releases()


def test_a_file_that_is_too_large_is_not_read(path: Path) -> None:
    (path / "proposals" / "de").mkdir(parents=True)
    (path / "proposals" / "de" / "x.yaml").write_bytes(b"x" * (gitstore.MAX_FILE + 1))
    git(path, "add", ".")
    git(path, "commit", "-m", "Planted")
    with pytest.raises(ConfigError, match="holds too much"):
        ReleaseRepository(path).releases()


def test_an_object_is_not_replaced_by_another(path: Path) -> None:
    before = git(path, "rev-parse", "HEAD")
    (path / "README.md").write_text("other")
    git(path, "commit", "-am", "Planted")
    git(path, "replace", before, "HEAD")
    git(path, "reset", "--soft", before)
    assert [change.message for change in ReleaseRepository(path).history()] == ["Begin the record of releases"]


def test_nothing_is_written_through_a_link_out_of_the_repository(path: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (path / "serving").symlink_to(outside)
    repository = ReleaseRepository(path)
    with pytest.raises(Denied, match="outside"):
        repository.set_desired("de", stable="", actor="ada")
    assert not list(outside.iterdir())
    assert len(repository.history()) == 1


@pytest.mark.parametrize("link", [True, False])
def test_a_pointer_to_a_repository_elsewhere_is_refused(path: Path, tmp_path: Path, link: bool) -> None:
    elsewhere = (path / ".git").rename(tmp_path / "elsewhere")
    if link:
        (path / ".git").symlink_to(elsewhere)
    else:
        (path / ".git").write_text(f"gitdir: {elsewhere}\n")
    with pytest.raises(ConfigError, match="elsewhere"):
        ReleaseRepository(path)


def test_a_pipe_in_place_of_a_file_is_an_edit_and_is_not_waited_for(path: Path) -> None:
    (path / "README.md").unlink()
    os.mkfifo(path / "README.md")
    look = "import pathlib, sys; from sovplatform.gitstore import GitStore; print(GitStore(pathlib.Path(sys.argv[1])).edited())"
    done = subprocess.run([sys.executable, "-c", look, path], check=True, capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "('README.md',)"
