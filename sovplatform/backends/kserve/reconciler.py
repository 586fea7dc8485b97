"""The loop that makes an endpoint serve what its state says, in a thread beside the requests."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import Protocol

from sovplatform.backends.kserve.admission import Admitted, admit
from sovplatform.backends.kserve.endpoint import Endpoint
from sovplatform.backends.kserve.loaded import LoadedModel
from sovplatform.backends.kserve.trust import ServingTrust
from sovplatform.errors import SovError
from sovplatform.records import EndpointStatus, ServedModel, ServingState, now

_log = logging.getLogger("sovplatform.serving")
_DEBOUNCE_MS = 20
_STEP_MS = 5
_RECHECK_MS = 1000


class Shown(Protocol):
    """Where loaded models are shown; the KServe model of the endpoint."""

    def show(self, stable: LoadedModel | None, canary: LoadedModel | None, percent: int) -> None: ...


class Reconciler:
    """Loads what `state.json` asks for, keeps the last good models when it is refused, and writes `status.json`."""

    def __init__(self, endpoint: Endpoint, shown: Shown) -> None:
        self._endpoint = endpoint
        self._shown = shown
        self._loaded: dict[str, LoadedModel] = {}
        self._state: ServingState | None = None
        self._done: tuple[ServingState | None, ServingTrust | None] | None = None
        self._ended = threading.Event()

    def run(self) -> None:
        """Until `stop`: act on the state, and again whenever it changes."""
        from watchfiles import watch

        files = {str(self._endpoint.state_file), str(self._endpoint.trust_file)}
        changes = watch(
            self._endpoint.home,
            watch_filter=lambda _, path: path in files,
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            rust_timeout=_RECHECK_MS,
            yield_on_timeout=True,
            recursive=False,
            stop_event=self._ended,
            raise_interrupt=False,
        )
        self.reconcile()
        for _ in changes:
            self.reconcile()

    def stop(self) -> None:
        self._ended.set()

    def reconcile(self) -> None:
        """Act on the state once, when it is another than before. Never raises: what fails is a refusal."""
        refused = ""
        state: ServingState | None = None
        try:
            state, trust = self._endpoint.state(), self._endpoint.trust()
            if state is None or (state, trust) == self._done:
                return
            self._done = (state, trust)
            self._serve(state, trust)
            self._endpoint.write_served(state)
        except SovError as err:
            refused = str(err)
        except Exception as err:  # the last good model goes on being served, whatever happened
            _log.exception("the state could not be acted on")
            refused = f"the state could not be acted on: {type(err).__name__}"
        if refused and self._state is None:
            self._serve_last_good()
        try:
            self._report(state, refused)
        except OSError:  # a full disk: what cannot be told now is told at the next look
            _log.exception("the status cannot be written")
            self._done = None

    def _serve(self, state: ServingState, trust: ServingTrust | None) -> None:
        """Load what is new, show it, let go of what is old. All or nothing: an error leaves all as it was."""
        wanted = [served for served in (state.stable, state.canary) if served is not None]
        loaded: dict[str, LoadedModel] = {}
        fresh: list[LoadedModel] = []
        try:
            for served in wanted:
                known = self._loaded.get(served.digest)
                model = known or self._load(served, trust or ServingTrust.of_state(state, served))
                loaded[served.digest] = model
                if known is None:
                    fresh.append(model)
        except BaseException:
            for model in fresh:
                model.admitted.discard()
            raise
        self._shown.show(
            loaded[state.stable.digest] if state.stable else None,
            loaded[state.canary.digest] if state.canary else None,
            state.percent,
        )
        before, self._loaded, self._state = self._loaded, loaded, state
        for served in wanted:
            self._endpoint.accept(served.release.digest, now())
        for digest in before.keys() - loaded.keys():
            before[digest].admitted.discard()

    def _load(self, served: ServedModel, trust: ServingTrust) -> LoadedModel:
        admitted: Admitted = admit(served, trust, self._endpoint.private, self._endpoint.accepted_at)
        try:
            return LoadedModel(admitted)
        except BaseException:
            admitted.discard()
            raise

    def _serve_last_good(self) -> None:
        """After a restart with a state that is refused: what was served before, verified again; or its stable model alone."""
        last = self._endpoint.served()
        if last is None:
            return
        for state in (last, last.model_copy(update={"canary": None, "percent": 0})):
            with contextlib.suppress(SovError):
                self._serve(state, self._endpoint.trust())
                return

    def _report(self, wanted: ServingState | None, refused: str) -> None:
        state = self._state
        status = EndpointStatus(
            name=self._endpoint.name,
            ready=bool(state and state.stable),
            url=self._endpoint.url(),
            observed=wanted.generation if wanted else 0,
            stable=state.stable.release.id if state and state.stable else "",
            canary=state.canary.release.id if state and state.canary else "",
            percent=state.percent if state and state.canary else 0,
            refused=" ".join(refused.split()),
        )
        self._endpoint.write_status(status)
        _log.info(
            "generation %d: stable %r, canary %r; %s", status.observed, status.stable, status.canary, refused or "as desired"
        )
