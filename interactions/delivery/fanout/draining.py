"""Sending a process's viewers elsewhere: spread over some seconds, so that nobody meets a crowd where they go.

Promise: everybody who is here hears `bye` with `reconnect: true`, also whoever is in no room, and no step has more than its
share of them. Nobody new comes: whoever drains has closed the door before."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

log = logging.getLogger(__name__)

RESTART = 4000
REASON, MESSAGE = "restart", "The server restarts; come back in a moment."
STEP_SECONDS = 0.1
# Even those who were dismissed in one step come back at different moments.
SOONEST_MS, LATEST_MS = 100, 1_500


class Dismissable(Protocol):
    """A socket that can be told to go."""

    def dismiss(self, *, code: int, reason: str, message: str, after_ms: int = 1000) -> None:
        """Say `bye` and close; nothing if that was done already."""


class CommandSource(Dismissable, Protocol):
    """The socket of a connection that sends commands. `under_way`: commands that were begun and are not answered yet; `served`: frames
    that were taken from the queue and dealt with."""

    under_way: int
    served: int

    def refuses(self, payload: bytes) -> bool:
        """Whether the frame was a command that could be refused at once, and was."""

    def silence(self) -> None:
        """Say nothing more: whoever closes has said the last word."""

    def lost(self) -> None:
        """The connection is gone; what it asked before is still done."""


async def drain(
    *, sockets: Callable[[], Iterable[Dismissable]], seconds: float, chance: random.Random | None = None
) -> None:
    """Dismisses all that `sockets()` gives, by lot, within `seconds`. Returns when all were dismissed, not when they are gone."""
    chance = chance or random.Random()  # noqa: S311 - no secret
    dismissed: set[int] = set()
    steps = int(seconds / STEP_SECONDS)
    for step in range(steps, -1, -1):
        left = [socket for socket in sockets() if id(socket) not in dismissed]
        if not left:
            return
        chance.shuffle(left)
        for socket in left[: -(-len(left) // (step + 1))]:
            dismissed.add(id(socket))
            dismiss(socket, chance=chance)
        if step:
            await asyncio.sleep(STEP_SECONDS)


def dismiss(socket: Dismissable, *, chance: random.Random) -> None:
    socket.dismiss(code=RESTART, reason=REASON, message=MESSAGE, after_ms=chance.randint(SOONEST_MS, LATEST_MS))


async def within(seconds: float, work: Awaitable[Any]) -> None:
    """Or not: Redis may be away, and we end all the same."""
    try:
        await asyncio.wait_for(work, seconds)
    except Exception:
        log.warning("The last words to Redis failed; our numbers there expire by themselves.", exc_info=True)
