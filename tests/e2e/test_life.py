"""The fintech pilot, run to its end: what it promises of quality, privacy, crossings, evidence and serving."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sovplatform.ledger.bundle import verify_bundle
from sovplatform.records import Trust
from sovplatform.tasks.sources import rows
from sovplatform.testing.conformance.waiting import until
from tests.fixtures.pilots import Pilot

PLANTED = ("name", "iban", "email")


def sealed(pilot: Pilot) -> None:
    """A node signs its ledger soon after each entry, not with it: wait for what the test before did."""
    until(lambda: all(item.verified for item in pilot.platform.audit_verify()), 20, "every ledger is sealed")


def test_the_run_is_complete_and_says_so(pilot: Pilot) -> None:
    report = pilot.run()
    assert report["state"] == "complete"
    assert [stage["stage"] for stage in report["stages"]][-1] == "observe"
    assert all(region["up"] and not region["problems"] for region in report["regions"])
    assert {serving["region"] for serving in report["serving"]} == {"de", "fr", "ch"}
    assert all(serving["errors"] == 0 for serving in report["serving"])


def test_without_an_approver_a_run_stops_for_people_and_says_what_to_type(first_run: tuple[Pilot, str]) -> None:
    pilot, printed = first_run
    stages = {words[0]: words[3] for line in printed.splitlines() if len(words := line.split()) > 3 and words[2] == "s"}
    assert (stages["sign"], stages["release"], stages["serve"], stages["observe"]) == ("done", "waiting", "waiting", "waiting")
    told = printed.split("Waiting for approval")[1].splitlines()[1:]
    assert told[0] == f"KEY={pilot.approver}"
    assert told[-1] == f"sovctl -C {pilot.directory} run"
    models = [f"credit-default-{kind}{region}-v1" for kind in ("", "local-") for region in ("ch", "de", "fr")]
    assert told[1:-1] == [f"sovctl -C {pilot.directory} release approve {model} --key $KEY" for model in models]
    assert "NOT VERIFIED" not in printed


def test_every_ledger_verifies(pilot: Pilot) -> None:
    sealed(pilot)
    found = pilot.platform.audit_verify()
    assert {item.region for item in found} == {"de", "fr", "ch", "fabric"}
    assert [item.problem for item in found if not item.verified] == []


def test_no_dataset_has_spent_more_than_was_asked_for(pilot: Pilot) -> None:
    spent = pilot.platform.status().epsilon
    assert {item.dataset for item in spent} == {"applications-de", "applications-fr", "applications-ch"}
    assert all(0 < item.epsilon <= 2.0 + 1e-9 for item in spent)


def test_the_released_model_is_good_on_public_data(pilot: Pilot) -> None:
    released = [item for item in pilot.platform.status().quality if item.model.startswith("released") and "public" in item.where]
    assert len(released) == 1
    assert released[0].auc >= 0.80


def test_nothing_but_updates_and_statistics_left_a_sovereign_region(pilot: Pilot) -> None:
    crossings = pilot.platform.status().crossings
    assert {item.kind for item in crossings if item.source != "fabric"} == {"update", "statistics"}
    assert {item.destination for item in crossings if item.source != "fabric"} == {"fabric"}


def test_running_again_has_no_second_effect(pilot: Pilot) -> None:
    before, counted = pilot.platform.status(), _counted(pilot)
    pilot.run()
    after = pilot.platform.status()
    assert (after.crossings, after.epsilon) == (before.crossings, before.epsilon)
    assert _counted(pilot) == counted


def _counted(pilot: Pilot) -> Counter[tuple[str, str]]:
    return Counter(
        (region, entry.event) for prefix in ("gate.", "channel.", "privacy.", "job.") for region, entry in pilot.events(prefix)
    )


def test_no_planted_identity_is_in_any_file_of_the_pilot(pilot: Pilot) -> None:
    planted = {
        form
        for data in pilot.platform.pilot.datasets
        for row in rows(data.source, pilot.directory)
        for column in PLANTED
        for form in (_words(row[column].encode()), _words(json.dumps(row[column]).encode()))
    }
    assert len(planted) > 10_000
    one = min(planted)
    assert _found(b'{"name": "' + b" ".join(one) + b'"}', planted) == {one}
    files = [path for path in pilot.directory.rglob("*") if path.is_file()]
    assert {"ledger.db", "audit.log", "node.log", "log", "manifest.json", "vault.db"} <= {path.name for path in files}
    assert [(str(path), found) for path in files if (found := _found(path.read_bytes(), planted))] == []


def test_no_secret_is_told_to_another_file_or_in_what_a_process_shows(pilot: Pilot) -> None:
    bao, people = pilot.state / "openbao", pilot.state / "people"
    keys = [bao / "operator.key", bao / "tls.key", people / "approver", people / "proposer"]
    secrets = {path: path.read_bytes().splitlines()[2] for path in keys} | {bao / "seal.key": (bao / "seal.key").read_bytes()}
    for login in pilot.state.glob("regions/*/workload-api.login"):
        secrets[login] = json.loads(login.read_bytes())["secret_id"].encode()
    assert len(secrets) == 9
    assert min(map(len, secrets.values())) > 16
    shown = [path for pid in _processes_of(pilot) for path in (pid / "cmdline", pid / "environ")]
    assert len(shown) >= 2 * (1 + 4 + 3)  # the key service, the nodes, the model servers
    token = re.compile(rb"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.|\bhv[bsr]\.[\w-]{20,}|\b[bsr]\.[A-Za-z0-9]{24,}")
    assert token.search(b"x=eyJhbGciOiJF.eyJzdWIiOiJz.a") and token.search(b'"b.AAAAAQJ0ZXN0dGVzdHRlc3R0ZXN0"')
    for path in (*(path for path in pilot.directory.rglob("*") if path.is_file()), *shown):
        data = path.read_bytes()
        assert [own for own, secret in secrets.items() if secret in data and own != path] == [], path
        assert path.name == "vault.db" or token.search(data) is None, path


def _processes_of(pilot: Pilot) -> list[Path]:
    here = os.fsencode(pilot.state)
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            found += [process] if here in (process / "cmdline").read_bytes() else []
    return found


def _words(data: bytes) -> tuple[bytes, ...]:
    return tuple(re.findall(rb"[A-Za-z0-9\x80-\xff]+", data))


def _found(data: bytes, planted: set[tuple[bytes, ...]]) -> set[tuple[bytes, ...]]:
    """Those of `planted` whose words follow each other in `data`."""
    words = _words(data)
    found: set[tuple[bytes, ...]] = set()
    for length in {len(item) for item in planted}:
        found |= planted.intersection(zip(*(words[start:] for start in range(length)), strict=False))
    return found


def test_a_file_of_applications_is_answered_as_csv_and_as_json(pilot: Pilot, tmp_path: Path) -> None:
    some = [row for row, _ in zip(rows("example:fintech?part=0/3", pilot.directory), range(3), strict=False)]
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, some[0].keys())
        writer.writeheader()
        writer.writerows(some)
    ended = pilot.sovctl("predict", "--json", "--file", str(tmp_path / "rows.csv"))
    assert ended.returncode == 0, ended.stderr
    answers = json.loads(ended.stdout)
    assert len(answers) == 3
    instances = [
        {
            item.name: row[item.name] if item.type == "category" else float(row[item.name])
            for item in pilot.platform.pilot.task.features
        }
        for row in some
    ]
    (tmp_path / "rows.json").write_text(json.dumps({"instances": instances}))
    again = pilot.sovctl("predict", "--json", "--region", "fr", "--file", str(tmp_path / "rows.json"))
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == answers
    named = [{**row, "iban": "DE02120300000000202051"} for row in instances]
    (tmp_path / "rows.json").write_text(json.dumps(named))  # the columns that the task does not read stay here
    again = pilot.sovctl("predict", "--json", "--file", str(tmp_path / "rows.json"))
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == answers
    assert pilot.platform.predict(named) == answers


def test_the_rows_that_came_with_the_example_are_answered(pilot: Pilot) -> None:
    ended = pilot.sovctl("predict", "--json", "--file", str(pilot.directory / "rows.csv"))
    assert ended.returncode == 0, ended.stderr
    assert len(json.loads(ended.stdout)) == 5


def test_the_closing_table_names_each_model_once(pilot: Pilot) -> None:
    printed = pilot.sovctl("status").stdout.split("Quality (area under the ROC curve)\n")[1].split("\n\n")[0]
    names = [re.split(r"  +", line)[0] for line in printed.splitlines()[1:]]
    only = [f"only applications-{region}" for region in ("ch", "de", "fr")]
    assert sorted(names) == [*only, "pooled, without privacy", "released", "released, measured exactly"]


def test_the_log_fits_80_columns_until_all_is_asked_for(pilot: Pilot) -> None:
    lines = pilot.sovctl("audit", "log").stdout.splitlines()
    wide = pilot.sovctl("audit", "log", "--wide").stdout.splitlines()
    assert len(lines) >= 100
    assert max(map(len, lines)) <= 80
    assert all("  by " in line for line in wide)


def test_the_ledgers_verify_when_nothing_runs(pilot: Pilot) -> None:
    assert pilot.sovctl("down").returncode == 0
    try:
        assert not any(pilot.home(region).joinpath("node.pid").exists() for region in ("de", "fr", "ch", "fabric"))
        ended = pilot.sovctl("audit", "verify", "--json")
        assert ended.returncode == 0, ended.stderr
        assert [item["verified"] for item in json.loads(ended.stdout)] == [True] * 4
    finally:
        pilot.run()


@pytest.fixture
def signed_model(pilot: Pilot, tmp_path: Path) -> Path:
    """A copy of a served model's directory and signature, with the pinned key beside it."""
    stable = pilot.platform.repository.desired("de").stable
    artifact = pilot.platform.repository.release(stable).artifact
    shutil.copytree(pilot.home("de") / "models" / artifact.removeprefix("sha256:"), tmp_path / "copy")
    trust = Trust.from_json((pilot.state / "trust.json").read_bytes())
    (tmp_path / "copy" / "key.pem").write_text(trust.regions["de"].keys["models"])
    return tmp_path / "copy"


