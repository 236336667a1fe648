"""What one entry of the archive's stream says, as rows: whose room it was, which show was on, what was said or sampled."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db.models import CharField, Q

from interactions.models import ArchivedMessage
from liveroom.kernel.data.redis import room_key
from liveroom.rooms.models import LiveSession, Room

log = logging.getLogger(__name__)

# As many as the columns hold: an id that is too long must not stop the whole batch.
_LENGTHS = {
    field.name: field.max_length for field in ArchivedMessage._meta.concrete_fields if isinstance(field, CharField)
}


class Malformed(ValueError):
    """An entry that nobody of ours has written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tick of one room. `sampled`: pairs of a reason and an event without `seq`."""

    id: str
    room_key: str
    epoch: str
    at: datetime
    delivered: tuple[dict[str, Any], ...]
    sampled: tuple[tuple[str, dict[str, Any]], ...]

    @property
    def size(self) -> int:
        return len(self.delivered) + len(self.sampled)


def _event(line: bytes) -> dict[str, Any]:
    # PostgreSQL stores no NUL, neither in text nor in JSON.
    found = orjson.loads(line.replace(b"\\u0000", b"\\ufffd"))
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        raise Malformed(f"no event: {line[:100]!r}")
    return found


def entry_of(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    """Raises Malformed."""
    try:
        delivered = tuple(_event(line) for line in fields.get(b"events", b"").split(b"\n") if line)
        sampled = []
        for line in fields.get(b"sampled", b"").split(b"\n"):
            if line:
                reason, _, event = line.partition(b" ")
                sampled.append((reason.decode(), _event(event)))
        if not all(isinstance(seq := event.get("seq"), int) and 0 < seq < 2**63 for event in delivered):
            raise Malformed("a delivered event without a seq")
        return Entry(
            id=entry_id.decode(),
            room_key=fields[b"room"].decode(),
            epoch=fields[b"epoch"].decode(),
            at=datetime.fromtimestamp(int(fields[b"at"]) / 1000, UTC),
            delivered=delivered,
            sampled=tuple(sampled),
        )
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from error


def named(keys: Iterable[str]) -> Q:
    """Rooms with one of these keys, open or not. A key that cannot be one finds nothing."""
    wanted = Q(pk__in=())
    by_app: dict[int, list[str]] = defaultdict(list)
    for key in keys:
        sdkappid, _, group_id = key.partition(":")
        if sdkappid.isascii() and sdkappid.isdigit() and len(sdkappid) <= 15:
            by_app[int(sdkappid)].append(group_id)
    for number, group_ids in by_app.items():
        wanted |= Q(app__sdkappid=number, group_id__in=group_ids)
    return wanted


def rooms_of(entries: Sequence[Entry]) -> dict[str, int]:
    """Entry -> row of its room: the one that had that id then. Entries whose key matches no row are left out.

    Ids are freed by disbanding and taken again; what is said of the disbanding itself comes a moment after it."""
    found: dict[str, int] = {}
    opened: dict[str, tuple[int, datetime]] = {}
    names = ("pk", "app__sdkappid", "group_id", "created_at")
    for pk, number, group_id, created_at in Room.objects.filter(
        named({entry.room_key for entry in entries}), disbanded_at__isnull=True
    ).values_list(*names):
        opened[room_key(sdkappid=number, group_id=group_id)] = (pk, created_at)
    older: list[Entry] = []
    for entry in entries:
        pk, created_at = opened.get(entry.room_key, (0, entry.at))
        if pk and created_at <= entry.at:
            found[entry.id] = pk
        else:
            older.append(entry)
    if older:
        every: dict[str, list[tuple[int, datetime]]] = defaultdict(list)
        rooms = Room.objects.filter(named({entry.room_key for entry in older})).order_by("-pk")
        for pk, number, group_id, created_at in rooms.values_list(*names):
            every[room_key(sdkappid=number, group_id=group_id)].append((pk, created_at))
        for entry in older:
            rows = every[entry.room_key]
            if rows:
                # The clocks of two hosts differ a little: the first room of that id also has what seems to come before it.
                found[entry.id] = next((pk for pk, created_at in rows if created_at <= entry.at), rows[-1][0])
    return found


def _sessions(rooms: set[int], entries: Sequence[Entry]) -> dict[int, list[LiveSession]]:
    first, last = min(entry.at for entry in entries), max(entry.at for entry in entries)
    found: dict[int, list[LiveSession]] = defaultdict(list)
    overlapping = LiveSession.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gte=first), started_at__lte=last)
    for session in overlapping.filter(room_id__in=rooms).order_by("-started_at"):
        found[session.room_id].append(session)
    return found


def _session_at(sessions: Iterable[LiveSession], at: datetime) -> int | None:
    for session in sessions:
        if session.started_at <= at and (session.ended_at is None or at <= session.ended_at):
            return session.pk
    return None


def _cut(**values: str) -> dict[str, str]:
    return {name: value[: _LENGTHS[name]] for name, value in values.items()}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _row(entry: Entry, event: dict[str, Any], *, event_id: str, reason: str, **of_room: Any) -> ArchivedMessage:
    sender = event.get("from")
    return ArchivedMessage(
        seq=None if reason else event["seq"],
        text=_text(event.get("text")),
        body=event,
        at=entry.at,
        **of_room,
        **_cut(
            epoch=entry.epoch,
            event_id=event_id,
            type=event["type"],
            priority=_text(event.get("priority")),
            sender=_text(sender.get("id")) if isinstance(sender, dict) else "",
            sampled=reason,
        ),
    )


def rows_of(entries: Sequence[Entry]) -> tuple[list[ArchivedMessage], int]:
    """The rows of these entries, not saved, and how many events were of rooms that the database does not know."""
    rooms = rooms_of(entries)
    sessions = _sessions(set(rooms.values()), entries) if rooms else {}
    rows: list[ArchivedMessage] = []
    homeless: Counter[str] = Counter()
    for entry in entries:
        room_id = rooms.get(entry.id)
        if room_id is None:
            homeless[entry.room_key] += entry.size
            continue
        of_room = {"room_id": room_id, "session_id": _session_at(sessions.get(room_id, ()), entry.at)}
        rows += [_row(entry, event, event_id=_text(event.get("id")), reason="", **of_room) for event in entry.delivered]
        for number, (reason, event) in enumerate(entry.sampled):
            # Without an id of its own, the entry's: the same at every reading.
            event_id = _text(event.get("id")) or f"{entry.id}/{number}"
            rows.append(_row(entry, event, event_id=event_id, reason=reason or "sampled", **of_room))
    for key, count in homeless.items():
        log.warning("Archive: no room %.80r; its %d events are dropped.", key, count)
    return rows, homeless.total()
