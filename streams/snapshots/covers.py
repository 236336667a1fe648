"""The cover that a room shows while its owner has set none: the latest picture of its programme, once a minute.

Only of open rooms: what stands on the front page is everybody's. A picture that was to be judged first comes here after it passed, a
stream that was cut takes its picture from the cover. The file bears a name that nobody can guess, and the room's row says where it is."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from PIL import Image, ImageStat

from liveroom.kernel.values.signing import derived_secret
from liveroom.rooms.models import Room
from liveroom.rooms.services import covers
from streams.models.streams import Stream
from streams.snapshots.models import DONE, Snapshot
from streams.storage import storage

log = logging.getLogger(__name__)

AT_MOST_EVERY = timedelta(seconds=60)
SIDE = 640
# Mean brightness of 255: a picture that is all but black tells nobody anything.
DARK = 12


def follow(*, snapshot: Snapshot) -> bool:
    """Whether the room shows this picture now. `snapshot.stream.room` should be loaded; what fails is logged: a cover is no duty."""
    stream = snapshot.stream
    room = Room.objects.select_related("app").get(pk=stream.room_id)
    if not _wanted(room, stream) or snapshot.taken_at is None or snapshot.state != DONE:
        return False
    if room.picture and room.picture_at is not None and snapshot.taken_at < room.picture_at + AT_MOST_EVERY:
        return False
    try:
        with storage().at_hand(key=snapshot.key) as path:
            if not _drawn(path, _path(room.pk)):
                return False
    except Exception as error:
        log.warning("The cover of %s could not be made: %s", room.group_id, error)
        return False
    name = f"{_name(room.pk)}?{int(snapshot.taken_at.timestamp())}"
    covers.keep_picture(room_id=room.pk, name=name, at=snapshot.taken_at)
    return True


def drop(*, room_id: int) -> None:
    """The picture goes from the cover and from the disk."""
    covers.keep_picture(room_id=room_id, name="", at=None)
    transaction.on_commit(lambda: _path(room_id).unlink(missing_ok=True))


def picture_of(room: Room) -> Path | None:
    """The file of the picture that stands as its cover now, on this host."""
    path = _path(room.pk) if room.picture else None
    return path if path is not None and path.is_file() else None


def _wanted(room: Room, stream: Stream) -> bool:
    return stream.on_programme and room.is_open and room.disbanded_at is None and not room.cover


def _name(room_id: int) -> str:
    secret = hmac.new(derived_secret("covers").encode(), str(room_id).encode(), hashlib.sha256).hexdigest()
    return f"covers/{secret[:32]}.jpg"


def _path(room_id: int) -> Path:
    return Path(settings.MEDIA_ROOT) / _name(room_id)


def _drawn(source: Path, target: Path) -> bool:
    """False: it is too dark to show anything."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    with Image.open(source, formats=["JPEG"]) as picture:
        picture.draft("RGB", (SIDE, SIDE))
        small = picture.convert("RGB")
        small.thumbnail((SIDE, SIDE))
        if ImageStat.Stat(small.convert("L")).mean[0] < DARK:
            return False
        try:
            small.save(aside, "JPEG", quality=82)
            aside.rename(target)
        finally:
            aside.unlink(missing_ok=True)
    return True
