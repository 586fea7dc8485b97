"""A program that embeds the platform: bring a pilot to where people have to decide, prove what happened, and score a row."""

from __future__ import annotations

import sys
from pathlib import Path

from sovplatform import Platform, SovError
from sovplatform.runreport import StageReport


def tell(report: StageReport) -> None:
    print(f"{report.stage:10} {report.state.value}")


def main(directory: Path) -> int:
    try:
        platform = Platform.open(directory)
        report = platform.run(progress=tell)
        if report.waiting:
            print(f"waiting for approval: {', '.join(report.waiting)}")
        for ledger in platform.audit_verify():
            print(f"ledger of {ledger.region}: {ledger.size} entries, {'verified' if ledger.verified else ledger.problem}")
        row = {feature.name: None for feature in platform.pilot.task.features}
        print(platform.predict([row]))
    except SovError as err:
        print(err, file=sys.stderr)
        return err.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo")))
