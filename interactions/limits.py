"""How much one person and one address may ask of this process: connections, joins, messages, likes and the rest.

Promise: bounded memory (`MAX_KEYS` for each kind, the one that was quiet for longest forgotten first), no Redis on the way, an exact
`retry_after_ms`. Each process counts for itself: with several, a client that spreads over them gets as much from each.

State: memory of the process. Home of the numbers: `liveroom.settings.env`."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liveroom.kernel.values.buckets import NEVER, Rate, take
from liveroom.kernel.web.http import behind_proxy, source_of
from liveroom.kernel.web.throttle import TooOften
from liveroom.kernel.work import metrics

if TYPE_CHECKING:
    from liveroom.settings.env import Environment

MAX_KEYS = 50_000
TOO_MANY_CONNECTIONS = 4003
SECOND_MS, MINUTE_MS = 1_000, 60_000
# Guests, and many people behind one router, share an address.
PEOPLE_PER_ADDRESS = 20
# What one connection may ask at all, whatever it is: above that it draws on what the process has to spare for all of them, and above
# that it is read later. A guest has little to ask.
COMMANDS_PER_SECOND, GUEST_COMMANDS_PER_SECOND = 50, 10
SPARE_COMMANDS_PER_SECOND = 2_000
# Nothing says when one of the open connections of an address will end; by then some have, and many must not come at once.
FULL_AFTER_MS = 5_000


@dataclass(frozen=True, slots=True)
class Limit:
    """So much of one person, with twice as much at once, and of an address as much as of twenty people. `words` continue the sentence "At
    most <count> …". `count` 0: the deployment's settings say it."""

    what: str
    count: int = 0
    words: str = ""
    per_ms: int = SECOND_MS


JOINS, SENDS = Limit("join"), Limit("send")
# Clients send sums of taps, about one a second (product.md L1).
LIKES = Limit("like", 5, "likes commands a second; send sums")
GIFTS = Limit("gift", 50, "gifts commands a second; choose a number instead")
VOTES = Limit("vote", 10, "votes a second")
QUESTIONS = Limit("question", 6, "questions a minute", per_ms=MINUTE_MS)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A connection that is one too many. `politely`: say `bye`; an address that does not listen to that gets no handshake."""

    after_ms: int
    politely: bool


class _Table:
    """The states of one kind of limit, by key."""

    def __init__(self, *, what: str, rate: Rate, words: str) -> None:
        self.what = what
        self.rate = rate
        self.words = words
        self._states: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._states)

    def look(self, key: str, *, now_ms: int) -> tuple[int, int]:
        """State after one more, and the wait if that is too early."""
        return take(rate=self.rate, state=self._states.get(key, NEVER), now_ms=now_ms)

    def keep(self, key: str, state: int) -> None:
        self._states[key] = state
        self._states.move_to_end(key)
        if len(self._states) > MAX_KEYS:
            self._states.popitem(last=False)


def _tables_of(limit: Limit) -> tuple[_Table, _Table]:
    """Of a person, and of an address with as many people as one usually has."""
    if not limit.count:
        raise LookupError(f"Nobody has said how much of {limit.what!r} there may be.")
    many = PEOPLE_PER_ADDRESS * limit.count
    return (
        _Table(
            what=limit.what,
            rate=Rate(count=limit.count, per_ms=limit.per_ms, burst=2 * limit.count),
            words=f"{limit.count} {limit.words}",
        ),
        _Table(
            what=f"{limit.what}_address",
            rate=Rate(count=many, per_ms=limit.per_ms, burst=2 * many),
            words=f"{many} {limit.words}, from one address",
        ),
    )


_OF_PEOPLE = Rate(count=COMMANDS_PER_SECOND, per_ms=SECOND_MS, burst=2 * COMMANDS_PER_SECOND)
_OF_GUESTS = Rate(count=GUEST_COMMANDS_PER_SECOND, per_ms=SECOND_MS, burst=5 * GUEST_COMMANDS_PER_SECOND)
# Whoever is not read from is looked at again after this long.
MOST_REST_MS = 1_000


class Allowance:
    """What one connection has left to ask. A log-in makes it a person's."""

    __slots__ = ("rate", "state")

    def __init__(self) -> None:
        self.rate, self.state = _OF_GUESTS, NEVER

    def of_person(self) -> None:
        self.rate, self.state = _OF_PEOPLE, NEVER


