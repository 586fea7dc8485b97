"""How a command ends when it does not succeed: one line that says what, one that says what to do, and an exit code."""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import NamedTuple

import click

from sovplatform import config
from sovplatform.errors import EXIT_FAILED, ConfigError, Denied, Problem, SovError

INTERRUPTED = 130


def report_failure(error: BaseException, *, as_json: bool) -> int:
    """Tell the user, on standard error, and return the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads: no second error at exit
        return EXIT_FAILED
    if config.settings().debug:
        traceback.print_exception(error)
    failure = _described(error)
    _say(failure, as_json=as_json)
    return failure.code


class _Failure(NamedTuple):
    message: str
    remedy: str
    code: int = EXIT_FAILED
    reasons: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def _described(error: BaseException) -> _Failure:
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return _Failure("interrupted", "run the same command again: what is done stays done", INTERRUPTED)
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        return _Failure(error.format_message(), f"see: {context.command_path if context else 'sovctl'} --help", error.exit_code)
    if isinstance(error, SovError):
        reasons = error.reasons if isinstance(error, Denied) else ()
        problems = error.problems if isinstance(error, ConfigError) else ()
        return _Failure(error.message, error.remedy, error.exit_code, reasons, problems)
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return _Failure(f"{error.strerror}{where}", "check space and permissions, then run again")
    remedy = "run again with SOVCTL_DEBUG=1 and report what it shows"
    return _Failure(f"a fault in sovctl itself: {type(error).__name__}: {error}", remedy)


def _say(failure: _Failure, *, as_json: bool) -> None:
    if as_json:
        body = {
            "message": failure.message,
            "reasons": failure.reasons,
            "remedy": failure.remedy,
            "exit_code": failure.code,
            "problems": [
                {"file": problem.file, "line": problem.line, "message": problem.message, "remedy": problem.remedy}
                for problem in failure.problems
            ],
        }
        click.echo(json.dumps({"error": body}, ensure_ascii=False), err=True)
        return
    click.echo(f"{click.style('error:', fg='red', bold=True)} {failure.message}", err=True)
    for reason in failure.reasons:
        click.echo(f"  - {reason}", err=True)
    if failure.remedy:
        click.echo(f"{click.style('remedy:', bold=True)} {failure.remedy}", err=True)
