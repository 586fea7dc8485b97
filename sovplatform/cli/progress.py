"""Progress of stages, on standard error: a spinner where somebody is looking, plain lines elsewhere.

The spinner's line is overwritten, for the table tells the same in the end; after a failure, what was done stays to be read.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.status import Status

    from sovplatform.runreport import StageReport


class Progress:
    """Call it with a StageReport when a stage begins (`pending`) and when it has ended."""

    def __init__(self) -> None:
        self._status: Status | None = None
        self._finished: list[str] = []
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.status import Status

            self._status = Status("", console=Console(stderr=True))

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._status:
            self._status.stop()
        if error is not None:
            for line in self._finished:
                click.echo(line, err=True)

    def __call__(self, report: StageReport) -> None:
        if report.state == "pending":
            self._begin(report)
            return
        note = "" if report.state == "done" else f" ({report.state})"
        line = f"{report.stage:<10} {report.seconds:6.1f} s  {report.detail}{note}"
        if self._status:
            self._finished.append(line.rstrip())
        else:
            click.echo(line.rstrip(), err=True)

    def doing(self, what: str, doing: str) -> None:
        """Say what is being done with something that is no stage, such as a stack of the infrastructure."""
        text = f"{what} {doing}".strip()
        if self._status:
            self._status.update(text)
            self._status.start()
        else:
            click.echo(text, err=True)

    def _begin(self, report: StageReport) -> None:
        text = f"{report.stage} … {report.detail}".rstrip()
        if self._status:
            self._status.update(text)
            self._status.start()
        else:
            click.echo(text, err=True)
