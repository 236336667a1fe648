"""What running compositors are told, by Redis (`streams/media/compositor/wires.py`).

Promise: nothing fails where Redis is away. A compositor looks once a second for the newest scene, and one that is started again gets it
from the row."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

import redis
from django.db import transaction

from liveroom.kernel.data.redis import redis_for
from streams.media.compositor import scene as scenes
from streams.media.compositor import wires
from streams.media.compositor.scene import Scene
from streams.mixes.models import Mix
from streams.mixes.resolving import resolved
from streams.mixes.selectors import burning_comments

log = logging.getLogger(__name__)

# A room hears as many comments in two seconds.
MOST_AT_ONCE: Final = 80


def send_after_commit(mix: Mix) -> None:
    """The newest scene of the row, once the transaction is done."""
    transaction.on_commit(lambda: _send_newest(mix.pk), robust=True)


def _send_newest(pk: int) -> None:
    mix = Mix.objects.select_related("room__app").filter(pk=pk).first()
    if mix is None or mix.is_over:
        return
    send_scene(compositor=mix.number, room_key=mix.room.key, scene=resolved(mix))


def send_scene(*, compositor: str, room_key: str, scene: Scene) -> None:
    """To the compositor of a mix or of a marked copy, by its number."""
    try:
        pipe = redis_for(room_key).pipeline(transaction=False)
        pipe.set(wires.scene_key(compositor), scenes.written(scene), ex=wires.SCENE_SECONDS)
        pipe.publish(wires.do_channel(compositor), wires.do(wires.Do(scene=scene)))
        pipe.execute()
    except redis.RedisError as error:
        log.warning("The compositor %s was not told of its scene %d (%s).", compositor, scene.serial, error)


def forget_after_commit(mix: Mix) -> None:
    """It is over: nobody looks for its scene any more."""

    def forget() -> None:
        try:
            redis_for(mix.room.key).delete(wires.scene_key(mix.number))
        except redis.RedisError as error:
            log.info("The scene of the mix %s stays in Redis until it expires (%s).", mix.number, error)

    transaction.on_commit(forget, robust=True)


def say(said: Mapping[int, Sequence[wires.Bullet]]) -> int:
    """Comments onto the pictures of mixes that want them, `said` by room; how many mixes were told. Whoever calls this says what viewers
    have seen: what was refused, held or sampled never comes here. A query, if anything was said; what is lost is lost, it was said now."""
    found = burning_comments(list(said)) if said else []
    for one in found:
        bullets = tuple(said[one.room_id][-MOST_AT_ONCE:])
        try:
            redis_for(one.room_key).publish(wires.do_channel(one.mix), wires.do(wires.Do(comments=bullets)))
        except redis.RedisError as error:
            log.info("%d comments did not reach the mix %s (%s).", len(bullets), one.mix, error)
    return len(found)
