"""What commands say of a pilot that was made and never run. Nothing is started."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sovplatform.cli.main import main
from sovplatform.infrastructure.journal import Journal


@pytest.fixture
def demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["init", "pilot", str(tmp_path / "demo"), "--example", "fintech"]) == 0
    capsys.readouterr()
    return str(tmp_path / "demo")


def test_doctor_finds_that_everything_is_there(demo: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", demo, "doctor", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)
    assert findings
    assert all(finding["ok"] for finding in findings)


BAD_RULES = {
    "syntax": ("package sovplatform.border\ndeny contains {\n", "policy/mine.rego:2 is no valid Rego: this is unclosed"),
    "package": ("package acme.rules\nimport rego.v1\ndeny contains 1 if { true }\n", "acme.rules, which nobody asks"),
    "no package": ("deny := []\n", "policy/mine.rego declares no package"),
    "function": ("package sovplatform.border\nimport rego.v1\ndeny contains 1 if { no_such_function(1) }\n", "policy/mine.rego"),
}


@pytest.mark.parametrize("case", BAD_RULES)
def test_doctor_names_the_file_of_a_rule_that_no_gate_could_ask(demo: str, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    text, message = BAD_RULES[case]
    (Path(demo) / "policy" / "mine.rego").write_text(text)
    assert main(["-C", demo, "doctor"]) == 1
    said = capsys.readouterr().out
    assert message in said
    assert "mine.rego" in said
    assert "remedy: " in said
    assert "Traceback" not in said


def test_doctor_names_rules_that_say_nothing(demo: str, capsys: pytest.CaptureFixture[str]) -> None:
    for file in (Path(demo) / "policy").glob("*.rego"):
        file.unlink()
    (Path(demo) / "policy" / "mine.rego").write_text("package sovplatform.border\nimport rego.v1\ndenny contains 1 if { true }\n")
    assert main(["-C", demo, "doctor", "--json"]) == 1
    wrong = [finding for finding in json.loads(capsys.readouterr().out) if not finding["ok"]]
    assert [finding["check"] for finding in wrong] == ["policy"]
    assert "policy/mine.rego: no set of rules `deny`" in wrong[0]["detail"]


def test_a_pilot_that_is_not_filled_in_has_its_plugins_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = ["--sovereign", "onprem:DE", "--sovereign", "edge:DE"]
    assert main(["init", "pilot", str(tmp_path / "blank"), *places]) == 0
    capsys.readouterr()
    assert main(["-C", str(tmp_path / "blank"), "plugin", "list", "--json"]) == 0
    assert {plugin["name"] for plugin in json.loads(capsys.readouterr().out) if plugin["loaded"]} >= {"onprem", "edge"}
    assert main(["-C", str(tmp_path / "blank"), "dcotor"]) == 2
    assert "did you mean 'doctor'?" in capsys.readouterr().err


def test_status_is_a_report_of_nothing_that_says_how_to_begin(demo: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "-C", demo, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["state"], report["run"]) == ("never run", "")
    assert {region["region"]: region["up"] for region in report["regions"]} == dict.fromkeys(("de", "fr", "ch", "fabric"), False)
    assert main(["-C", demo, "status"]) == 0
    said = capsys.readouterr().out
    assert "Pilot demo (sigt): never run" in said
    assert "down" in said
    assert said.endswith(f"sovctl -C {demo} doctor\nsovctl -C {demo} run\n")


def test_there_are_no_releases_yet(demo: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", demo, "release", "list"]) == 0
    assert "sovctl run" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["release", "promote", "nothing"], "there is no release nothing", 2),
        (["release", "approve", "nothing", "--key", "none"], "there is no release nothing", 2),
        (["release", "rollback", "nowhere"], "there is no region nowhere", 2),
        (["release", "rollback", "de"], "no release", 1),
        (["audit", "verify"], "was never up", 1),
        (["audit", "report"], "was never up", 1),
        (["audit", "log", "--region", "nowhere"], "there is no region nowhere", 2),
        (["predict", "--file", "-", "--region", "dee"], "there is no region dee", 2),
        (["apply"], "there are no stacks", 2),
        (["apply", "--region", "nowhere"], "there are no stacks", 2),
        (["cost", "--region", "nowhere"], "nowhere", 2),
    ],
)
def test_what_is_not_there_is_named_with_a_remedy(
    demo: str, arguments: list[str], message: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-C", demo, *arguments]) == code
    said = capsys.readouterr().err
    assert message in said
    assert "remedy: " in said
    assert "fault in sovctl" not in said


def test_predict_needs_the_columns_of_the_task(demo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.csv").write_text("Age\n30\n")
    assert main(["-C", demo, "predict", "--file", str(tmp_path / "rows.csv")]) == 2
    assert "row 1 lacks" in capsys.readouterr().err


def test_plugins_are_listed(demo: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", demo, "plugin", "list", "--json"]) == 0
    assert {one["name"]: one["loaded"] for one in json.loads(capsys.readouterr().out)}["onprem"] is True


def test_a_setting_that_is_none_is_the_users_mistake(demo: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", demo, "plugin", "check", "memory", "--set", "located"]) == 2
    assert "write NAME=VALUE" in capsys.readouterr().err


def test_loading_the_providers_imports_no_cloud_library() -> None:
    code = (
        "import sys; from sovplatform.plugins import Plugins; names = Plugins.load().providers()\n"
        "print(*names); print(*sorted({'boto3', 'botocore', 'google.cloud', 'pkcs11', 'yaml', 'requests'} & sys.modules.keys()))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == ["aws edge gcp onprem", ""]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["status"], "down"),
        (["down"], "all regions are stopped"),
        (["release", "list"], "no releases yet"),
        (["audit", "log"], "no entries yet"),
    ],
)
def test_a_pilot_that_is_not_filled_in_can_be_looked_at_and_stopped(
    tmp_path: Path, command: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "pilot", str(tmp_path / "blank")]) == 0
    capsys.readouterr()
    assert main(["-C", str(tmp_path / "blank"), *command]) == 0
    assert said in capsys.readouterr().out


def test_what_was_planned_of_a_pilot_that_was_never_up_is_audited(
    demo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal(Path(demo) / ".sov" / "infrastructure", "demo")
    journal.record("infrastructure.judged", "de-week1", {"allow": True})
    journal.record("infrastructure.judged", "fr-week1", {"allow": False})
    assert main(["-C", demo, "audit", "log", "--region", "operator"]) == 0
    assert [line.split()[-2:] for line in capsys.readouterr().out.splitlines()] == [
        ["de-week1", "allowed"],
        ["fr-week1", "DENIED"],
    ]
    assert main(["-C", demo, "audit", "verify"]) == 0
    assert main(["-C", demo, "audit", "report", "--out", str(tmp_path / "audit")]) == 0
    assert "operator/key.pem  sha256:" in capsys.readouterr().out
    assert "de-week1" in (tmp_path / "audit" / "report.md").read_text()
    assert main(["audit", "verify", "--bundle", str(tmp_path / "audit" / "bundle")]) == 0
    page = (tmp_path / "audit" / "report.html").read_text()
    journal.record("infrastructure.judged", "ch-week1", {"allow": True})
    assert main(["-C", demo, "audit", "report", "--out", str(tmp_path / "audit")]) == 1
    assert (tmp_path / "audit" / "report.html").read_text() == page  # as its bundle is


def test_doctor_names_what_anybody_may_write_to(demo: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = Path(demo) / "model" / "task.py"
    code.chmod(0o666)
    assert main(["-C", demo, "doctor", "--json"]) == 1
    wrong = [finding for finding in json.loads(capsys.readouterr().out) if not finding["ok"]]
    assert [(finding["check"], finding["detail"]) for finding in wrong] == [("files", "anybody may write to demo/model/task.py")]
    assert wrong[0]["remedy"].endswith(f"chmod -R o-w {demo}")
