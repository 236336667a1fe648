"""Reads about mutes and bans: one person's standing, many at once, and the lists that moderators see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from liveroom.accounts.models import App
from liveroom.kernel import clock
from liveroom.kernel.data.sql import asked, instant
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from moderation.models import Ban, BanTrace, Mute, MuteAll
from moderation.rules.verdict import UNTIL_LIFTED, Standing

# SQLite takes some thousand parameters in one statement.
_AT_ONCE = 500


def holding(rows: QuerySet[Any], now: datetime) -> QuerySet[Any]:
    """Those that are not over."""
    return rows.filter(Q(until__isnull=True) | Q(until__gt=now))


def until_ms(until: datetime | None) -> int:
    """The end of a mute or ban as a `Standing` has it."""
    return UNTIL_LIFTED if until is None else int(until.timestamp() * 1000)


# -- one person


def speech(*, actor: Actor, room_id: int, now: datetime) -> Standing:
    """What of a standing mutes: one query."""
    mute = holding(Mute.objects.filter(room=OuterRef("pk"), person=actor.person_id), now)
    found = Room.objects.filter(pk=room_id).values_list(
        Exists(MuteAll.objects.filter(room=OuterRef("pk"))), Exists(mute), Subquery(mute.values("until")[:1])
    )
    for muted_all, muted, until in found:
        return Standing(muted_all=muted_all, muted_until_ms=until_ms(until) if muted else None)
    return Standing()


# Of whoever enters and of whoever buys: without the ORM, which takes longer to ask than the database to answer.
_EXCLUSION = """
SELECT room_id, until FROM moderation_ban
WHERE person_id = %s AND (until IS NULL OR until > %s) AND (room_id = %s OR (app_id = %s AND room_id IS NULL))
"""


def exclusion(*, actor: Actor, room_id: int | None, app_id: int, now: datetime) -> Standing:
    """What of a standing bans: one query, none for whoever is no person. `room_id` None: bans from the app only."""
    if actor.person_id is None:
        return Standing()
    rows = asked(_EXCLUSION, (actor.person_id, now, room_id, app_id))
    return _with_bans(Standing(), [(room, instant(until)) for room, until in rows])


def _with_bans(standing: Standing, rows: Iterable[tuple[int | None, datetime | None]]) -> Standing:
    """The longest of them counts."""
    for room, until in rows:
        end = until_ms(until)
        if standing.banned_until_ms is None or end > standing.banned_until_ms:
            standing = replace(standing, banned_until_ms=end, banned_everywhere=room is None)
    return standing


def standing(*, actor: Actor, room_id: int, app_id: int, now: datetime) -> Standing:
    """Everything that a socket keeps of its person at joining: two queries, one for a guest."""
    said = speech(actor=actor, room_id=room_id, now=now)
    out = exclusion(actor=actor, room_id=room_id, app_id=app_id, now=now)
    return replace(said, banned_until_ms=out.banned_until_ms, banned_everywhere=out.banned_everywhere)


def app_ban_holds(*, sdkappid: int, identifier: str, now: datetime) -> bool:
    """Whether the user is banned from its whole app."""
    bans = Ban.objects.filter(room__isnull=True, person__app__sdkappid=sdkappid, person__identifier=identifier)
    return holding(bans, now).exists()


# -- everybody that something is against, for a process that lets many in at once


# Of a room that has more, each is looked up when it comes.
_KEPT = 200


@dataclass(frozen=True, slots=True)
class Against:
    """`people`: the standing of everybody who is muted or banned, by identifier; None: too many to keep. `traces`: of guests, by the
    device or address that somebody banned used."""

    people: dict[str, Standing] | None
    muted_all: bool
    traces: dict[str, Standing]


_MOST_TRACES = 5_000


def barred_traces(*, room: Room, now: datetime, among: frozenset[str] | None = None) -> dict[str, Standing]:
    """The devices (and addresses, where the app says so) whose guests do not come in; `among` these only. One query, or none."""
    if room.app.banned_guests == App.NOBODY:
        return {}
    rows = BanTrace.objects.filter(Q(ban__room=room) | Q(ban__app=room.app_id, ban__room__isnull=True))
    rows = rows.filter(Q(ban__until__isnull=True) | Q(ban__until__gt=now))
    if room.app.banned_guests == App.DEVICE:
        rows = rows.filter(trace__startswith="d:")
    if among is not None:
        rows = rows.filter(trace__in=among)
    found: dict[str, Standing] = {}
    for trace, ban_room, until in rows.order_by("-pk").values_list("trace", "ban__room", "ban__until")[:_MOST_TRACES]:
        found[trace] = _with_bans(found.get(trace, Standing()), [(ban_room, until)])
    return found


def traces_of_ban(*, room_id: int, identifier: str) -> list[str]:
    """The devices (and addresses, where the app says so) of somebody who is banned from the room."""
    rows = BanTrace.objects.filter(ban__room=room_id, ban__person__identifier=identifier)
    rows = rows.filter(
        Q(ban__app__banned_guests=App.ADDRESS) | Q(ban__app__banned_guests=App.DEVICE, trace__startswith="d:")
    )
    return list(rows.values_list("trace", flat=True))


def against(*, room: Room, now: datetime) -> Against:
    """Four queries, whoever comes."""
    barred = barred_traces(room=room, now=now)
    first = Standing(muted_all=MuteAll.objects.filter(room=room).exists())
    mutes = holding(Mute.objects.filter(room=room), now).values_list("person__identifier", "until")[: _KEPT + 1]
    out = Ban.objects.filter(Q(room=room) | Q(app=room.app_id, room__isnull=True))
    bans = holding(out, now).values_list("person__identifier", "room", "until")[: _KEPT + 1]
    if len(mutes) > _KEPT or len(bans) > _KEPT:
        return Against(people=None, muted_all=first.muted_all, traces=barred)
    people = {name: replace(first, muted_until_ms=until_ms(until)) for name, until in mutes}
    for name, row, until in bans:
        people[name] = _with_bans(people.get(name, first), [(row, until)])
    return Against(people=people, muted_all=first.muted_all, traces=barred)


# Who was banned last counts where there are more.
_MOST_EXCLUDED = 20_000


def excluded_identifiers(room: Room) -> frozenset[str]:
    """Everybody who is banned from the room or its app now."""
    rows = Ban.objects.filter(Q(room=room) | Q(app=room.app_id, room__isnull=True))
    found = holding(rows, clock.now()).order_by("-since").values_list("person__identifier", flat=True)
    return frozenset(found[:_MOST_EXCLUDED])


# Of many rooms together; where there is more, each room is asked about by itself.
_KEPT_OF_MANY = 2_000


def against_all(*, rooms: Sequence[Room], now: datetime) -> dict[int, Against]:
    """By room. Four queries for all of them, and one for each room from which guests are barred."""
    if len(rooms) == 1:
        return {rooms[0].pk: against(room=rooms[0], now=now)}
    ids, apps = [room.pk for room in rooms], {room.app_id for room in rooms}
    silent = set(MuteAll.objects.filter(room__in=ids).values_list("room_id", flat=True))
    mutes = holding(Mute.objects.filter(room__in=ids), now).values_list("room_id", "person__identifier", "until")
    rows = Ban.objects.filter(Q(room__in=ids) | Q(app__in=apps, room__isnull=True))
    bans = holding(rows, now).values_list("room_id", "app_id", "person__identifier", "until")
    muted, banned = list(mutes[: _KEPT_OF_MANY + 1]), list(bans[: _KEPT_OF_MANY + 1])
    if max(len(muted), len(banned)) > _KEPT_OF_MANY:
        return {room.pk: against(room=room, now=now) for room in rooms}
    traces = BanTrace.objects.filter(Q(ban__room__in=ids) | Q(ban__app__in=apps, ban__room__isnull=True))
    places = set(traces.values_list("ban__room_id", "ban__app_id").distinct())
    traced_rooms = {pk for pk, _ in places}
    muted_in, banned_in = _grouped(muted), _grouped(banned)
    found = {}
    for room in rooms:
        traced = room.pk in traced_rooms or (None, room.app_id) in places
        barred = barred_traces(room=room, now=now) if traced else {}
        first = Standing(muted_all=room.pk in silent)
        mine = [(name, until) for _, name, until in muted_in.get(room.pk, ())]
        out = (*banned_in.get(room.pk, ()), *banned_in.get(None, ()))
        gone = [(name, pk, until) for pk, app_id, name, until in out if pk is not None or app_id == room.app_id]
        if max(len(mine), len(gone)) > _KEPT:
            found[room.pk] = Against(people=None, muted_all=first.muted_all, traces=barred)
            continue
        people = {name: replace(first, muted_until_ms=until_ms(until)) for name, until in mine}
        for name, pk, until in gone:
            people[name] = _with_bans(people.get(name, first), [(pk, until)])
        found[room.pk] = Against(people=people, muted_all=first.muted_all, traces=barred)
    return found


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[int | None, list[tuple[Any, ...]]]:
    """By their first column."""
    found: dict[int | None, list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return found


# -- many, for a process that was deaf for a moment


def standings(*, room_id: int, app_id: int, identifiers: Iterable[str], now: datetime) -> Mapping[str, Standing]:
    """The standing of everybody named, whether anything is against them or not."""
    first = Standing(muted_all=MuteAll.objects.filter(room=room_id).exists())
    found = dict.fromkeys(identifiers, first)
    names = list(found)
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        mutes = Mute.objects.filter(room=room_id, person__identifier__in=some)
        for name, until in holding(mutes, now).values_list("person__identifier", "until"):
            found[name] = replace(found[name], muted_until_ms=until_ms(until))
        for name, room, until in _bans(room_id=room_id, app_id=app_id, identifiers=some, now=now):
            found[name] = _with_bans(found[name], [(room, until)])
    return found


def _bans(*, room_id: int, app_id: int, identifiers: list[str], now: datetime) -> QuerySet[Any, Any]:
    rows = Ban.objects.filter(
        Q(room=room_id) | Q(app=app_id, room__isnull=True), person__app=app_id, person__identifier__in=identifiers
    )
    return holding(rows, now).values_list("person__identifier", "room", "until")


# -- lists


def mutes_of(*, room: Room, now: datetime) -> QuerySet[Mute]:
    return holding(Mute.objects.filter(room=room).select_related("person"), now)


def bans_of(*, room: Room, now: datetime) -> QuerySet[Ban]:
    """From this room; who is out of the app is not among them."""
    return holding(Ban.objects.filter(room=room).select_related("person"), now)


def app_bans(*, app: App, now: datetime) -> QuerySet[Ban]:
    return holding(Ban.objects.filter(app=app, room__isnull=True).select_related("person"), now)


def mute_all_of(room: Room) -> MuteAll | None:
    """Since when and by whom everybody is muted; None: nobody did."""
    return MuteAll.objects.filter(room=room).first()
