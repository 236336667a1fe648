"""What is asked of relays: make one, change it, start it again, delete it. Each writes the row and the wish for its job in one transaction.

Promise: a relay that would bring a stream back to itself is refused; so is an address of this server that names no stream."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from liveroom.kernel import facts, permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from liveroom.rooms.services.locking import locked
from streams.jobs import services as jobs
from streams.jobs.models import State
from streams.models.streams import Stream
from streams.relays.ends import ends_of
from streams.relays.kinds import COPY_CORES, KINDS, RelaySpec
from streams.relays.listed_files import cores_of
from streams.relays.models import OVER, Relay
from streams.relays.noting import changed_fact, note_state
from streams.relays.rules import FILE, PULL, PUSH
from streams.watermarks.copies.settling import settle, source_for

MOST_AT_WORK, MOST_ROWS = 10, 100
LONGEST_AHEAD = timedelta(days=365)
SWITCHED_OFF, ROOM_ENDED = "Switched off.", "The room was ended."


class TooManyRelays(Conflict):
    """10056. `limit`: how many a room may have."""

    name = "too_many_relays"


@transaction.atomic
def create_relay(
    *,
    stream: Stream,
    kind: str,
    by: Actor,
    now: datetime,
    source: str | None = None,
    target: str | None = None,
    files: Sequence[str] | None = None,
    loop: int | None = None,
    starts_at: datetime | None = None,
    label: str = "",
    enabled: bool = True,
    address: str = "",
) -> Relay:
    """BadParameter, SourceForbidden, LeadsBack, RelayTwice, TooManyRelays."""
    room = locked(stream.room_id)
    permission.ask("media.manage", actor=by, room=room)
    if kind != PUSH and stream.made_by:
        raise BadParameter(
            f"The picture of {stream.name!r} is made by this server; name a stream that encoders push.", field="stream"
        )
    ends = ends_of(stream=stream, kind=kind, by=by, source=source, target=target, files=files, without=None)
    _refuse_strange(kind, loop=loop, starts_at=starts_at, now=now)
    _refuse_too_many(room)
    relay = Relay.objects.create(
        app=room.app, room=room, stream=stream, kind=kind, label=label, source=ends.source, own_source=ends.own_source,
        target=ends.target, files=list(ends.files), loop=1 if loop is None else loop, starts_at=starts_at,
        enabled=enabled, looked=ends.own_source is not None, by=str(by)[:80], created_at=now, since=now,
        state=State.WAITING if enabled else State.STOPPED, reason="" if enabled else SWITCHED_OFF,
    )  # fmt: skip
    audit.record(
        action="relay.create", actor=by, now=now, room_key=room.key, target=stream.name, address=address,
        detail={"relay": relay.number, "kind": kind, "source": relay.shown_source, "target": relay.shown_target},
    )  # fmt: skip
    _want(relay, now=now)
    facts.state(changed_fact(relay, now=now))
    return relay


@transaction.atomic
def change_relay(*, relay: Relay, by: Actor, now: datetime, address: str = "", **said: Any) -> Relay:
    """`said`: source, target, files, loop, starts_at, label, enabled. What stays the same disturbs no child."""
    room = locked(relay.room_id)
    permission.ask("media.manage", actor=by, room=room)
    relay = (
        Relay.objects.select_for_update(of=("self",))
        .select_related("stream", "own_source", "room__app")
        .get(pk=relay.pk)
    )
    before = (relay.source, relay.own_source_id, relay.target, relay.files, relay.loop, relay.starts_at)
    _refuse_strange(relay.kind, loop=said.get("loop"), starts_at=said.get("starts_at"), now=now)
    if any(said.get(name) is not None for name in ("source", "target", "files")):
        ends = ends_of(
            stream=relay.stream, kind=relay.kind, by=by, source=said.get("source"), target=said.get("target"),
            files=said.get("files"), without=relay,
        )  # fmt: skip
        relay.source, relay.own_source, relay.target, relay.files = (
            ends.source, ends.own_source, ends.target, list(ends.files),
        )  # fmt: skip
    for name in ("loop", "starts_at", "label", "enabled"):
        if name in said:
            setattr(relay, name, said[name])
    is_other = before != (relay.source, relay.own_source_id, relay.target, relay.files, relay.loop, relay.starts_at)
    if is_other:
        relay.serial += 1
        if (relay.source, relay.own_source_id) != before[:2]:
            relay.looked, relay.new_sound = relay.own_source is not None, False
        if relay.files != before[3]:
            relay.place = {}
    if relay.enabled and relay.is_over and (is_other or said.get("enabled")):
        _refuse_too_many(room)
        relay.state, relay.reason, relay.since, relay.place = State.WAITING, "", now, {}
    relay.save()
    audit.record(
        action="relay.change", actor=by, now=now, room_key=room.key, target=relay.stream.name, address=address,
        detail={"relay": relay.number, "changed": sorted(said)},
    )  # fmt: skip
    if relay.enabled:
        _want(relay, now=now)
    else:
        _stop(relay, now=now, reason=SWITCHED_OFF)
    relay.refresh_from_db(fields=["state", "reason", "since"])
    return relay


@transaction.atomic
def restart_relay(*, relay: Relay, by: Actor, now: datetime, address: str = "") -> Relay:
    """A new child now; one that was over or switched off begins anew, files from the first one."""
    room = locked(relay.room_id)
    permission.ask("media.manage", actor=by, room=room)
    if relay.is_over or not relay.enabled:
        return change_relay(relay=relay, by=by, now=now, address=address, enabled=True)
    audit.record(
        action="relay.restart", actor=by, now=now, room_key=room.key, target=relay.stream.name, address=address,
        detail={"relay": relay.number},
    )  # fmt: skip
    job = jobs.open_job(kind=KINDS[relay.kind], reference=relay.reference)
    if job is None:
        _want(relay, now=now)
    else:
        jobs.restart(job=job)
    return relay


@transaction.atomic
def delete_relay(*, relay: Relay, by: Actor, now: datetime, address: str = "") -> None:
    room = locked(relay.room_id)
    permission.ask("media.manage", actor=by, room=room)
    audit.record(
        action="relay.delete", actor=by, now=now, room_key=room.key, target=relay.stream.name, address=address,
        detail={"relay": relay.number, "kind": relay.kind},
    )  # fmt: skip
    _stop(relay, now=now, reason="Deleted.", tell=False)
    facts.state(changed_fact(relay, now=now, state="deleted"))
    relay.delete()
    settle(stream_id=relay.stream_id, now=now)


@transaction.atomic
def stop_relays(*, room_id: int, now: datetime, reason: str, into_programme: bool = False) -> None:
    """All of a room; `into_programme`: only those that publish what its viewers see."""
    rows = Relay.objects.filter(room_id=room_id, enabled=True).exclude(state__in=OVER)
    if into_programme:
        rows = rows.filter(kind__in=(PULL, FILE), stream__on_programme=True).exclude(starts_at__gt=now)
    for relay in rows.select_related("stream", "room__app"):
        Relay.objects.filter(pk=relay.pk).update(enabled=False)
        _stop(relay, now=now, reason=reason)


def _want(relay: Relay, *, now: datetime) -> None:
    if relay.enabled and not relay.is_over:
        source, source_id = "", 0
        if relay.kind == PUSH:
            settle(stream_id=relay.stream_id, now=now)
            source, source_id = source_for(target=relay.reference, stream=relay.stream, now=now)
        spec = RelaySpec(
            relay=relay.pk, serial=relay.serial, starts_at=relay.starts_at,
            needs_cores=cores_of(relay.files) if relay.kind == FILE else COPY_CORES, source=source, source_id=source_id,
        )  # fmt: skip
        jobs.want(
            kind=KINDS[relay.kind], reference=relay.reference, spec=spec, app=relay.app, stream=relay.stream, now=now,
            label=str(relay),
        )  # fmt: skip


def _stop(relay: Relay, *, now: datetime, reason: str, tell: bool = True) -> None:
    job = jobs.open_job(kind=KINDS[relay.kind], reference=relay.reference)
    if job is not None:
        jobs.stop(job=job, now=now)
    if tell and not relay.is_over:
        note_state(relay_id=relay.pk, state=State.STOPPED, now=now, reason=reason)
    if relay.kind == PUSH:
        settle(stream_id=relay.stream_id, now=now)


def _refuse_too_many(room: Room) -> None:
    mine = Relay.objects.filter(room=room)
    if mine.exclude(state__in=OVER).count() >= MOST_AT_WORK:
        raise TooManyRelays(f"A room has at most {MOST_AT_WORK} relays at work; stop one first.", limit=MOST_AT_WORK)
    if mine.count() >= MOST_ROWS:
        raise TooManyRelays(f"A room keeps at most {MOST_ROWS} relays; delete some that are over.", limit=MOST_ROWS)


def _refuse_strange(kind: str, *, loop: int | None, starts_at: datetime | None, now: datetime) -> None:
    if loop is not None and kind != FILE:
        raise BadParameter("loop is for relays of files.", field="loop")
    if starts_at is not None and not now < starts_at <= now + LONGEST_AHEAD:
        raise BadParameter(
            f"starts_at lies in the future, at most {LONGEST_AHEAD.days} days ahead; leave it out to start now.",
            field="starts_at", limit=LONGEST_AHEAD.days,
        )  # fmt: skip
