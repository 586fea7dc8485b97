"""Requests made of the task's public schema alone: to try a canary, and to measure an endpoint."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from sovplatform.pilot import CategoryFeature, TaskSpec
from sovplatform.records import EndpointStatus

_STEPS = 7


class Answers(NamedTuple):
    """How an endpoint answered: milliseconds of each good answer, and how many were not good."""

    milliseconds: list[float]
    errors: int

    def percentile(self, share: float) -> float | None:
        """The latency that `share` (0 to 1) of the answers did not exceed; None without answers."""
        if not self.milliseconds:
            return None
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def rows(task: TaskSpec) -> Iterator[Mapping[str, object]]:
    """Endless made-up rows: numbers between their public bounds, declared categories."""
    for number in itertools.count():
        row: dict[str, object] = {}
        for place, feature in enumerate(task.features):
            if isinstance(feature, CategoryFeature):
                row[feature.name] = feature.values[(number + place) % len(feature.values)]
            else:
                share = ((number + place) % _STEPS + 0.5) / _STEPS
                row[feature.name] = round(feature.min + share * (feature.max - feature.min), 3)
        yield row


def predict_url(status: EndpointStatus) -> str:
    """Where the V1 protocol takes requests."""
    return f"{status.url}/v1/models/{status.name}:predict"


def failures(metrics: str, release: str) -> int:
    """How many requests a release has failed, as its endpoint's Prometheus text counts them; another model may have answered."""
    found = re.findall(r'^sov_request_errors_total\{[^}]*release="([^"]*)"[^}]*\} ([0-9.e+]+)$', metrics, re.MULTILINE)
    return int(sum(float(value) for name, value in found if name == release))


def probe(url: str, source: Iterator[Mapping[str, object]], count: int, *, timeout: float = 5.0) -> Answers:
    """Send `count` one-row requests of the V1 protocol, one after the other over one connection."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    headers = {"Content-Type": "application/json"}
    milliseconds: list[float] = []
    errors = 0
    try:
        for row in itertools.islice(source, count):
            body = json.dumps({"instances": [row]})
            began = time.perf_counter()
            try:
                connection.request("POST", parts.path, body, headers)
                response = connection.getresponse()
                response.read()
                good = response.status == http.client.OK
            except (OSError, http.client.HTTPException):
                connection.close()
                good = False
            if good:
                milliseconds.append((time.perf_counter() - began) * 1000)
            else:
                errors += 1
    finally:
        connection.close()
    return Answers(milliseconds, errors)
