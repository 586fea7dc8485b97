"""Who is at the channel's door: strangers, until their handshake is done, and peers.

Anybody who reaches the port can open connections and say nothing, so strangers are few and do not stay for long. When there are
too many, the one that has waited longest goes, of the address that has most: a peer's handshake takes milliseconds, so that it
is not the one, whoever else crowds the door. Turning newcomers away instead would let whoever came first keep peers out.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass

STRANGERS = 128
PER_PEER = 16
HANDSHAKE_SECONDS = 10.0
MOST_TOLD = 20
_MINUTE_SECONDS = 60.0
_BACKLOG = 4
"""How many times as many connections as strangers there may be before nobody is let in until some have gone."""
_PATIENCE_SECONDS = 1.0


@dataclass
class _Guest:
    handle: socket.socket  # a duplicate: TLS takes the connection's own descriptor away from its socket
    address: str
    since: float
    peer: str = ""
    sent_away: bool = False

    def send_away(self) -> None:
        self.sent_away = True
        with contextlib.suppress(OSError):  # it has gone by itself
            self.handle.shutdown(socket.SHUT_RDWR)


class Door:
    """Counts the connections of one channel, and ends those that are too many. Thread-safe."""

    def __init__(self, strangers: int = STRANGERS, per_peer: int = PER_PEER, seconds: float = HANDSHAKE_SECONDS) -> None:
        self._strangers = strangers
        self._per_peer = per_peer
        self._seconds = seconds
        self._guests: dict[socket.socket, _Guest] = {}
        self._changed = threading.Condition()
        self._minute, self._told = float("-inf"), 0

    def enter(self, connection: socket.socket, address: str) -> None:
        """Let a stranger in, and send one away when they are too many."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._guests) < _BACKLOG * self._strangers, _PATIENCE_SECONDS)
            self._guests[connection] = _Guest(connection.dup(), address, time.monotonic())
            here = self._here("")
            if len(here) > self._strangers:
                crowded = Counter(guest.address for guest in here).most_common(1)[0][0]
                next(guest for guest in here if guest.address == crowded).send_away()

    def recognise(self, connection: socket.socket, peer: str) -> None:
        """The stranger is that peer. Of one peer's connections the oldest goes when they are too many."""
        with self._changed:
            self._guests[connection].peer = peer
            here = self._here(peer)
            if len(here) > self._per_peer:
                here[0].send_away()

    def leave(self, connection: socket.socket) -> None:
        """Forget a connection that has ended."""
        with self._changed:
            guest = self._guests.pop(connection, None)
            if guest is not None:
                guest.handle.close()
            self._changed.notify_all()

    def close_late(self) -> None:
        """Send away strangers who take too long, however busy they look."""
        with self._changed:
            for guest in self._here(""):
                if time.monotonic() - guest.since > self._seconds:
                    guest.send_away()

    def is_news(self) -> bool:
        """Whether one more failed handshake is told of. It is of a few a minute: strangers could fill the disk with others."""
        with self._changed:
            if time.monotonic() - self._minute > _MINUTE_SECONDS:
                self._minute, self._told = time.monotonic(), 0
            self._told += 1
            return self._told <= MOST_TOLD

    def _here(self, peer: str) -> list[_Guest]:
        """The connections of a peer, or of strangers; oldest first."""
        return [guest for guest in self._guests.values() if guest.peer == peer and not guest.sent_away]
