"""What Terraform starts in place of a provider never outlives what it stands for."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest

from sovplatform.infrastructure.offline.plan import plan_offline
from sovplatform.infrastructure.offline.server import serving
from sovplatform.infrastructure.terraform import Terraform
from tests.unit.infrastructure.conftest import WriteStack

SERVE = """
import sys
from sovplatform.infrastructure.offline.server import serving
with serving(["helm"]) as found:
    print(found["TF_CLI_CONFIG_FILE"], flush=True)
    sys.stdin.read()
"""


def _start(configuration: str) -> tuple[subprocess.Popen[str], list[str]]:
    """A launcher, and the fields of what it tells."""
    launcher = Path(configuration).parent / "helm" / "terraform-provider-helm"
    process = subprocess.Popen([launcher], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={})
    assert process.stdout is not None
    return process, process.stdout.readline().strip().split("|")


def _shutdown(socket: str, certificate: str) -> None:
    """As go-plugin says it, which trusts the certificate that it was told and no other."""
    lines = [certificate[at : at + 64] for at in range(0, len(certificate), 64)]
    pem = "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])
    pem = pem.replace(lines[-1], lines[-1] + "=" * (-len(certificate) % 4))
    options = [("grpc.ssl_target_name_override", "localhost")]
    with grpc.secure_channel(f"unix:{socket}", grpc.ssl_channel_credentials(pem.encode()), options) as channel:
        channel.unary_unary("/plugin.GRPCController/Shutdown")(b"", timeout=10)


def test_a_launcher_tells_where_the_provider_is_and_waits() -> None:
    with serving(["helm"]) as found:
        launcher, told = _start(found["TF_CLI_CONFIG_FILE"])
        assert told[:3] + told[4:5] == ["1", "6", "unix", "grpc"]
        assert Path(told[3]).is_socket()
        assert "=" not in told[5]
        assert launcher.poll() is None
    assert launcher.wait(10) == 0


def test_shutdown_ends_the_launcher_that_it_is_meant_for_and_no_other() -> None:
    with serving(["helm"], at_once=2) as found:
        first, told = _start(found["TF_CLI_CONFIG_FILE"])
        second, other = _start(found["TF_CLI_CONFIG_FILE"])
        assert told[3] != other[3]
        _shutdown(told[3], told[5])
        assert first.wait(10) == 0
        assert second.poll() is None
        third, again = _start(found["TF_CLI_CONFIG_FILE"])
        assert again[3] == told[3]
    assert second.wait(10) == third.wait(10) == 0


def test_a_launcher_that_finds_no_seat_says_so_and_ends() -> None:
    with serving(["helm"], at_once=1) as found:
        first, _ = _start(found["TF_CLI_CONFIG_FILE"])
        second, told = _start(found["TF_CLI_CONFIG_FILE"])
        assert told == [""]
        assert second.communicate(timeout=10)[1] == "no seat is free\n"
        assert second.returncode == 1
    assert first.wait(10) == 0


def test_a_launcher_ends_when_the_process_that_serves_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        configuration = server.stdout.readline().strip()
        launcher, _ = _start(configuration)
        assert launcher.poll() is None
        server.send_signal(signal.SIGKILL)
        assert launcher.wait(10) == 0
        late, _ = _start(configuration)  # started when nobody serves any more
        assert late.wait(10) in (0, 1)
        shutil.rmtree(Path(configuration).parent)


@pytest.mark.parametrize("interrupted", [False, True])
def test_no_launcher_outlives_its_plan(
    terraform: Terraform, aws: dict[str, Any], write_stack: WriteStack, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    mark = f"C.{os.getpid()}"
    monkeypatch.setenv("LANG", mark)  # is handed on to all that a plan starts
    stacks = {f"s{number}": write_stack(aws, f"s{number}") for number in range(3)}

    def progress(name: str) -> None:
        if interrupted:
            raise KeyboardInterrupt

    try:
        plan_offline(terraform, stacks, variables={name: {"account": "1"} for name in stacks}, progress=progress)
    except KeyboardInterrupt:
        assert interrupted
    left = [process for process in psutil.process_iter() if _environment(process).get("LANG") == mark]
    _, alive = psutil.wait_procs([process for process in left if process.pid != os.getpid()], timeout=10)
    assert alive == []


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}
