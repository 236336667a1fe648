"""What a running mix says, for all who sit at its desks here: one subscription a mix, however many look.

The mix's own words: wires.py of streams/media/compositor. While somebody looks, `watched_key` says so, and pictures come. Whatever is
lost is said again: the number of the newest scene is looked up every second, everything else comes ten times a second anyway."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import redis
import redis.asyncio
from msgspec import Struct

from liveroom.kernel.errors import LiveRoomError
from streams.director.rules import desk_channel
from streams.gateway.desk.outbox import Outbox
from streams.media.compositor import wires

log = logging.getLogger(__name__)

MOST_DESKS, MOST_OF_ONE, MOST_MIXES = 12, 4, 200
_WATCH_SECONDS, _LOOK_SECONDS, _AGAIN_SECONDS = 2.0, 1.0, 0.5
# A page that is loaded again comes back within that time, and the subscription stays.
_LINGER_SECONDS = 2.0


class TooManyDesks(LiveRoomError):
    """10014."""

    code, name, status = 10014, "desk_limit", 503


class _Serial(Struct):
    """Of a scene, all that a desk hears from here: the page fetches the rest with its own right."""

    serial: int


class _Do(Struct):
    scene: _Serial | None = None


def _frame(kind: str, body: Struct | dict[str, Any]) -> bytes:
    return msgspec.json.encode({"type": kind, **msgspec.to_builtins(body)})


class _Mix:
    """One subscription."""

    def __init__(self, *, mix: str, client: redis.asyncio.Redis) -> None:
        self.mix = mix
        self.desks: dict[Outbox, str] = {}
        self._client = client
        self._serial = -1
        self._away = False
        self._watch_at = self._look_at = 0.0

    def join(self, outbox: Outbox, who: str) -> None:
        if len(self.desks) >= MOST_DESKS or list(self.desks.values()).count(who) >= MOST_OF_ONE:
            raise TooManyDesks(f"At most {MOST_DESKS} desks look at one mix, {MOST_OF_ONE} of one person; close one.")
        self.desks[outbox] = who
        outbox.say("scene", _frame("scene", {"serial": self._serial}))
        if self._away:
            outbox.say("away", _frame("away", {"away": True}))

    def _say(self, kind: str, body: Struct | dict[str, Any]) -> None:
        frame = _frame(kind, body)
        for outbox in self.desks:
            outbox.say(kind, frame)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self._hear()
            except (redis.RedisError, OSError, TimeoutError) as error:
                if not self._away:
                    log.warning("The desks of mix %s hear nothing: %s", self.mix, str(error) or type(error).__name__)
                    self._away = True
                    self._say("away", {"away": True})
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _hear(self) -> None:
        async with self._client.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(wires.told_channel(self.mix), wires.do_channel(self.mix), desk_channel(self.mix))
            self._look_at = self._watch_at = 0.0
            while True:
                await self._look()
                message = await channel.get_message(timeout=_AGAIN_SECONDS)
                if self._away:
                    self._away = False
                    self._say("away", {"away": False})
                if message is not None and isinstance(message.get("data"), bytes):
                    self._heard(message["channel"], message["data"])

    async def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._watch_at and self.desks:
            self._watch_at = now + _WATCH_SECONDS
            await self._client.set(wires.watched_key(self.mix), b"1", ex=wires.WATCHED_SECONDS)
        if now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            found = await self._client.get(wires.scene_key(self.mix))
            if found:
                with contextlib.suppress(msgspec.MsgspecError):
                    self._changed(msgspec.json.decode(found, type=_Serial).serial)

    def _heard(self, channel: bytes, data: bytes) -> None:
        """What is of another version of us is passed over."""
        try:
            named = channel.decode()
            if named == desk_channel(self.mix):
                self._say("desk", {})
                return
            if named == wires.do_channel(self.mix):
                done = msgspec.json.decode(data, type=_Do)
                if done.scene is not None:
                    self._changed(done.scene.serial)
                return
            told = wires.read_told(data)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        if told.pictures:
            for outbox in self.desks:
                outbox.show(told.pictures)
                outbox.keep_only({"programme", "preview", *(f"input:{one.id}" for one in told.inputs)})
        self._say("told", msgspec.structs.replace(told, pictures={}))

    def _changed(self, serial: int) -> None:
        """A smaller one is news, too: the mix may have been made anew."""
        if serial != self._serial:
            self._serial = serial
            self._say("scene", {"serial": serial})


class Desks:
    """All mixes that somebody looks at through this gateway. `connect`: a Redis client of the running loop."""

    def __init__(self, *, connect: Callable[[], redis.asyncio.Redis], secret: str) -> None:
        self.secret = secret
        self._connect = connect
        self._mixes: dict[str, _Mix] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leaving: dict[str, asyncio.TimerHandle] = {}

    @contextlib.contextmanager
    def seat(self, *, mix: str, who: str) -> Iterator[Outbox]:
        """Hears the mix while the block lasts. TooManyDesks."""
        found = self._mixes.get(mix)
        if found is None:
            if len(self._mixes) >= MOST_MIXES:
                raise TooManyDesks(f"Desks of at most {MOST_MIXES} mixes are open at once; try again later.")
            found = self._mixes[mix] = _Mix(mix=mix, client=self._connect())
            self._tasks[mix] = asyncio.create_task(found.run(), name=f"desks of {mix}")
        if (leaving := self._leaving.pop(mix, None)) is not None:
            leaving.cancel()
        outbox = Outbox()
        try:
            found.join(outbox, who)
            yield outbox
        finally:
            found.desks.pop(outbox, None)
            if not found.desks:
                loop = asyncio.get_running_loop()
                self._leaving[mix] = loop.call_later(_LINGER_SECONDS, self._let_go, mix)

    def _let_go(self, mix: str) -> None:
        self._leaving.pop(mix, None)
        if (found := self._mixes.get(mix)) is not None and not found.desks:
            del self._mixes[mix]
            self._tasks.pop(mix).cancel()

    async def stop(self) -> None:
        for timer in self._leaving.values():
            timer.cancel()
        for mix in self._mixes.values():
            for outbox in mix.desks:
                outbox.end()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._mixes, self._tasks = {}, {}
