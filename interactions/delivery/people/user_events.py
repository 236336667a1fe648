"""What concerns one person, published to all its sockets, in a room or not: numbered, and kept two minutes for who comes back.

Promise: an event with the same id is published once; a socket that says what it heard last gets exactly the rest, or hears that
something is missing. State: Redis, per person `uplace` (epoch, which changes when memory was lost, and useq: one key, so that neither
can be lost without the other) · `you` (a list of at most 200 events) · `usame:<id>`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from interactions.delivery.control import HeardUserEvent, people_channel
from interactions.delivery.events import KEPT_SECONDS, MOST_KEPT_SECONDS, UserEvent, encoded
from liveroom.kernel.data.redis import aredis_for, key, redis_for
from liveroom.kernel.data.scripts import Script
from liveroom.kernel.work.rounds import Rounds

KEPT_EVENTS: Final = 200
SAME_SECONDS: Final = 600
# Longer than anything that is kept: while an event can be asked for, its number means something.
NUMBERS_SECONDS: Final = MOST_KEPT_SECONDS + 86400
# A person that was sent nothing: only so that a reconnect finds the same epoch.
QUIET_SECONDS: Final = 86400
_CALLS_PER_ROUND: Final = 500
_SINCE = re.compile(r"([0-9a-f]{1,32})\.([0-9]{1,15})\Z")

# KEYS: uplace you usame:<id>. ARGV: fresh epoch, seconds kept, 1 if they were asked for, event without useq, channel, person, then
# for how long numbers and ids are kept, how many events, and 1 if whoever was not here for a day is passed over. An entry is
# `<ms until> <useq> <asked for> <event>`. Answer: epoch, useq, 1 if published now and 0 if it was before.
_PUBLISH: Final = Script("""
local place_key, events_key, same_key = KEYS[1], KEYS[2], KEYS[3]
local fresh_epoch, kept_seconds, asked_for, unnumbered = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local channel, person = ARGV[5], ARGV[6]
local numbers_seconds, same_seconds, kept_events, only_known = ARGV[7], ARGV[8], ARGV[9], ARGV[10] == '1'
local before = redis.call('GET', same_key)
if before then
  local epoch, useq = string.match(before, '^(%S+) (%d+)$')
  return {epoch, tonumber(useq), 0}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch, useq = string.match(redis.call('GET', place_key) or '', '^(%S+) (%d+)$')
if not epoch then
  if only_known then return {'', 0, 0} end
  epoch, useq = fresh_epoch, 0
  redis.call('DEL', events_key)