class Limits:
    """One per process. `source`: what `source()` made of an address; "" is not limited. `person`: any key, "" for a guest."""

    def __init__(
        self,
        *,
        connections_per_address: int,
        connects_per_second: int,
        sends_per_second: int,
        sends_per_address: int,
        joins_per_minute: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._open: dict[str, int] = {}
        self._most_open = connections_per_address
        often = Rate(count=connects_per_second, per_ms=SECOND_MS, burst=2 * connects_per_second)
        self._connects = _Table(what="connect", rate=often, words="")
        self._refusals = _Table(what="refusal", rate=often, words="")
        joins_per_address = PEOPLE_PER_ADDRESS * joins_per_minute
        # Of the person, and of the address.
        self._tables: dict[str, tuple[_Table, _Table]] = {
            JOINS.what: (
                _Table(
                    what="join",
                    rate=Rate(count=joins_per_minute, per_ms=MINUTE_MS, burst=-(-joins_per_minute // 2)),
                    words=f"{joins_per_minute} joins a minute",
                ),
                _Table(
                    what="join_address",
                    rate=Rate(count=joins_per_address, per_ms=MINUTE_MS, burst=joins_per_address // 2),
                    words=f"{joins_per_address} joins a minute from one address",
                ),
            ),
            SENDS.what: (
                _Table(
                    what="send",
                    rate=Rate(count=sends_per_second, per_ms=SECOND_MS, burst=2 * sends_per_second),
                    words=f"{sends_per_second} messages a second",
                ),
                _Table(
                    what="send_address",
                    rate=Rate(count=sends_per_address, per_ms=SECOND_MS, burst=2 * sends_per_address),
                    words=f"{sends_per_address} messages a second from one address",
                ),
            ),
        }
        self._spare = _Table(
            what="command",
            rate=Rate(count=SPARE_COMMANDS_PER_SECOND, per_ms=SECOND_MS, burst=SPARE_COMMANDS_PER_SECOND // 5),
            words="",
        )

    @classmethod
    def of(cls, config: Environment) -> Limits:
        """As the deployment's settings have it."""
        return cls(
            connections_per_address=config.connections_per_address,
            connects_per_second=config.connects_per_second,
            sends_per_second=config.sends_per_second,
            sends_per_address=config.sends_per_address,
            joins_per_minute=config.joins_per_minute,
        )

    @staticmethod
    def source(*, peer: str, forwarded: str, standard: str = "") -> str:
        """Who is counted for a connection: the IPv4 address, or the /64 network of an IPv6 one (a household has at least that).

        "" for this host and for trusted proxies that do not speak for anybody: limiting those would lock out everybody. Who speaks for
        somebody in words that cannot be read (`forwarded`: X-Forwarded-For, `standard`: Forwarded) is counted itself."""
        return source_of(behind_proxy(peer=peer, forwarded=forwarded, standard=standard))

    def connect(self, *, source: str) -> Refusal | None:
        """Count a connection as open until `disconnect`; or why not."""
        if not source:
            return None
        now_ms = self._now_ms()
        state, wait = self._connects.look(source, now_ms=now_ms)
        if not wait:
            self._connects.keep(source, state)
            if self._open.get(source, 0) < self._most_open:
                self._open[source] = self._open.get(source, 0) + 1
                return None
            wait = FULL_AFTER_MS
        metrics.limited.labels(what="connect").inc()
        state, deaf = self._refusals.look(source, now_ms=now_ms)
        if not deaf:
            self._refusals.keep(source, state)
        return Refusal(after_ms=wait, politely=not deaf)

    def disconnect(self, *, source: str) -> None:
        """The end of a connection that `connect` counted."""
        left = self._open.get(source, 0) - 1
        if left > 0:
            self._open[source] = left
        else:
            self._open.pop(source, None)

    def ask(self, limit: Limit, *, person: str, source: str) -> None:
        """Before it is done. TooOften. All or none: what one of the two refuses is not counted by the other."""
        tables = self._tables.get(limit.what)
        if tables is None:
            tables = self._tables[limit.what] = _tables_of(limit)
        of_person, of_address = tables
        now_ms = self._now_ms()
        found = [
            (table, key, *table.look(key, now_ms=now_ms))
            for table, key in ((of_person, person), (of_address, source))
            if key
        ]
        for table, _, _, wait in found:
            if wait:
                metrics.limited.labels(what=table.what).inc()
                raise TooOften(
                    f"At most {table.words}; try again in {wait} ms.", limit=table.rate.count, retry_after_ms=wait
                )
        for table, key, state, _ in found:
            table.keep(key, state)

    def command(self, allowance: Allowance) -> int:
        """Count a command of one connection. 0, or how many ms the connection is not read from: what it sent is answered then."""
        now_ms = self._now_ms()
        state, wait = take(rate=allowance.rate, state=allowance.state, now_ms=now_ms)
        if not wait:
            allowance.state = state
            return 0
        state, scarce = self._spare.look("", now_ms=now_ms)
        if not scarce:
            self._spare.keep("", state)
            return 0
        metrics.limited.labels(what=self._spare.what).inc()
        # Served it is all the same, being read already: it counts, so that the rest is the longer.
        debt = max(allowance.state, now_ms * allowance.rate.count) + allowance.rate.per_ms
        allowance.state = min(
            debt, (now_ms + MOST_REST_MS) * allowance.rate.count + allowance.rate.burst * allowance.rate.per_ms
        )
        return min(wait, MOST_REST_MS)

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)
