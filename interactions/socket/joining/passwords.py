"""Passwords of rooms at the socket: an arrival waits for the proof of its own guess, and for nobody else's.

Promise: a guess that was proven once costs microseconds; each other one is proven once, however many bring it at the same time, in a
thread of its own. Ten wrong guesses of an address in a minute, of all processes together; then none of its guesses is looked at."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, Final

import redis

from liveroom.kernel.permission import Actor
from liveroom.kernel.work.pools import Pool
from liveroom.kernel.work.rounds import Rounds
from liveroom.rooms.services import passwords

# A proof takes a quarter of a second and lets the event loop run meanwhile; two at once would leave a small machine nothing.
_PROOFS: Final = Pool(name="passwords", threads=1, waiting=32)


class PasswordChecks:
    """One per process."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[str, bytes], asyncio.Task[bool]] = {}
        self._guessing: Counter[str] = Counter()

    async def check(
        self, *, room_id: int, stored: str, given: str | None, address: str, actor: Actor,
        rounds: Rounds[tuple[Any, ...], Any],
    ) -> None:  # fmt: skip
        """PasswordNeeded, TooOften, Busy."""
        given = passwords.asked_for(given)
        who = passwords.guesser(room_id=room_id, address=address, actor=actor)
        counter = passwords.counter(who)
        passwords.refuse_over(await _counted(rounds, counter) + self._guessing[who])
        guess = passwords.fingerprint(stored=stored, given=given)
        right = passwords.known(stored=stored, guess=guess)
        if right is None:
            right = await self._proven(stored, given, guess, who)
        if not right:
            await _count(rounds, counter)
            raise passwords.wrong()

    async def _proven(self, stored: str, given: str, guess: bytes, who: str) -> bool:
        """Those that bring the same guess share one proof; while it runs it counts as a guess of whoever brought it first."""
        proof = self._under_way.get((stored, guess))
        if proof is None:
            _PROOFS.refuse_if_full()
            proof = asyncio.ensure_future(_PROOFS.run(passwords.prove, stored=stored, given=given))
            self._under_way[stored, guess] = proof
            self._guessing[who] += 1
            proof.add_done_callback(lambda _: self._done(stored, guess, who))
        # Whoever hangs up takes nobody's proof along.
        return await asyncio.shield(proof)

    def _done(self, stored: str, guess: bytes, who: str) -> None:
        self._under_way.pop((stored, guess), None)
        self._guessing[who] -= 1
        if not self._guessing[who]:
            del self._guessing[who]


async def _counted(rounds: Rounds[tuple[Any, ...], Any], counter: str) -> int:
    """Redis away: none, because a throttle must not become an outage."""
    try:
        return int(await rounds.ask(("GET", counter)) or 0)
    except (redis.RedisError, OSError):
        return 0


async def _count(rounds: Rounds[tuple[Any, ...], Any], counter: str) -> None:
    try:
        await rounds.ask(("INCR", counter))
        await rounds.ask(("EXPIRE", counter, passwords.PER_SECONDS + 1))
    except (redis.RedisError, OSError):
        return
