"""As which stream a mix is published: one that is made for it, or one that an earlier mix of the room left."""

from __future__ import annotations

from datetime import datetime

from liveroom.kernel import permission
from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from streams.jobs.models import OPEN_STATES
from streams.mixes.models import Mix
from streams.models.streams import MIX, Stream
from streams.services.streams import create_stream


class OutputTaken(Conflict):
    """10056: another mix is published as that stream."""

    name = "output_taken"


def output_for(*, room: Room, name: str | None, label: str, by: Actor, now: datetime) -> Stream:
    """`name`: of a stream that a mix of the room was published as before, or of a new one (servers and staff choose names, S1). None:
    any that is free, or a new one. The room is locked."""
    mine = Stream.objects.filter(room=room, made_by=MIX)
    if name is None:
        free = mine.exclude(mixes__state__in=OPEN_STATES).order_by("-id").first()
        return _labelled(free, label) if free is not None else _made(room, label=label, name=None, now=now)
    found = mine.filter(name=name).first() if name.isascii() and name.isprintable() else None
    if found is None:
        _refuse_pushed(room, name)
        permission.ask("stream.name", actor=by, room=room)
        return _made(room, label=label, name=name, now=now)
    other = Mix.objects.filter(stream=found, state__in=OPEN_STATES).first()
    if other is not None:
        raise OutputTaken(f"The mix {other.number} is published as {name}; end it first, or leave output out.")
    return _labelled(found, label)


def _refuse_pushed(room: Room, name: str) -> None:
    if Stream.objects.filter(room=room, name=name).exclude(made_by=MIX).exists():
        raise BadParameter(
            f"output: {name} is a stream that encoders push to; leave output out, or name one of an earlier mix.",
            field="output", given=name,
        )  # fmt: skip


def _made(room: Room, *, label: str, name: str | None, now: datetime) -> Stream:
    return create_stream(room=room, label=label or "mix", name=name, now=now, made_by=MIX)


def _labelled(stream: Stream, label: str) -> Stream:
    if label and stream.label != label:
        stream.label = label
        stream.save(update_fields=["label"])
    return stream
