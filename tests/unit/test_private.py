"""What is private stays so whatever the umask is, and whatever somebody else put in its place."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovplatform.errors import ConfigError
from sovplatform.infrastructure.process import Children
from sovplatform.platform.lock import held
from sovplatform.private import make_directory, open_to_writers, opener, write_atomically


@pytest.fixture(autouse=True)
def _careless() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_new_files_and_directories_are_private_with_all_their_parents(tmp_path: Path) -> None:
    make_directory(tmp_path / "a" / "b")
    write_atomically(tmp_path / "a" / "b" / "c", b"secret")
    with open(tmp_path / "a" / "log", "ab", opener=opener) as file:
        file.write(b"secret")
    assert [mode(tmp_path / "a" / name) for name in ("", "b", "b/c", "log")] == [0o700, 0o700, 0o600, 0o600]
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["c"]


def test_a_file_that_was_open_to_others_is_private_once_written(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"old")
    write_atomically(tmp_path / "key", b"new")
    assert (mode(tmp_path / "key"), (tmp_path / "key").read_bytes()) == (0o600, b"new")


def test_what_is_meant_for_others_can_be_read_by_them(tmp_path: Path) -> None:
    os.umask(0o022)
    write_atomically(tmp_path / "report.md", b"all is well", mode=0o666)
    assert mode(tmp_path / "report.md") == 0o644


def test_nothing_is_written_through_a_planted_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    write_atomically(tmp_path / "state", b"1")
    (tmp_path / "state").unlink()
    (tmp_path / "state").symlink_to(victim)
    write_atomically(tmp_path / "state", b"2")
    (tmp_path / "log").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"), open(tmp_path / "log", "ab", opener=opener):
        raise AssertionError("it was opened")
    assert victim.read_bytes() == b"precious"
    assert not (tmp_path / "state").is_symlink()


def test_a_link_planted_at_the_temporary_name_is_not_written_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    monkeypatch.setattr("threading.get_native_id", lambda: 7)
    (tmp_path / f".state.{os.getpid()}-7").symlink_to(victim)
    write_atomically(tmp_path / "state", b"1")
    assert (victim.read_bytes(), (tmp_path / "state").read_bytes()) == (b"precious", b"1")


def test_the_pilots_state_is_made_private(tmp_path: Path) -> None:
    with held(tmp_path / ".sov", "run"):
        assert mode(tmp_path / ".sov") == 0o700
        assert mode(tmp_path / ".sov" / "lock") == 0o600


def test_a_state_that_others_may_enter_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / ".sov").mkdir(mode=0o755)
    with pytest.raises(ConfigError, match="others may enter") as caught, held(tmp_path / ".sov", "run"):
        raise AssertionError("it was taken")
    assert caught.value.remedy.endswith(f"chmod 700 {tmp_path / '.sov'}")


def test_a_state_that_is_a_link_to_another_pilots_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir(mode=0o700)
    (tmp_path / ".sov").symlink_to(tmp_path / "other")
    with pytest.raises(ConfigError, match="a link or a file"), held(tmp_path / ".sov", "run"):
        raise AssertionError("it was taken")
    assert list((tmp_path / "other").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_state_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".sov").mkdir(mode=0o700)
    monkeypatch.setattr("os.geteuid", lambda: 1234)
    with pytest.raises(ConfigError, match="another user"), held(tmp_path / ".sov", "run"):
        raise AssertionError("it was taken")


def test_what_terraform_writes_is_private(tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", "echo plan > plan.bin; mkdir -p .terraform"]
    Children().run(command, directory=tmp_path, environment={"PATH": os.defpath}, seconds=10)
    assert (mode(tmp_path / "plan.bin"), mode(tmp_path / ".terraform")) == (0o600, 0o700)


def test_what_anybody_may_write_to_is_found_and_links_are_not_followed(tmp_path: Path) -> None:
    os.umask(0o022)
    for name in ("model", "releases/.git", "closed", "elsewhere"):
        (tmp_path / "pilot" / name if name != "elsewhere" else tmp_path / name).mkdir(parents=True)
    (tmp_path / "pilot" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "pilot" / "closed").chmod(0o700)
    for name in ("pilot/model/task.py", "pilot/closed/key", "elsewhere/file"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o666)
    (tmp_path / "pilot" / "releases" / ".git").chmod(0o777)
    assert {str(path.relative_to(tmp_path / "pilot")) for path in open_to_writers(tmp_path / "pilot")} == {
        "model/task.py",
        "releases/.git",
    }
