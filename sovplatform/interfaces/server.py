"""Server: endpoints that answer predictions inside the region."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from sovplatform.records import EndpointStatus, ServingState


class Server(ABC):
    """Serves signed models of one region. It goes on serving the last good model when a new one is late or bad."""

    @abstractmethod
    def apply(self, state: ServingState) -> EndpointStatus:
        """Make `state` the desired state of the endpoint `state.name`; promote and roll back are further states.

        Returns without waiting for the model to load; see `status`. Applying one state twice has no second effect.

        Raises:
            Unsupported: a feature of the state, such as a canary, that this server does not have.
            Unavailable: the server cannot be reached or started.
        """

    @abstractmethod
    def status(self, name: str) -> EndpointStatus:
        """What the endpoint serves now, and what it refused.

        Raises:
            NotFound: no such endpoint.
            Unavailable: the server does not answer.
        """

    @abstractmethod
    def predict(self, name: str, payload: Mapping[str, object]) -> Mapping[str, object]:
        """Send one request of the V1 protocol (`{"instances": [...]}`) and return its answer.

        Raises:
            ConfigError: the payload does not fit the model.
            NotFound: no such endpoint.
            Unavailable: no model is ready.
        """

    @abstractmethod
    def metrics(self, name: str) -> str:
        """Prometheus text of the endpoint.

        Raises:
            NotFound: no such endpoint.
            Unavailable: the server does not answer.
        """

    @abstractmethod
    def remove(self, name: str) -> None:
        """Stop serving the endpoint; an endpoint that is not there is no error.

        Raises:
            Unavailable: the server cannot be reached.
        """
