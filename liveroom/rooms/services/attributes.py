"""Attributes and counters of a room (R4): versioned, within limits, told on every change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from liveroom.kernel import facts, permission
from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.kernel.permission import Actor
from liveroom.rooms.facts import AttributesChanged, CountersChanged
from liveroom.rooms.models import Room, RoomAttribute, RoomCounter
from liveroom.rooms.rules import attributes as rules
from liveroom.rooms.rules import counters as counter_rules
from liveroom.rooms.services.locking import locked

RESERVED = frozenset({"status"})


class AttributeOverLimit(BadParameter):
    name = "attribute_over_limit"


class AttributeConflict(Conflict):
    """10056: somebody wrote since; read again, then write."""

    code, name = 10056, "attribute_conflict"


@transaction.atomic
def write_attributes(
    *,
    room: Room,
    values: Mapping[str, str],
    replace: bool,
    by: Actor,
    now: datetime,
    expected_version: int | None = None,
    expected_keys: Mapping[str, int] | None = None,
) -> Room:
    """Set `values`; with `replace`, whatever else there was goes. Versions that are not the newest: AttributeConflict."""
    room = locked(room.pk)
    permission.ask("room.attributes", actor=by, room=room)
    for key in RESERVED & set(values):
        raise BadParameter(f"The attribute {key!r} follows the room and cannot be written.", field=key)
    rows = {row.key: row for row in RoomAttribute.objects.filter(room=room)}
    _refuse_stale(room, rows, expected_version, expected_keys or {})
    after = dict(values) if replace else {**{key: row.value for key, row in rows.items()}, **values}
    over = rules.over_limit(after)
    if over:
        error = AttributeOverLimit(over.text, field="attributes", limit=over.limit, given=over.given)
        error.code = over.code
        raise error
    deleted = tuple(sorted(set(rows) - set(after)))
    changed = {key: value for key, value in values.items() if key not in rows or rows[key].value != value}
    if not changed and not deleted:
        return room
    return _write(room, rows, changed, deleted, now, operation="set" if replace else "modify")


@transaction.atomic
def delete_attributes(*, room: Room, keys: list[str] | None, by: Actor, now: datetime) -> Room:
    """Delete these keys, or all of them (None). Unknown keys are no error."""
    room = locked(room.pk)
    permission.ask("room.attributes", actor=by, room=room)
    rows = {row.key: row for row in RoomAttribute.objects.filter(room=room)}
    deleted = tuple(sorted(rows if keys is None else set(rows) & set(keys)))
    if not deleted:
        return room
    return _write(room, rows, {}, deleted, now, operation="clear" if keys is None else "delete")


def _refuse_stale(room: Room, rows: Mapping[str, RoomAttribute], version: int | None, keys: Mapping[str, int]) -> None:
    old = rules.stale(
        expected_room=version,
        actual_room=room.attributes_version,
        expected_keys=keys,
        actual_keys={key: row.version for key, row in rows.items()},
    )
    if old:
        what = f"The attribute {old.key!r} has" if old.key else "The attributes have"
        raise AttributeConflict(
            f"{what} version {old.actual} by now, not {old.expected}; read again and repeat.",
            key=old.key, expected=old.expected, actual=old.actual,
        )  # fmt: skip


def _write(
    room: Room,
    rows: Mapping[str, RoomAttribute],
    changed: Mapping[str, str],
    deleted: tuple[str, ...],
    now: datetime,
    *,
    operation: str,
) -> Room:
    told: dict[str, tuple[str, int]] = {}
    for key, value in changed.items():
        row = rows.get(key) or RoomAttribute(room=room, key=key, version=0)
        row.value, row.version = value, row.version + 1
        row.save()
        told[key] = (value, row.version)
    RoomAttribute.objects.filter(room=room, key__in=deleted).delete()
    room.attributes_version += 1
    room.save(update_fields=["attributes_version"])
    facts.state(
        AttributesChanged(
            room_id=room.pk,
            room_key=room.key,
            at=now,
            operation=operation,
            version=room.attributes_version,
            changed=told,
            deleted=deleted,
        )
    )
    return room


@transaction.atomic
def change_counters(*, room: Room, values: Mapping[str, int], mode: str, by: Actor, now: datetime) -> dict[str, int]:
    """Set, increase or decrease; returns the new values. All or none."""
    room = locked(room.pk)
    permission.ask("room.counters", actor=by, room=room)
    rows = {row.key: row for row in RoomCounter.objects.filter(room=room)}
    new: dict[str, int] = {}
    for key, value in values.items():
        try:
            new[key] = counter_rules.changed(current=rows[key].value if key in rows else 0, mode=mode, value=value)
        except counter_rules.OutOfRange as error:
            raise BadParameter(f"{key!r}: {error}.", field="counters") from None
    if len(set(rows) | set(new)) > counter_rules.MAX_COUNTERS:
        raise BadParameter(
            f"A room has at most {counter_rules.MAX_COUNTERS} counters.",
            field="counters",
            limit=counter_rules.MAX_COUNTERS,
        )
    for key, value in new.items():
        RoomCounter.objects.update_or_create(room=room, key=key, defaults={"value": value})
    if new:
        facts.state(CountersChanged(room_id=room.pk, room_key=room.key, at=now, changed=new))
    return new


@transaction.atomic
def delete_counters(*, room: Room, keys: list[str] | None, by: Actor) -> None:
    room = locked(room.pk)
    permission.ask("room.counters", actor=by, room=room)
    rows = RoomCounter.objects.filter(room=room)
    (rows if keys is None else rows.filter(key__in=keys)).delete()
