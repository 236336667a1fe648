"""What the compositor of a marked copy is told, by Redis (`streams/media/compositor/wires.py`).

Promise: nothing fails where Redis is away: a compositor looks once a second for the newest scene, and one that is started again gets it
from the rows."""

from __future__ import annotations

import logging

import redis
from django.db import transaction

from liveroom.kernel.data.redis import shared
from streams.media.compositor import scene as scenes
from streams.media.compositor import wires
from streams.watermarks.copies.scenes import scene_of
from streams.watermarks.models import MarkedCopy

log = logging.getLogger(__name__)


def send_after_commit(copy: MarkedCopy) -> None:
    """Its newest scene, once the transaction is done."""
    transaction.on_commit(lambda: _send_newest(copy.pk), robust=True)


def _send_newest(pk: int) -> None:
    copy = MarkedCopy.objects.select_related("source", "mark").filter(pk=pk).first()
    if copy is None or not copy.targets or not copy.width:
        return
    scene = scene_of(copy)
    try:
        pipe = shared().pipeline(transaction=False)
        pipe.set(wires.scene_key(copy.number), scenes.written(scene), ex=wires.SCENE_SECONDS)
        pipe.publish(wires.do_channel(copy.number), wires.do(wires.Do(scene=scene)))
        pipe.execute()
    except redis.RedisError as error:
        log.warning("The marked copy %s was not told of its scene %d (%s).", copy.number, copy.serial, error)
