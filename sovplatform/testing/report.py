"""A pytest plugin that writes each result as a line of JSON, a `Finding`, to the file named by `SOV_CHECK_REPORT`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sovplatform.records import Finding


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """One line per test: when it ran, or at once when its fixtures failed or skipped it."""
    if report.when == "call" or report.outcome != "passed":
        _write(_check(report.nodeid), report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _write(f"{Path(report.nodeid).stem} can be imported", report)


def _write(check: str, report: pytest.TestReport | pytest.CollectReport) -> None:
    finding = Finding(
        check=check,
        ok=not report.failed,
        detail=_detail(report),
        remedy="read the docstring of that interface in sovplatform.interfaces" if report.failed else "",
    )
    with Path(os.environ["SOV_CHECK_REPORT"]).open("ab") as file:
        file.write(finding.canonical() + b"\n")


def _check(nodeid: str) -> str:
    """`…::TestKeyStore::test_a_key_signs[sign]` reads `KeyStore: a key signs [sign]`."""
    *_, interface, test = nodeid.split("::")
    name, bracket, parameter = test.partition("[")
    words = name.removeprefix("test_").replace("_", " ")
    return f"{interface.removeprefix('Test')}: {words} {bracket}{parameter}".rstrip()


def _detail(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):  # a skip: file, line, reason
        reason = report.longrepr[2].removeprefix("Skipped: ")
        return reason if reason.startswith("unsupported: ") else f"not tried: {reason}"
    crash = getattr(report.longrepr, "reprcrash", None)
    text: str = crash.message if crash else report.longreprtext
    return "; ".join(line.strip() for line in text.strip().splitlines()[:3])
