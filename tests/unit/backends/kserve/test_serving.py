"""The KServe server, with real processes: what it serves, how it shifts, and what survives."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from sovplatform.backends.kserve import KServeServer
from sovplatform.backends.kserve.caller import uid_of
from sovplatform.backends.pidfile import PidFile
from sovplatform.errors import ConfigError, NotFound, Unavailable

ROW = {"amount": 500.0, "age": 30, "home": "rent"}


def predict(server, *rows):
    return server.predict("credit", {"instances": list(rows or (ROW,))})


def port_of(server):
    return int((server.home / "credit" / "port").read_text())


def post(server, path, body, method="POST"):
    """A request as any other client would send it: status, headers, JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=10)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read() or b"null")
    finally:
        connection.close()


def runtime_pid(server):
    return PidFile(server.home / "credit" / "runtime.pid").pid()


def test_the_life_of_an_endpoint(workshop, server, settle, until):
    """One process from the first release over a canary, a refusal and a crash to its removal."""
    one, two = workshop.release(1), workshop.release(2, bias=3.0)
    first = workshop.state(one)
    status = settle(server, first)
    assert (status.ready, status.stable, status.canary, status.refused) == (True, "credit-1", "", "")
    assert predict(server)["predictions"] == pytest.approx([0.8175745])
    pid = runtime_pid(server)

    assert server.apply(first).observed == status.observed, "one state twice has no second effect"

    status = settle(server, workshop.state(one, two, 20))
    assert (status.stable, status.canary, status.percent) == ("credit-1", "credit-2", 20)
    versions = [predict(server)["model_version"] for _ in range(100)]
    assert versions.count("2") == 20
    metrics = server.metrics("credit")
    assert 'sov_requests_total{endpoint="credit",model="canary",release="credit-2",version="2"} 20.0' in metrics
    assert 'sov_request_errors_total{endpoint="credit",model="canary",release="credit-2",version="2"} 0.0' in metrics

    assert settle(server, workshop.state(two)).stable == "credit-2"
    assert {predict(server)["model_version"] for _ in range(5)} == {"2"}
    assert settle(server, workshop.state(one)).stable == "credit-1"
    assert {predict(server)["model_version"] for _ in range(5)} == {"1"}
    assert runtime_pid(server) == pid, "shifts need no other process"

    port = (server.home / "credit" / "port").read_text()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not server.status("credit").ready)
    with pytest.raises(Unavailable):
        predict(server)
    assert settle(server, workshop.state(one)).stable == "credit-1"
    assert predict(server)["model_version"] == "1"
    assert (server.home / "credit" / "port").read_text() == port

    server.stop_all()
    assert runtime_pid(server) is None
    server.start_all()
    until(lambda: server.status("credit").ready)
    assert predict(server)["model_version"] == "1"
    server.remove("credit")
    server.remove("credit")
    with pytest.raises(NotFound):
        server.status("credit")


