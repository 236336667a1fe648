"""The picture that a room shows where rooms are listed: uploaded, named by an address, or the latest of its own stream.

What is uploaded is drawn anew from its pixels (kernel/values/pictures.py) and kept below MEDIA_ROOT under a name that nobody can guess;
what it replaces goes after the commit."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from liveroom.kernel import facts, permission
from liveroom.kernel.data import audit
from liveroom.kernel.permission import Actor
from liveroom.kernel.values.pictures import Wanted, drawn_anew
from liveroom.rooms.facts import RoomChanged
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import cover_of
from liveroom.rooms.services.locking import locked

FOLDER = "covers"
COVER = Wanted(
    what="A cover", field="cover", formats={"PNG": "JPEG", "JPEG": "JPEG", "WEBP": "JPEG"}, known_as="a PNG, JPEG or WebP picture",
    most_bytes=5 * 1024 * 1024, smallest=64, largest=8192, most_pixels=30_000_000, kept_within=1280,
)  # fmt: skip


@transaction.atomic
def upload_cover(*, room: Room, raw: bytes, by: Actor, now: datetime, address: str = "") -> Room:
    """BadParameter (`cover`) says the limit and what came."""
    permission.ask("room.change", actor=by, room=room)
    picture = drawn_anew(raw, COVER)
    room = locked(room.pk)
    permission.ask("room.change", actor=by, room=room)
    name = default_storage.save(f"{FOLDER}/{secrets.token_hex(16)}.{picture.ending}", ContentFile(picture.content))
    try:
        _set(room, name, by=by, now=now, address=address)
    except BaseException:
        default_storage.delete(name)
        raise
    return room


@transaction.atomic
def remove_cover(*, room: Room, by: Actor, now: datetime, address: str = "") -> Room:
    """Back to the latest picture of the stream, if there is one."""
    room = locked(room.pk)
    permission.ask("room.change", actor=by, room=room)
    if room.cover:
        _set(room, "", by=by, now=now, address=address)
    return room


def _set(room: Room, cover: str, *, by: Actor, now: datetime, address: str) -> None:
    forget_later(room.cover)
    room.cover = cover
    room.save(update_fields=["cover"])
    audit.record(
        action="room.change", actor=by, now=now, room_key=room.key, address=address, detail={"fields": ["cover"]}
    )
    facts.state(RoomChanged(room_id=room.pk, room_key=room.key, at=now, changed={"cover": cover_of(room)}))


def forget_later(cover: str) -> None:
    """The file of an uploaded cover, once the change is sure. What is an address somewhere is left alone."""
    if is_uploaded(cover):
        transaction.on_commit(lambda: default_storage.delete(cover))


def is_uploaded(cover: str) -> bool:
    return cover.startswith(f"{FOLDER}/")


def keep_picture(*, room_id: int, name: str, at: datetime | None) -> None:
    """Called by streams: the latest picture of the programme, below MEDIA_ROOT; "" for none. Nobody is told: it changes by the minute."""
    Room.objects.filter(pk=room_id).update(picture=name, picture_at=at)
