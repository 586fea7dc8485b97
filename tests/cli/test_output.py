"""What is printed: reports in 80 columns, rows that are read, pages that are generated."""

import contextlib
import importlib.util
import io
import sys
from pathlib import Path

import pytest

from sovplatform import runreport
from sovplatform.cli.failures import report_failure
from sovplatform.cli.progress import Progress
from sovplatform.cli.report import print_report
from sovplatform.cli.rows import MAX_BYTES, read_rows
from sovplatform.cli.table import size, table
from sovplatform.errors import ConfigError, Denied
from sovplatform.pilot import CategoryFeature, NumberFeature, Target, TaskSpec
from sovplatform.records import EndpointStatus, PrivacySpent, RegionStatus
from sovplatform.runreport import RunReport, StageReport, StageState

ROOT = Path(__file__).parents[2]
TASK = TaskSpec(
    name="credit",
    target=Target(column="Status", positive="bad"),
    features=(
        NumberFeature(name="Age", type="number", min=18, max=70),
        CategoryFeature(name="Home", type="category", values=("rent",)),
    ),
    identifiers=("iban",),
)


def report() -> RunReport:
    endpoint = EndpointStatus(
        name="credit", ready=True, url="http://127.0.0.1:1", stable="credit-de-v1", canary="credit-de-v2", percent=20
    )
    return RunReport(
        pilot="demo",
        pattern="sigt",
        run="run-0123456789ab",
        state="waiting",
        waiting=("credit-de-v1", "credit-fr-v1"),
        stages=tuple(
            StageReport(stage=stage, state=StageState.done, seconds=12.3, detail="something came of it " * 5)
            for stage in ("plan", "provision", "prepare", "train", "sign", "release", "serve", "observe")
        ),
        regions=(RegionStatus(region="de", up=False, problems=("the registry does not answer " * 4,)),),
        crossings=(runreport.CrossingReport(source="de", destination="fabric", kind="update", count=30, bytes=1_234_567),),
        refusals=(runreport.RefusalReport(source="de", destination="fabric", kind="dataset", reason="raw data " * 20, count=1),),
        quality=(runreport.QualityReport(model="released", auc=0.8123, where="the holdout of all regions"),),
        epsilon=(PrivacySpent(dataset="applications-de", epsilon=1.99, delta=1e-5, limit=4),),
        serving=(runreport.ServingReport(region="de", endpoint=endpoint, requests=200, p50_ms=2.1, p99_ms=5.4),),
        ledger=(runreport.LedgerReport(region="de", size=412, root="ab" * 32, verified=True),),
    )


def test_the_closing_report_fits_80_columns_and_tells_everything(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report())
    text = capsys.readouterr().out
    assert max(len(line) for line in text.splitlines()) <= 80
    for word in (
        "12.3 s",
        "98.4 s",
        "1.2 MB",
        "raw data",
        "0.812",
        "1.99",
        "2.1 ms",
        "5.4 ms",
        "verified",
        "sovctl release approve credit-fr-v1 --key $KEY",
        "canary",
    ):
        assert word in text


def test_a_stage_that_went_on_is_one_line_with_its_whole_time(capsys: pytest.CaptureFixture[str]) -> None:
    done, reused = (StageReport(stage="train", state=state, seconds=2) for state in (StageState.done, StageState.reused))
    print_report(report().model_copy(update={"stages": (done, reused)}))
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("train")]
    assert lines == [["train", "4.0", "s", "done"]]


def test_a_report_without_refusals_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report().model_copy(update={"refusals": ()}))
    assert "What was refused\nnothing" in capsys.readouterr().out