def test_requests_of_both_protocols(workshop, server, settle):
    settle(server, workshop.state(workshop.release(1)))
    v2 = {
        "inputs": [
            {"name": "amount", "shape": [2, 1], "datatype": "FP32", "data": [500.0, 0.0]},
            {"name": "home", "shape": [2, 1], "datatype": "BYTES", "data": ["rent", "owner"]},
        ]
    }
    status, headers, answer = post(server, "/v2/models/credit/infer", v2)
    assert status == 200, answer
    assert (status, answer["model_version"], headers["x-release"]) == (200, "1", "credit-1")
    (output,) = answer["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("probability", "FP32", [2, 1])
    assert output["data"] == pytest.approx([0.8175745, 0.5])
    assert predict(server, {}, {"amount": None, "home": None}, {"home": ""})["predictions"] == [0.5, 0.5, 0.5]
    assert len(predict(server, *[ROW] * 500)["predictions"]) == 500
    _, _, described = post(server, "/v2/models/credit", None, "GET")
    assert {"name": "home", "datatype": "BYTES", "shape": [-1, 1]} in described["inputs"]
    for path in ("/v2/health/ready", "/v2/models/credit/ready", "/v1/models/credit"):
        assert post(server, path, None, "GET")[0] == 200

    for payload, message in (
        ({"instances": [{"income": 1}]}, "no column income"),
        ({"instances": [{"amount": "much"}]}, "column amount is a number, not str"),
        ({"instances": [{"amount": True}]}, "column amount is a number, not bool"),
        ({"instances": [{"home": 1}]}, "column home is a category, not int"),
        ({"instances": [[1, 2, 3]]}, "not an object"),
        ({"instances": []}, "instances is not a list with rows"),
        ({"rows": []}, "instances is not a list with rows"),
        ({"instances": [{"amount": float("nan")}]}, "no JSON"),
    ):
        with pytest.raises(ConfigError, match=message):
            server.predict("credit", payload)
    for inputs in (
        [{"name": "income", "shape": [1, 1], "datatype": "FP32", "data": [1.0]}],
        [{"name": "amount", "shape": [1, 1], "datatype": "BYTES", "data": ["much"]}],
        [{"name": "amount", "shape": [3, 1], "datatype": "FP32", "data": [1.0]}],
        [{"name": "amount", "shape": [1, 2], "datatype": "FP32", "data": [1.0, 2.0]}],
        [{"name": "home", "shape": [1, 1], "datatype": "FP32", "data": [1.0]}],
        [{"name": "home", "shape": [1, 1], "datatype": "XYZ", "data": ["x"]}],
        [],
    ):
        status, _, answer = post(server, "/v2/models/credit/infer", {"inputs": inputs})
        assert 400 <= status < 500, inputs
        assert "\n" not in answer["error"]
    for path in ("/v2/repository/models/credit/unload", "/v2/repository/models/credit/load"):
        assert post(server, path, {})[0] >= 400
    assert predict(server)["model_version"] == "1", "nobody unloads over HTTP"
    assert "much" not in (server.home / "credit" / "log").read_text(), "values of requests are not logged"


def test_no_request_fails_during_shifts(workshop, server, settle):
    one, two = workshop.release(1), workshop.release(2)
    settle(server, workshop.state(one))
    failures, ended = [], threading.Event()

    def load():
        while not ended.is_set():
            try:
                predict(server)
            except Exception as err:
                failures.append(err)

    client = threading.Thread(target=load)
    client.start()
    try:
        for state in (workshop.state(one, two, 20), workshop.state(one, two, 50), workshop.state(two), workshop.state(one)):
            settle(server, state)
    finally:
        ended.set()
        client.join(timeout=30)
    assert failures == []


def test_a_taken_port_is_replaced(workshop, server, settle):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (server.home / "credit").mkdir(parents=True)
        (server.home / "credit" / "port").write_text(str(taken.getsockname()[1]))
        assert settle(server, workshop.state(workshop.release(1))).ready
        assert server.status("credit").url != f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert predict(server)["model_version"] == "1"


def test_an_endpoint_that_is_not_there(server):
    for call in (
        lambda: server.status("nothing"),
        lambda: server.predict("nothing", {"instances": [{}]}),
        lambda: server.metrics("nothing"),
    ):
        with pytest.raises(NotFound):
            call()
    server.remove("nothing")
    with pytest.raises(ConfigError):
        server.status("../elsewhere")


def test_a_pid_that_is_somebody_elses_is_left_alone(workshop, server, settle):
    (server.home / "credit").mkdir(parents=True)
    PidFile(server.home / "credit" / "runtime.pid").write(os.getpid())
    stale = (server.home / "credit" / "runtime.pid").read_text().replace('"started": ', '"started": 1')
    (server.home / "credit" / "runtime.pid").write_text(stale)
    assert settle(server, workshop.state(workshop.release(1))).ready
    assert isinstance(server, KServeServer)


def test_a_refusal_is_of_the_newest_state_and_is_tried_again_when_applied_again(workshop, server, settle):
    one, two = workshop.release(1), workshop.release(2)
    bundle = Path(two.signature)
    kept = bundle.read_text()
    bundle.unlink()
    assert settle(server, workshop.state(one)).refused == ""
    late = workshop.state(two)
    assert "no signature" in settle(server, late).refused
    bundle.write_text(kept)
    assert server.apply(late).refused == "", "it has not been tried again yet"
    assert settle(server, late).stable == "credit-2"


def test_what_a_client_sends_is_not_held_against_a_release(workshop, server, settle):
    settle(server, workshop.state(workshop.release(1)))
    number = {"name": "amount", "shape": [-1, 1], "datatype": "FP32", "data": [1.0]}
    half = {"name": "home", "shape": [1, 1], "datatype": "BYTES", "data": ["\ud800"]}
    for inputs in ([number], [half]):
        status, _, answer = post(server, "/v2/models/credit/infer", {"inputs": inputs})
        assert (status, "credit-1" in answer["error"]) == (400, False), answer
    with pytest.raises(ConfigError, match="50001 rows"):
        predict(server, *[{}] * 50_001)
    errors = [line for line in server.metrics("credit").splitlines() if line.startswith("sov_request_errors_total{")]
    assert errors and all(line.endswith(" 0.0") for line in errors)


def test_a_fault_over_a_request_is_logged_without_the_request(workshop, server, settle):
    settle(server, workshop.state(workshop.release(1)))
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=10)
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": "somebody"}
    connection.request("POST", "/v2/models/credit/infer", b"{}", headers)
    assert connection.getresponse().status >= 400
    connection.close()
    log = (server.home / "credit" / "log").read_text()
    assert "ValueError while a request was answered" in log
    assert "somebody" not in log


ASK = (
    "exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'GET /metrics HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n\\r\\n' |"
    " dd bs=4096 iflag=fullblock status=none >&3; head -n 1 <&3"
)
"""Sent at once: who is refused is hung up on, and a second write would fail."""


def told(server, host="127.0.0.1", user=None):
    """The first line that a program of some user is answered."""
    command = ["bash", "-c", ASK.format(port=port_of(server), host=host)]
    return subprocess.run(command, user=user, cwd="/", capture_output=True, text=True, timeout=10, check=True).stdout.strip()


def test_only_programs_of_the_same_user_are_answered_and_only_by_the_hosts_own_names(workshop, server, settle):
    settle(server, workshop.state(workshop.release(1)))
    assert told(server) == told(server, "localhost:80") == "HTTP/1.1 200 OK"
    assert told(server, "rebound.example") == "HTTP/1.1 400 Bad Request"
    if os.geteuid() == 0:
        assert told(server, user=65534) == "HTTP/1.1 403 Forbidden"
    assert predict(server)["predictions"]


def test_the_kernel_tells_whose_a_connection_is():
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        own, other = client.getsockname(), listener.getsockname()
        assert uid_of(own, other) == os.geteuid()
        assert uid_of((own[0], 1), other) is None
