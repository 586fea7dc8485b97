"""Trainer: work on data, inside the region where the data is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from sovplatform.records import Job, JobSpec


class Trainer(ABC):
    """Runs jobs inside one region. The caller sees states, log lines and a small result, never data."""

    @abstractmethod
    def submit(self, spec: JobSpec) -> Job:
        """Start the job; when a job with that id is running or has succeeded, return it instead of starting another.

        Raises:
            ConfigError: the entry point is not `module:function`.
            Conflict: a job with that id and another content exists.
            Unsupported: a limit this trainer can't set.
            Unavailable: the trainer does not answer.
        """

    @abstractmethod
    def status(self, job: str) -> Job:
        """The job's state now.

        Raises:
            NotFound: no such job.
            Unavailable: the trainer does not answer.
        """

    @abstractmethod
    def wait(self, job: str, timeout: float) -> Job:
        """Block until the job has finished or `timeout` seconds have passed, and return its state then.

        Raises:
            NotFound: no such job.
            Unavailable: the trainer does not answer.
        """

    @abstractmethod
    def logs(self, job: str) -> Iterator[str]:
        """The lines the job has written so far, oldest first, standard error and output together.

        Raises:
            NotFound: no such job.
            Unavailable: the trainer does not answer.
        """

    @abstractmethod
    def cancel(self, job: str) -> Job:
        """End the job and everything it started; a finished job is left as it is.

        Raises:
            NotFound: no such job.
            Unavailable: the trainer does not answer.
        """