def test_progress_is_plain_lines_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        progress(StageReport(stage="train", state=StageState.pending, seconds=0))
        progress(StageReport(stage="train", state=StageState.done, seconds=7.25, detail="30 rounds"))
        progress(StageReport(stage="sign", state=StageState.reused, seconds=0))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == ["train …", "train         7.2 s  30 rounds", "sign          0.0 s   (reused)"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("fails", [False, True])
def test_on_a_terminal_the_finished_stages_stay_only_after_a_failure(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with contextlib.suppress(ConfigError), Progress() as progress:
        progress(StageReport(stage="train", state=StageState.pending, seconds=0))
        progress(StageReport(stage="train", state=StageState.done, seconds=7.25, detail="30 rounds"))
        progress(StageReport(stage="sign", state=StageState.pending, seconds=0))
        if fails:
            raise ConfigError("broken", remedy="mend it")
    said = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert ("train         7.2 s  30 rounds" in said) == fails


def test_whoever_has_to_approve_is_told_what_to_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report(), tmp_path)
    told = capsys.readouterr().out.split("Waiting for approval")[1].splitlines()[1:]
    approve = f"sovctl -C {tmp_path} release approve"
    assert told == [
        "KEY=~/.ssh/id_ed25519",
        f"{approve} credit-de-v1 --key $KEY",
        f"{approve} credit-fr-v1 --key $KEY",
        f"sovctl -C {tmp_path} run",
    ]


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (34_500_000, "34.5 MB")])
def test_sizes_are_readable(count: int, text: str) -> None:
    assert size(count) == text


FILES = {
    "a.csv": 'iban,Age,Home\nDE1,30,rent\nDE2,,"a, b"\n',
    "a.json": '[{"iban": "DE1", "Age": 30, "Home": "rent", "Status": "bad"}, {"Age": null, "Home": "a, b", "iban": "DE2"}]',
    "b.json": '{"instances": [{"Age": 30, "Home": "rent"}, {"Age": null, "Home": "a, b"}]}',
    "c.jsonl": '{"Age": 30, "Home": "rent", "Job": {"since": 2019}}\n\n{"Age": null, "Home": "a, b"}\n',
}


@pytest.mark.parametrize("name", FILES)
def test_rows_are_read_from_csv_and_json_without_identifiers(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(FILES[name])
    assert read_rows(tmp_path / name, TASK) == [{"Age": 30, "Home": "rent"}, {"Age": None, "Home": "a, b"}]


BAD = {
    "lacks a column": ("Age\n30\n", "row 1 lacks Home"),
    "a row lacks a column": ('[{"Age": 30, "Home": "rent"}, {"Home": "rent", "iban": "DE1"}]', "row 2 lacks Age"),
    "no number": ("Age,Home\nold,rent\n", ":2: 'Age' is not a number"),
    "ragged": ("Age,Home\n30\n", ":2: another number of cells"),
    "empty": ("Age,Home\n", "has no rows"),
    "no list": ('[1, 2]', "no list of rows"),
    "deep": ("[" * 100_000, "nested too deeply"),
    "deep lines": ('{"Age": 30, "Home": "rent"}\n' + "[" * 100_000, "nested too deeply"),
    "a huge cell": ("Age,Home\n30," + "x" * 200_000 + "\n", "not readable as CSV"),
    "a column twice": ("Age,Home,Age\n30,rent,31\n", "the header has Age more than once"),
    "too large": ("x" * (MAX_BYTES + 1), "larger than 64 MiB"),
    "broken json": ('{"Age": 30,\n', ":1: not readable as JSON"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_rows_that_cannot_be_read_are_named(case: str, tmp_path: Path) -> None:
    text, message = BAD[case]
    (tmp_path / "rows").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_rows(tmp_path / "rows", TASK)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("script", "made"),
    [("generate_cli", "cli.md"), ("generate_pilot_yaml", "pilot-yaml.md"), ("generate_run_schema", "run-schema.json")],
)
def test_generated_pages_are_what_the_code_says(script: str, made: str) -> None:
    found = importlib.util.spec_from_file_location(script, ROOT / "docs" / f"{script}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    assert (ROOT / "docs" / made).read_text() == module.page(), "run: make docs"
    assert script not in sys.modules


def test_what_a_terminal_would_obey_is_spelt_out(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "release\x1b[2J\r\nok\u202e"
    report_failure(Denied(hostile, reasons=[hostile], remedy=hostile), as_json=False)
    table("", ["id"], [[hostile]])
    told = capsys.readouterr()
    plain = r"release\x1b[2J\r\nok\u202e"
    assert told.err == f"error: {plain}\n  - {plain}\nremedy: {plain}\n"
    assert plain in "".join(told.out.split("\n")[1:])
