"""What is heard and told by Redis, in a thread of its own (`wires.py` says what).

Promise: the canvas never waits for Redis, and goes on without it. What came while it was away is found under `scene_key`, which is
looked at once a second. Bounded: of scenes only the newest is kept, of comments the last two hundred."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import msgspec
import redis

from streams.media.compositor import scene as scenes
from streams.media.compositor import wires
from streams.media.compositor.scene import Scene
from streams.media.compositor.start import Start
from streams.media.compositor.wires import Bullet, Told

log = logging.getLogger(__name__)

_TELL_SECONDS, _POLL_SECONDS = 0.1, 1.0
_TIMEOUT_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 0.5
_MOST_COMMENTS: Final = 200


class Messages:
    """`take_scene`, `take_comments`: what came since the last time. `tell(watched)`: makes what is told; called by this thread."""

    def __init__(self, start: Start, *, tell: Callable[[bool], Told], prepare: Callable[[Scene], None]) -> None:
        self._start = start
        self._tell, self._prepare = tell, prepare
        self._serial = start.scene.serial
        self._scene: Scene | None = None
        self._comments: deque[Bullet] = deque(maxlen=_MOST_COMMENTS)
        self._ends = threading.Event()
        self._watched = False
        self._threads = [
            threading.Thread(target=self._run, args=(turn,), name=name, daemon=True)
            for name, turn in (("hearing", self._hear), ("telling", self._keep_telling))
        ]

    def start(self) -> None:
        if self._start.redis_url:
            for thread in self._threads:
                thread.start()

    def close(self) -> None:
        self._ends.set()

    def take_scene(self) -> Scene | None:
        found, self._scene = self._scene, None
        return found

    def take_comments(self) -> list[Bullet]:
        found: list[Bullet] = []
        with suppress(IndexError):
            while True:
                found.append(self._comments.popleft())
        return found

    # -- its threads

    def _run(self, turn: Callable[[redis.Redis], None]) -> None:
        is_away = False
        while not self._ends.is_set():
            try:
                client: Any = redis.Redis.from_url(
                    self._start.redis_url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS
                )
                with client:
                    turn(client)
            except (redis.RedisError, OSError) as error:
                if not is_away:
                    log.warning("Redis is away: %s", type(error).__name__)
                is_away = True
            except Exception:
                log.exception("What is told or heard failed")
            self._ends.wait(_PAUSE_SECONDS)

    def _hear(self, client: redis.Redis) -> None:
        pubsub: Any = client.pubsub(ignore_subscribe_messages=True)
        with pubsub:
            pubsub.subscribe(wires.do_channel(self._start.mix))
            polled = 0.0
            while not self._ends.is_set():
                if time.monotonic() - polled >= _POLL_SECONDS:
                    polled = time.monotonic()
                    self._offer(client.get(wires.scene_key(self._start.mix)), scenes.read)
                message = pubsub.get_message(timeout=0.25)
                if message is not None and message["type"] == "message":
                    self._offer(message["data"], wires.read_do)

    def _offer(self, raw: Any, read: Callable[[bytes], Any]) -> None:
        """What cannot be read is left aside: what is on goes on."""
        if raw is None:
            return
        try:
            found = read(raw)
        except (msgspec.MsgspecError, ValueError) as error:
            log.warning("A message is none: %s", str(error)[:200])
            return
        if isinstance(found, wires.Do):
            self._comments.extend(found.comments)
            found = found.scene
        if found is not None and found.serial > self._serial:
            self._serial = found.serial
            try:
                self._prepare(found)
            except Exception:
                log.exception("Scene %s could not be prepared", found.serial)
            self._scene = found

    def _keep_telling(self, client: redis.Redis) -> None:
        asked = 0.0
        channel, watched = wires.told_channel(self._start.mix), wires.watched_key(self._start.mix)
        due = time.monotonic()
        while not self._ends.is_set():
            if time.monotonic() - asked >= _POLL_SECONDS / 2:
                asked = time.monotonic()
                self._watched = bool(client.exists(watched))
            client.publish(channel, wires.told(self._tell(self._watched)))
            due = max(due + _TELL_SECONDS, time.monotonic() + _TELL_SECONDS / 4)
            self._ends.wait(due - time.monotonic())