def stock_verify(signed: Path) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("model_signing"))
    command = [program, "verify", "key", str(signed / "model"), "--signature", str(signed / "model.sig")]
    command += ["--public_key", str(signed / "key.pem")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_stock_verifier_accepts_a_served_model(signed_model: Path) -> None:
    ended = stock_verify(signed_model)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_stock_verifier_refuses_a_model_with_one_changed_byte(signed_model: Path) -> None:
    model = signed_model / "model" / "model.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.chmod(0o600)
    model.write_bytes(data)
    assert stock_verify(signed_model).returncode != 0


def test_a_release_is_rolled_back_to_the_local_model_and_promoted_again(pilot: Pilot) -> None:
    current = pilot.platform.repository.desired("ch").stable
    ended = pilot.sovctl("release", "rollback", "ch")
    assert ended.returncode == 0, ended.stderr
    assert "credit-default-local-ch-v1" in ended.stdout
    assert pilot.platform.regions["ch"].server().status("credit-default").stable == "credit-default-local-ch-v1"
    ended = pilot.sovctl("release", "promote", current)
    assert ended.returncode == 0, ended.stderr
    assert pilot.platform.regions["ch"].server().status("credit-default").stable == current


def test_the_audit_report_comes_with_a_bundle_that_proves_it(pilot: Pilot, tmp_path: Path) -> None:
    sealed(pilot)
    ended = pilot.sovctl("audit", "report", "--out", str(tmp_path / "report"))
    assert ended.returncode == 0, ended.stderr
    assert list((tmp_path / "report").glob("*.html"))
    assert list((tmp_path / "report").glob("*.md"))
    found = verify_bundle(tmp_path / "report" / "bundle")
    assert len(found) == 4
    assert all(item.verified for item in found)


def test_what_the_pilot_keeps_is_closed_to_others(pilot: Pilot) -> None:
    kept = [pilot.state, *pilot.state.rglob("*")]
    assert len(kept) > 500
    assert [str(path) for path in kept if path.lstat().st_mode & 0o077 or path.stat().st_uid != os.getuid()] == []
    assert [str(path) for path in pilot.directory.rglob("*") if path.lstat().st_mode & 0o022] == []
