"""Refused pushes, kept for the streamer and for staff: folded, throttled and bounded.

The database holds the rows; Redis counts between two writes, so that a flood of refusals costs one write in two seconds per stream,
address and reason, and a bounded number of writes a second in all. Redis away: every refusal is written, and rows stay bounded."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
from django.db import transaction

from liveroom.kernel.data.redis import PREFIX, shared
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.web.throttle import TooOften, allow
from streams.models import Publish, PushRefusal, Stream
from streams.rules import refusals as rules

log = logging.getLogger(__name__)

WRITE_EVERY_SECONDS = 2
COUNTED_SECONDS = 3600
WRITES_PER_SECOND = 50
# Attempts of one address on one name that are looked at; the encoder that comes back every two seconds makes 30.
ATTEMPTS_PER_MINUTE = 120
KNOWN_ADDRESSES = 50
KNOWN_DAYS = 30
UNKNOWN_SHOWN = timedelta(days=1)


class Refused(LiveRoomError):
    """The engine is told no; `reason` is for programs, the message for the streamer, `detail` the technical reason behind it."""

    name, status = "refused", 403

    def __init__(self, message: str, *, reason: str, code: int, detail: str = "") -> None:
        super().__init__(message)
        self.reason, self.code, self.detail = reason, code, detail


@dataclass(frozen=True, slots=True)
class Refusal:
    """`text` for the streamer, `detail` the technical reason, `given` what was sent as a name. `stream` None: nobody knows which."""

    stream: Stream | None
    reason: str
    code: int
    text: str
    detail: str
    address: str
    given: str = ""


def record(refusal: Refusal, *, now: datetime) -> None:
    """Keep a refusal. Never an error: whoever is refused is refused all the same."""
    count = _take_turn(refusal)
    if count == 0:
        return
    try:
        allow(what="refusals", who="written", limit=WRITES_PER_SECOND, per_seconds=1)
    except TooOften:
        return
    _write(refusal, count=count, now=now)


def heed(*, name: str, address: str) -> bool:
    """Whether an attempt is looked at. False: this address was refused for this name too often in the last minute; then a good key
    still gets in (`known_keys`), and a bad one costs no query."""
    try:
        raw: Any = shared().get(_attempts_key(name, address))
    except redis.RedisError:
        return True
    return int(raw or 0) < ATTEMPTS_PER_MINUTE


def count_attempt(*, name: str, address: str) -> None:
    """One more refused attempt of this address on this name."""
    key = _attempts_key(name, address)
    try:
        pipe = shared().pipeline(transaction=True)
        pipe.incr(key)
        pipe.expire(key, 60, nx=True)
        pipe.execute()
    except redis.RedisError:
        pass


def remember_address(*, room_key: str, address: str, now: datetime) -> None:
    """The streamer looks at the key from here: what is refused from here is the streamer's own."""
    key = f"{PREFIX}:push-seen:{room_key}"
    try:
        pipe = shared().pipeline(transaction=True)
        pipe.zadd(key, {_network(address): now.timestamp()})
        pipe.zremrangebyrank(key, 0, -KNOWN_ADDRESSES - 1)
        pipe.expire(key, KNOWN_DAYS * 86400)
        pipe.execute()
    except redis.RedisError:
        pass


def refusals_of(*, stream: Stream, address: str, at_most: int) -> list[PushRefusal]:
    """The newest refusals of a stream, the streamer's own and those from the address that asks first; `count` is up to date."""
    rows = PushRefusal.objects.filter(stream=stream).order_by("-at", "-id")[: rules.KEPT_OWN + rules.KEPT_OF_STRANGERS]
    sorted_rows = sorted(rows, key=lambda row: not (row.own or row.address == address))
    return counted(sorted_rows[:at_most])


def refusals_from(*, address: str, now: datetime, at_most: int) -> list[PushRefusal]:
    """What was refused from an address and names no stream: "somebody tried from your address"."""
    if not address:
        return []
    rows = PushRefusal.objects.filter(stream=None, address=address, at__gte=now - UNKNOWN_SHOWN).order_by("-at", "-id")
    return counted(rows[:at_most])


