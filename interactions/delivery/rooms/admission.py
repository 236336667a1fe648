"""Which messages of a flood a room hears (product.md C3): higher priority first, then fair between senders, by lot.

The script in `scripts.py` does the same inside Redis; tests/delivery/test_admission_script.py holds the two together.
Everything is whole numbers (a token is 1,000 thousandths), so that both reach the same answer."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

COMPETES_MS = 500
# A sender may have this many of its messages waiting; what it says on top of them is sampled at once.
WAITING_PER_SENDER = 20
# And a room this many, whoever sent them.
WAITING_PER_ROOM = 1_000


class Priority(IntEnum):
    """The lower the number, the sooner it is heard."""

    HIGH = 0
    NORMAL = 1
    LOW = 2
    LOWEST = 3

    @property
    def word(self) -> str:
        """As clients and the contract spell it."""
        return self.name.capitalize()


PRIORITIES = {priority.word: priority for priority in Priority}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that wants to be heard. `paid`: it waits as long as it takes and is never sampled."""

    id: str
    sender: str
    priority: Priority
    at_ms: int
    paid: bool = False


@dataclass(frozen=True, slots=True)
class Spent:
    """What a room has delivered lately: thousandths of a message that it has left, as of `at_ms`, and how many it
    delivered at which instants of the last second."""

    thousandths: int
    at_ms: int
    delivered: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Admission:
    """Places in the list of what waited, each in order of arrival; `sampled` with the reason."""

    delivered: tuple[int, ...]
    kept: tuple[int, ...]
    sampled: tuple[tuple[int, str], ...]


def burst(rate: int) -> int:
    """What may come at once: two ticks' worth, so that a later High message still finds room in its second."""
    return max(1, rate // 5)


def refilled(spent: Spent | None, *, rate: int, now_ms: int) -> Spent:
    """The budget as it is now; None: a room that never spoke."""
    full = burst(rate) * 1000
    if spent is None or now_ms < spent.at_ms:  # a clock that was set back
        return Spent(thousandths=full, at_ms=now_ms)
    gained = (now_ms - spent.at_ms) * rate
    lately = tuple((at, count) for at, count in spent.delivered if at > now_ms - 1000)
    return Spent(thousandths=min(full, spent.thousandths + gained), at_ms=now_ms, delivered=lately)


def allowance(spent: Spent, *, rate: int) -> int:
    """How many may be delivered now: what the bucket holds, and in any second at most `rate`."""
    return max(0, min(spent.thousandths // 1000, rate - sum(count for _, count in spent.delivered)))


def soonest_ms(tick_ms: int) -> int:
    """A tick may come a fifth of its length early: whoever calls ten times a second is never a hair too soon, and a room that is full
    can go on at the moment at which it has room again."""
    return tick_ms * 4 // 5


def latest_ms(tick_ms: int) -> int:
    return tick_ms * 7 // 5


def next_tick_ms(spent: Spent, *, rate: int, left: int, tick_ms: int) -> int:
    """Milliseconds from `spent.at_ms` to the next tick, with so many messages left.

    What was delivered a second ago makes room again at one certain moment. A full room that always called a tick after the last one
    would come half a tick too late on average, and lose a twentieth of its rate; so it comes at such a moment: as soon as all that is
    left has room, or else with the first."""
    if not left:
        return tick_ms
    soonest = soonest_ms(tick_ms)
    frees = [at + 1000 - spent.at_ms for at, _ in spent.delivered]
    moments = [wait for wait in frees if soonest < wait <= latest_ms(tick_ms)]
    rooms = [
        (wait, allowance(refilled(spent, rate=rate, now_ms=spent.at_ms + wait), rate=rate))
        for wait in (soonest, *moments)
    ]
    for wait, room in rooms:
        if room >= left:
            return wait
    if moments:
        return moments[0]
    return soonest if rooms[0][1] else tick_ms


def after(spent: Spent, *, count: int) -> Spent:
    if not count:
        return spent
    return Spent(
        thousandths=spent.thousandths - count * 1000,
        at_ms=spent.at_ms,
        delivered=(*spent.delivered, (spent.at_ms, count)),
    )


def lot(seed: str, sender: str) -> str:
    """A sender's place among the others in this tick: nobody can foresee it, and everybody can compute it again."""
    return hashlib.sha1(f"{seed}:{sender}".encode(), usedforsecurity=False).hexdigest()


def admit(waiting: Sequence[Waiting], *, allowed: int, now_ms: int, seed: str) -> Admission:
    """Choose. In one priority every sender's oldest message comes before anybody's second one; between senders the lot decides."""
    turns: dict[tuple[int, str], int] = {}
    ranked: list[tuple[int, int, str, int]] = []
    for place, message in enumerate(waiting):
        turn = turns.get((message.priority, message.sender), 0)
        turns[message.priority, message.sender] = turn + 1
        ranked.append((message.priority, turn, lot(seed, message.sender), place))
    ranked.sort()
    delivered = {place for _, _, _, place in ranked[:allowed]}
    kept: list[int] = []
    kept_of: Counter[str] = Counter()
    sampled: list[tuple[int, str]] = []
    for _, _, _, place in ranked[allowed:]:
        message = waiting[place]
        if message.paid:
            kept.append(place)
        elif now_ms - message.at_ms >= COMPETES_MS:
            sampled.append((place, "rate"))
        elif kept_of[message.sender] >= WAITING_PER_SENDER:
            sampled.append((place, "flood"))
        elif len(kept) >= WAITING_PER_ROOM:
            sampled.append((place, "full"))
        else:
            kept.append(place)
            kept_of[message.sender] += 1
    return Admission(delivered=tuple(sorted(delivered)), kept=tuple(sorted(kept)), sampled=tuple(sorted(sampled)))
