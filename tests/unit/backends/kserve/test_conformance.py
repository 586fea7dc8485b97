"""The conformance suite of servers, on KServe."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sovplatform.backends.kserve import KServeServer
from sovplatform.testing.conformance import ServerConformance


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KServeServer]:
    server = KServeServer(tmp_path_factory.mktemp("serving"))
    yield server
    server.stop_all()


class TestKServeServer(ServerConformance):
    @pytest.fixture
    def server(self, running: KServeServer) -> KServeServer:
        return running