end
useq = string.format('%d', useq + 1)
redis.call('SET', place_key, epoch .. ' ' .. useq, 'EX', numbers_seconds)
local event = '{"useq":' .. useq .. ',' .. string.sub(unnumbered, 2)
local longest = math.max(redis.call('TTL', events_key), tonumber(kept_seconds))
redis.call('RPUSH', events_key, string.format('%d', now + kept_seconds * 1000) .. ' ' .. useq .. ' ' .. asked_for .. ' ' .. event)
-- those that are over go wherever they stand: one that is kept for days must not push out what came after it
if redis.call('LLEN', events_key) > kept_events / 2 then
  local alive = {}
  for _, entry in ipairs(redis.call('LRANGE', events_key, 0, -1)) do
    if tonumber(string.match(entry, '^(%d+)')) > now then alive[#alive + 1] = entry end
  end
  redis.call('DEL', events_key)
  redis.call('RPUSH', events_key, unpack(alive))
  redis.call('LTRIM', events_key, -kept_events, -1)
end
redis.call('EXPIRE', events_key, longest)
redis.call('SET', same_key, epoch .. ' ' .. useq, 'EX', same_seconds)
redis.call('PUBLISH', channel, 'Y' .. epoch .. ' ' .. useq .. ' ' .. person
  .. '\\n{"type":"you","epoch":"' .. epoch .. '","events":[' .. event .. ']}')
return {epoch, tonumber(useq), 1}
""")

# KEYS: uplace you. ARGV: fresh epoch, the client's epoch and useq ('' and 0: it comes without), for how long an epoch is kept of
# a person that is sent nothing. Answer: epoch, useq, then the events: the later ones; all, after another epoch; and for who comes
# without a position, those that were asked to be kept.
_SINCE_SCRIPT: Final = Script("""
local place_key, events_key = KEYS[1], KEYS[2]
local fresh_epoch, since_epoch, since, quiet_seconds = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local epoch, useq = string.match(redis.call('GET', place_key) or '', '^(%S+) (%d+)$')
if not epoch then
  redis.call('SET', place_key, fresh_epoch .. ' 0', 'EX', quiet_seconds)
  redis.call('DEL', events_key)
  return {fresh_epoch, 0}
end
if redis.call('TTL', place_key) < quiet_seconds / 2 then redis.call('EXPIRE', place_key, quiet_seconds) end
local found = {epoch, tonumber(useq)}
if found[2] == 0 or (epoch == since_epoch and since >= found[2]) then return found end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, entry in ipairs(redis.call('LRANGE', events_key, 0, -1)) do
  local over, useq, asked, event = string.match(entry, '^(%d+) (%d+) (%d) (.*)$')
  local wanted = since_epoch ~= '' or asked == '1'
  if epoch == since_epoch then wanted = tonumber(useq) > since end
  if wanted and tonumber(over) > now then found[#found + 1] = event end
end
return found
""")


@dataclass(frozen=True, slots=True)
class Published:
    """`fresh`: False if an event of that id had been published before; the numbers are those of the first time."""

    epoch: str
    useq: int
    fresh: bool


@dataclass(frozen=True, slots=True)
class Position:
    """Where a person stands. `events` are JSON, oldest first; `recovered`: they are all that came after the asked position."""

    epoch: str
    useq: int
    events: tuple[bytes, ...] = ()
    recovered: bool = False

    def frame(self) -> bytes:
        """The first `you` frame of a socket, and the one after a gap: payload, not yet a WebSocket frame."""
        return (
            b'{"type":"you","epoch":"' + self.epoch.encode() + b'","useq":' + str(self.useq).encode()
            + b',"recovered":' + (b"true" if self.recovered else b"false") + b',"events":[' + b",".join(self.events) + b"]}"
        )  # fmt: skip


def _kind(person: str) -> str:
    return f"@{person}"


def _publish_call(
    person: str, event: UserEvent, event_id: str, kept_seconds: int | None, *, known: bool = False
) -> list[Any]:
    if kept_seconds is not None and not 1 <= kept_seconds <= MOST_KEPT_SECONDS:
        raise ValueError(f"an event is kept for 1 to {MOST_KEPT_SECONDS} seconds")
    keys = [key(kind, _kind(person)) for kind in ("uplace", "you", f"usame:{event_id}")]
    kept = event.kept_seconds if kept_seconds is None else kept_seconds
    asked = int(kept > KEPT_SECONDS)
    said = (secrets.token_hex(6), kept, asked, encoded(event), people_channel(), person)
    return _PUBLISH.call(keys, (*said, NUMBERS_SECONDS, SAME_SECONDS, KEPT_EVENTS, int(known)))


def _published(answer: Any) -> Published:
    return Published(epoch=bytes(answer[0]).decode(), useq=int(answer[1]), fresh=bool(answer[2]))


def publish_now(*, person: str, event: UserEvent, event_id: str, kept_seconds: int | None = None) -> Published:
    """From a thread. `person`: `targets.Person.key`.

    `kept_seconds` above the two minutes (at most 7 days) keeps it also for who comes without a position (C12). RedisError: publish it
    again with the same id."""
    return _published(_PUBLISH.ask_now(redis_for(_kind(person)), _publish_call(person, event, event_id, kept_seconds)))


def publish_to_many_now(*, persons: Sequence[str], event: UserEvent, event_id: str) -> int:
    """The same event to many, in one pipeline of 500. Of somebody who was not connected for a day nothing is kept. Returns for how many
    it was new. RedisError: publish it again with the same id."""
    fresh = 0
    for start in range(0, len(persons), _CALLS_PER_ROUND):
        part = persons[start : start + _CALLS_PER_ROUND]
        calls = [_publish_call(person, event, event_id, None, known=True) for person in part]
        fresh += sum(_published(answer).fresh for answer in _PUBLISH.ask_all_now(redis_for(_kind(part[0])), calls))
    return fresh


async def publish(*, person: str, event: UserEvent, event_id: str, kept_seconds: int | None = None) -> Published:
    """The same for an event loop."""
    return _published(
        await _PUBLISH.ask(aredis_for(_kind(person)), _publish_call(person, event, event_id, kept_seconds))
    )


def asked_since(raw: str) -> tuple[str, int] | None:
    """The address's `you=<epoch>.<useq>`; None for nothing or nonsense: who cannot say where it was begins anew."""
    found = _SINCE.match(raw)
    return (found[1], int(found[2])) if found else None


def _since_call(person: str, since: tuple[str, int] | None) -> list[Any]:
    keys = [key(kind, _kind(person)) for kind in ("uplace", "you")]
    epoch, useq = since or ("", 0)
    return _SINCE_SCRIPT.call(keys, (secrets.token_hex(6), epoch, useq, QUIET_SECONDS))


def _position(answer: Any, since: tuple[str, int] | None) -> Position:
    epoch, useq, events = bytes(answer[0]).decode(), int(answer[1]), tuple(map(bytes, answer[2:]))
    recovered = since is not None and since[0] == epoch and since[1] + len(events) == useq
    return Position(epoch=epoch, useq=useq, events=events, recovered=recovered)


async def since(
    *, person: str, since: tuple[str, int] | None, rounds: Rounds[tuple[Any, ...], Any] | None = None
) -> Position:
    """Where the person stands and what came after `since` (None: a new client). One round trip, shared with others in `rounds`."""
    call = _since_call(person, since)
    if rounds is not None:
        return _position(await rounds.ask((_SINCE_SCRIPT, *call)), since)
    return _position(await _SINCE_SCRIPT.ask(aredis_for(_kind(person)), call), since)


class Subscription:
    """One socket's place in its person's events: each once, in order, and a gap is noticed. The socket takes `hear` for messages
    from the moment it listens; what comes before `open` waits. `write` gets whole frames."""

    __slots__ = ("_held", "_write", "at", "person")

    def __init__(self, *, person: str, write: Callable[[bytes], None]) -> None:
        self.person, self._write = person, write
        self.at: tuple[str, int] | None = None
        self._held: list[HeardUserEvent] = []

    def open(self, position: Position) -> None:
        """After the socket was sent `position.frame()`: from here on events go straight through."""
        self.at = (position.epoch, position.useq)
        held, self._held = self._held, []
        for you in held:
            self.hear(you)

    def hear(self, you: HeardUserEvent) -> bool:
        """False: something before this one is missing; ask `missed` for this subscription. Nothing was written then."""
        if self.at is None:
            self._held = [*self._held[-KEPT_EVENTS:], you]
            return True
        epoch, useq = self.at
        if you.epoch == epoch and you.useq <= useq:
            return True
        if you.useq != (useq + 1 if you.epoch == epoch else 1):
            return False
        self.at = (you.epoch, you.useq)
        self._write(you.frame)
        return True


async def missed(subscriptions: Iterable[Subscription]) -> list[tuple[Subscription, Position]]:
    """What pub/sub lost, for all subscriptions after it was away, or for one with a gap: those that missed something, and what. In
    rounds of 500. The caller writes `position.frame()` and calls `subscription.open(position)`."""
    found: list[tuple[Subscription, Position]] = []
    opened = [subscription for subscription in subscriptions if subscription.at is not None]
    for start in range(0, len(opened), _CALLS_PER_ROUND):
        asked = [(subscription, subscription.at) for subscription in opened[start : start + _CALLS_PER_ROUND]]
        calls = [_since_call(subscription.person, at) for subscription, at in asked]
        for (subscription, at), answer in zip(asked, await _SINCE_SCRIPT.ask_all(aredis_for(""), calls), strict=True):
            position = _position(answer, at)
            if (position.epoch, position.useq) != at and subscription.at == at:
                found.append((subscription, position))
    return found
