"""The reconciler on a disk that takes nothing for a while."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from sovplatform.backends.kserve.endpoint import Endpoint
from sovplatform.backends.kserve.loaded import LoadedModel
from sovplatform.backends.kserve.reconciler import Reconciler
from sovplatform.records import ServingState


class Nothing:
    """Shows no model."""

    def show(self, stable: LoadedModel | None, canary: LoadedModel | None, percent: int) -> None: ...


def test_a_status_that_could_not_be_written_is_written_at_the_next_look(tmp_path: Path) -> None:
    endpoint = Endpoint.named(tmp_path, "credit")
    endpoint.home.mkdir()
    endpoint.write_state(ServingState(name="credit", generation=3))
    in_the_way = endpoint.home / f".status.json.{os.getpid()}-{threading.get_native_id()}"
    in_the_way.mkdir()
    reconciler = Reconciler(endpoint, Nothing())
    reconciler.reconcile()
    assert endpoint.status().observed == 0
    in_the_way.rmdir()
    reconciler.reconcile()
    assert endpoint.status().observed == 3