def counted(rows: Iterable[PushRefusal]) -> list[PushRefusal]:
    """The rows with what Redis has counted since they were written."""
    found = list(rows)
    if not found:
        return found
    try:
        waiting: Any = shared().mget([_key(row.stream_id, row.address, row.reason) + ":count" for row in found])
    except redis.RedisError:
        return found
    seen: set[str] = set()
    for row, more in zip(found, waiting, strict=True):
        key = _key(row.stream_id, row.address, row.reason)
        if key not in seen:  # an older row of the same kind is closed
            row.count += int(more or 0)
        seen.add(key)
    return found


def _network(address: str) -> str:
    """One household: an IPv4 address, or 64 bits of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:45]
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def _key(stream_id: int | None, address: str, reason: str) -> str:
    return f"{PREFIX}:refused:{stream_id or 0}:{_network(address)}:{reason}"


def _attempts_key(name: str, address: str) -> str:
    return f"{PREFIX}:push-tries:{name[:64]}:{_network(address)}"


def _take_turn(refusal: Refusal) -> int:
    """How many to write now: 0 while somebody wrote a moment ago."""
    key = _key(None if refusal.stream is None else refusal.stream.pk, refusal.address, refusal.reason)
    try:
        pipe = shared().pipeline(transaction=True)
        pipe.incr(f"{key}:count")
        pipe.expire(f"{key}:count", COUNTED_SECONDS)
        pipe.set(f"{key}:turn", 1, nx=True, ex=WRITE_EVERY_SECONDS)
        if not pipe.execute()[2]:
            return 0
        taken: Any = shared().getdel(f"{key}:count")
        return int(taken or 0)
    except redis.RedisError:
        return 1


@transaction.atomic
def _write(refusal: Refusal, *, count: int, now: datetime) -> None:
    stream, address = refusal.stream, refusal.address[:45]
    last = PushRefusal.objects.filter(stream=stream, address=address, reason=refusal.reason).order_by("-id").first()
    text, detail, given = refusal.text[:300], refusal.detail[:300], refusal.given[:80]
    if last is not None and rules.same_row(first_at=last.first_at, last_at=last.at, now=now):
        last.at, last.count, last.code, last.text, last.detail = now, last.count + count, refusal.code, text, detail
        last.given = given or last.given
        last.save(update_fields=["at", "count", "code", "text", "detail", "given"])
        return
    PushRefusal.objects.create(
        stream=stream, first_at=now, at=now, count=count, code=refusal.code, reason=refusal.reason, text=text,
        detail=detail, given=given, address=address, own=stream is not None and _is_own(stream, refusal),
    )  # fmt: skip
    if stream is None:
        _forget_unknown(address)
        return
    rows = PushRefusal.objects.filter(stream=stream).order_by("-at", "-id").values_list("pk", "own")
    _forget(rules.too_many([rules.Row(pk=pk, own=own) for pk, own in rows]))


def _is_own(stream: Stream, refusal: Refusal) -> bool:
    if refusal.reason in rules.PROVEN:
        return True
    if Publish.objects.filter(stream__room=stream.room_id, address=refusal.address).exists():
        return True
    try:
        seen = shared().zscore(f"{PREFIX}:push-seen:{stream.room.key}", _network(refusal.address))
    except redis.RedisError:
        return False
    return seen is not None


def _forget_unknown(address: str) -> None:
    unknown = PushRefusal.objects.filter(stream=None).order_by("-at", "-id").values_list("pk", flat=True)
    _forget(list(unknown.filter(address=address)[rules.KEPT_UNKNOWN_PER_ADDRESS :][:100]))
    _forget(list(unknown[rules.KEPT_UNKNOWN :][:100]))


def _forget(pks: Sequence[int]) -> None:
    if pks:
        PushRefusal.objects.filter(pk__in=pks).delete()
