"""Messages of the app to all its rooms (broadcasts) or to one (notices), above their rates (W3). A broadcast is one row in the outbox;
the relay publishes it room by room.

Promise: every open room that anybody could be in hears it, each once, also when the relay dies in between: it begins again, and a room
that has heard the id hears nothing. A room that Redis does not know and that the list counts nobody in is left out: nobody is there to
hear it, and whoever comes first begins a new memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from interactions.chat.events import Broadcast
from interactions.chat.services import contents
from interactions.chat.services.contents import or_unset
from interactions.delivery import Everyone, ms, publish_durably
from interactions.delivery import Room as RoomTarget
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms import begin_now
from interactions.room.events import SystemMessage
from interactions.room_refs import ref
from liveroom.accounts.models import App
from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.data.redis import key, redis_for
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import ids
from liveroom.kernel.values import text as kernel_text
from liveroom.rooms.models import Room

TITLE_BYTES = 100
# Rooms in one round: between two rounds Redis serves the others.
CHUNK = 200


@dataclass(frozen=True, slots=True)
class BroadcastSent:
    """`rooms`: how many open rooms the app has."""

    id: str
    rooms: int


@transaction.atomic
def send_broadcast(
    *,
    app: App,
    by: Actor,
    now: datetime,
    text: str | None = None,
    data: Any = None,
    title: str | None = None,
    address: str = "",
) -> BroadcastSent:
    """Say it to every room of the app, at once: `text`, or `data` (any JSON), and perhaps a `title`. Servers with the scope `messages`,
    app admins, staff. BadParameter (80002 for what is too long)."""
    permission.ask("broadcast.send", actor=by)
    if title is not None:
        title = kernel_text.line(title, field="title", limit_bytes=TITLE_BYTES, required=True)
    if (text is None) == (data is None):
        raise BadParameter("A broadcast needs text or data, and not both.", field="text")
    _check(text=text, data=data, limit_bytes=app.message_bytes)
    sent = BroadcastSent(id=ids.event_id(), rooms=Room.objects.filter(app=app, disbanded_at__isnull=True).count())
    audit.record(
        action="broadcast.send", actor=by, now=now, target=str(app.sdkappid), address=address,
        detail={"id": sent.id, "rooms": sent.rooms, **_audited(title=title, text=text, data=data)},
    )  # fmt: skip
    event = Broadcast(t=ms(now), id=sent.id, title=or_unset(title), text=or_unset(text), data=or_unset(data))
    publish_durably(event, to=Everyone(sdkappid=app.sdkappid), at=now)
    return sent


@transaction.atomic
def send_system_notice(
    *, room: Room, by: Actor, now: datetime, text: str | None = None, data: Any = None, address: str = ""
) -> str:
    """Say it to whoever is in this room now: above the cap, never dropped, not in the history. `text`, `data` (the app's own field, any
    JSON), or both. Returns its id.

    `room` with its app. Servers with the scope `messages`, app admins, staff. BadParameter (80002 for what is too long)."""
    permission.ask("system.send", actor=by, room=room)
    if text is None and data is None:
        raise BadParameter("A notice needs text, data or both.", field="text")
    _check(text=text, data=data, limit_bytes=room.message_bytes or room.app.message_bytes)
    notice_id = ids.event_id()
    audit.record(
        action="system.send", actor=by, now=now, room_key=room.key, target=room.group_id, address=address,
        detail={"id": notice_id, **_audited(text=text, data=data)},
    )  # fmt: skip
    event = SystemMessage(t=ms(now), id=notice_id, reason="notice", text=text or "", data=or_unset(data))
    publish_durably(event, to=RoomTarget(room.key), at=now)
    return notice_id


def _check(*, text: str | None, data: Any, limit_bytes: int) -> None:
    if text is not None:
        contents.check_text(text, limit_bytes=limit_bytes)
    if data is not None:
        contents.check_json(data, field="data", limit_bytes=limit_bytes)


def _audited(**said: Any) -> dict[str, str]:
    return {name: str(value)[:300] for name, value in said.items() if value is not None}


def open_rooms(sdkappid: int) -> Iterator[list[RoomRef]]:
    """The open rooms of an app, in portions, for what is heard by everyone (delivery.publishing.install)."""
    rooms = Room.objects.select_related("app").filter(app__sdkappid=sdkappid, disbanded_at__isnull=True)
    after = 0
    while chunk := list(rooms.filter(pk__gt=after).order_by("pk")[:CHUNK]):
        _begin_where_somebody_is(chunk)
        yield [ref(room) for room in chunk]
        after = chunk[-1].pk


def _begin_where_somebody_is(rooms: Sequence[Room]) -> None:
    """A room with viewers that Redis forgot this very moment begins anew, so that they hear it when they come back."""
    watched = [room for room in rooms if room.online]
    if watched:
        pipe: Any = redis_for(watched[0].key).pipeline(transaction=False)
        for room in watched:
            pipe.exists(key("state", room.key))
        for room, known in zip(watched, pipe.execute(), strict=True):
            if not known:
                begin_now(room_key=room.key)
