"""`/ws/v1`: parse a command, call one service, answer once. PROTOCOL.md and asyncapi.yaml describe it.

A comment's answer comes with its tick; other commands of the socket do not wait for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import redis
from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import OperationalError

from interactions.consumers import commands
from interactions.consumers.commands import BadCommand, NotInRoom
from interactions.consumers.sockets import Socket
from interactions.live import pipeline, whereabouts, whispers, you
from interactions.live.hub import Hub, Seat
from interactions.live.limits import Limits
from interactions.live.pipeline import Message, Outcome, Position
from interactions.services import comments, joining, likes
from interactions.services.joining import RoomView
from interactions.services.lobby import Door, Lobby, Moment
from liveroom.accounts.selectors import Profile
from liveroom.accounts.services.tokens import TokenRefused
from liveroom.kernel import clock, metrics
from liveroom.kernel.errors import BadParameter, LiveRoomError

log = logging.getLogger(__name__)

UNAVAILABLE, BAD_TOKEN, WRONG_ORIGIN, BANNED, ELSEWHERE = 4001, 4101, 4102, 4103, 4108

# A room may be closed, and its id taken again, while somebody comes in.
TRIES = 3

Answer = dict[str, Any]


class RoomConsumer(AsyncWebsocketConsumer):
    """One socket: at most one room at a time. Hub, lobby and limits are the process's own and come with the scope."""

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels' own does a thread hop per message to close old database connections; where we use one,
        `database_sync_to_async` does that."""
        await getattr(self, get_handler_name(message))(message)

    # Coming and going

    async def connect(self) -> None:
        extension = self.scope["extensions"]["liveroom.socket"]
        self.hub: Hub = extension["hub"]
        self.limits: Limits = extension["limits"]
        self.lobby: Lobby = extension["lobby"]
        self.source: str = extension["source"]
        self.address: str = extension["address"]
        self.socket = Socket(
            transport=extension["transport"], deflated=extension["deflated"], close=self._close_softly, owner=self
        )
        extension["owns"](self.socket)
        self.query = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        self.headers = dict(self.scope["headers"])
        self.visitor = joining.GUEST
        self.entry: joining.Entry | None = None
        self.seat: Seat | None = None
        self.ear: you.Ear | None = None
        metrics.sockets_open.inc()
        self.hub.viewers.add(self.socket)
        protocols = self.scope.get("subprotocols") or []
        await self.accept(subprotocol=protocols[0] if protocols[:1] == ["liveroom.v1"] else None)
        if not self._origin_is_ours():
            self.socket.dismiss(code=WRONG_ORIGIN, reason="origin", message="This origin is not in LIVEROOM_ORIGINS.")
        else:
            await self._log_in(protocols)

    def _header(self, name: bytes) -> str:
        return bytes(self.headers.get(name, b"")).decode("latin-1")

    def _origin_is_ours(self) -> bool:
        """Browsers say where a page came from; programs do not. Without LIVEROOM_ORIGINS every page may, in development."""
        origin = self._header(b"origin")
        config = settings.LIVEROOM
        if not origin or origin in config.origins or origin == config.public_http:
            return True
        host = self._header(b"host").rsplit(":", 1)[0]
        try:
            same_host = (urlsplit(origin).hostname or "") == host
        except ValueError:  # an unclosed [
            same_host = False
        return same_host or (not config.origins and not config.production)

    async def _log_in(self, protocols: list[str]) -> None:
        """The token stands in `?usersig=`, or as the second subprotocol after `liveroom.v1`. None: a guest."""
        usersig = self._asked("usersig")
        if not usersig and protocols[:1] == ["liveroom.v1"] and len(protocols) > 1:
            usersig = protocols[1]
        if not usersig:
            return
        try:
            self.visitor = await self.lobby.visitor(usersig)
            self.ear = you.Ear(person=self._person(), write=self.socket.queue.write)
            self.hub.meet(person=self.ear.person, listener=self._hear)
            asked = you.asked_since(self._asked("you"))
            position = await you.since(person=self.ear.person, since=asked, rounds=self.hub.rounds)
            self.socket.say(position.frame())
            self.ear.open(position)
        except TokenRefused as error:
            self.socket.dismiss(code=BAD_TOKEN, reason=error.name, message=error.message)
        except (OperationalError, redis.RedisError, OSError):
            self.socket.dismiss(code=UNAVAILABLE, reason="unavailable", message="Try again in a moment.")

    def _asked(self, name: str) -> str:
        return self.query.get(name, [""])[0]

    def _person(self) -> str:
        actor = self.visitor.actor
        return whispers.person_key(sdkappid=actor.sdkappid, identifier=actor.identifier)

    async def _close_softly(self, code: int) -> None:
        await self.close(code=code)

    async def disconnect(self, code: int) -> None:
        metrics.sockets_open.dec()
        self.hub.viewers.discard(self.socket)
        if self.ear is not None:
            self.hub.part(person=self.ear.person, listener=self._hear)
        self.socket.queue.end()
        self._leave()

    # Words that are not for the viewer's eyes

    def _hear(self, whisper: whispers.Whisper) -> None:
        """What concerns the person behind this socket."""
        if whisper.you is not None and self.ear is not None and not self.ear.hear(whisper.you):
            asyncio.ensure_future(hear_missed([self]))  # noqa: RUF006 - one round trip
        if whisper.profile is not None:
            self.visitor = replace(self.visitor, profile=Profile(**whisper.profile))
            if self.entry is not None:
                self.entry = joining.renamed(self.entry, self.visitor)
        self._hear_in_room(whisper)
        if self._later is not None and whisper.room:
            self._later.append(partial(self._hear_in_room, whisper))
        if whisper.entered and self.entry is not None and self.entry.room.key != whisper.entered:
            seated = self.seat is not None and self.seat.counted
            if seated and whisper.group in ("", self._platform()):
                self.socket.dismiss(code=ELSEWHERE, reason="entered_another_room", message="You entered another room.")

    def _hear_in_room(self, whisper: whispers.Whisper) -> None:
        here = self.entry is not None and self.entry.room.key == whisper.room
        if here and self.entry is not None and whisper.role is not None:
            self.entry = replace(self.entry, speaker=replace(self.entry.speaker, role=whisper.role))
        if here and whisper.standing is not None:
            self.stands(whisper.standing)
        if whisper.close is not None and (here or not whisper.room):
            self.socket.dismiss(code=whisper.close, **whisper.extra)

    def told(self, control: dict[str, Any]) -> None:
        """A word about the room, from the hub."""
        if "standing" in control:
            self.stands(control["standing"])
            if self._later is not None and self.entry is None:
                self._later.append(partial(self.stands, control["standing"]))

    def stands(self, said: Any) -> None:
        """Something is new of what is against this person here."""
        if self.entry is not None:
            self.entry = replace(self.entry, standing=joining.heard_standing(self.entry.standing, said))

    # Commands

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.socket.dismissed:
            return
        command_id: Any = None
        try:
            command = commands.parsed(text_data if text_data is not None else bytes_data)
            command_id = command.get("id")
            doing = self._handler(command)(command)
            if isinstance(doing, asyncio.Future):
                doing.add_done_callback(lambda done: self._answer_later(command_id, done))
                return
            self.socket.say(commands.answer(command_id, doing if isinstance(doing, dict) else await doing))
        except Exception as error:
            self._refuse(command_id, error)
        self._open_seat()

    def _answer_later(self, command_id: Any, done: asyncio.Future[Answer]) -> None:
        if done.cancelled() or self.socket.dismissed:
            return
        error = done.exception()
        if error is None:
            self.socket.say(commands.answer(command_id, done.result()))
        else:
            self._refuse(command_id, error)

    def _refuse(self, command_id: Any, error: BaseException) -> None:
        if not isinstance(error, LiveRoomError):
            away = isinstance(error, redis.RedisError | OperationalError | OSError)
            if away:
                log.warning("%s while a command was served", type(error).__name__)
            else:
                log.error("A command failed.", exc_info=error)
            error = commands.failed(away=away)
        self.socket.say(commands.refusal(command_id, error))

    def _handler(self, command: dict[str, Any]) -> Callable[[dict[str, Any]], Answer | Awaitable[Answer]]:
        kind = command.get("type")
        handler = self._handlers.get(kind) if isinstance(kind, str) else None
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            raise BadCommand(f"There is no command {str(kind)[:40]!r}; there are {known}.")
        return lambda command: handler(self, command)

    def _ping(self, command: dict[str, Any]) -> Answer:
        return {"server_time": clock.now_ms()}

    def _in_room(self, command: dict[str, Any]) -> joining.Entry:
        room = command.get("room")
        if self.entry is None or (room is not None and room != self.entry.room.group_id):
            raise NotInRoom("You are not in that room; join it first.")
        return self.entry

    def _say(self, command: dict[str, Any]) -> asyncio.Future[Answer]:
        """`comment` and `custom`."""
        entry = self._in_room(command)
        self.limits.send(person=self._limited(), source=self.source)
        message = comments.prepared(
            room=entry.room, speaker=entry.speaker, type=command["type"], data=command, now_ms=clock.now_ms(),
            standing=entry.standing,
        )  # fmt: skip
        return _then(self.hub.ticker.submit(room=entry.room, message=message), message)

    def _like(self, command: dict[str, Any]) -> asyncio.Future[Answer]:
        entry = self._in_room(command)
        self.limits.like(person=self._limited())
        return asyncio.ensure_future(self._liked(entry, command.get("count")))

    async def _liked(self, entry: joining.Entry, count: Any) -> Answer:
        added = await likes.like(
            likes=self.hub.likes, room=entry.room, speaker=entry.speaker, count=count, standing=entry.standing,
            now_ms=clock.now_ms(),
        )  # fmt: skip
        return {"total": added.total, "counted": added.counted}

    def _limited(self) -> str:
        return self._person() if self.visitor.actor.is_authenticated else ""

    # Joining

    def _asked_app(self) -> int | None:
        raw = self._asked("sdkappid")
        return int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= 15 else None

    def _platform(self) -> str:
        asked = self._asked("platform")
        return asked if asked in whereabouts.PLATFORMS else whereabouts.WEB

    def _http(self) -> str:
        """Under which origin this viewer sees our pages: the name that it dialled, in development."""
        config = settings.LIVEROOM
        if config.production:
            return str(config.public_http)
        host = self._header(b"host").rsplit(":", 1)[0] or config.host
        return f"http://{host}:{config.http_port}"

    async def _join(self, command: dict[str, Any]) -> Answer:
        group_id, password = command.get("room"), command.get("password")
        if not isinstance(group_id, str):
            raise BadParameter("room is the id of a room.", field="room")
        if password is not None and not isinstance(password, str):
            raise BadParameter("password is text.", field="password")
        since, overlay = commands.since_of(command.get("since")), commands.flag(command, "overlay")
        self.limits.join(person=self._limited(), source=self.source)
        app_id = self.visitor.actor.app_id
        if not app_id:
            app_id = await database_sync_to_async(joining.app_id_of)(self._asked_app())
        door = self.lobby.door(app_id=app_id, group_id=group_id)
        self._later = []
        try:
            for _ in range(TRIES):
                answer = await self._enter(door, password, since, counted=not overlay)
                if answer is not None:
                    return answer
        finally:
            self._later = None
        raise joining.rooms.RoomUnknown("The room was closed while you came in.")

    # What is heard about a room while one comes into it: what one is shown may have been read before.
    _later: list[Callable[[], None]] | None = None

    async def _enter(
        self, door: Door, password: str | None, since: tuple[str, int] | None, *, counted: bool
    ) -> Answer | None:
        """None: the room was closed and another got its id meanwhile; ask again."""
        view = (await door.view()).view
        entry = await self._let_in(view, password)
        self._leave()
        shown = entry.speaker.shown() if entry.speaker.profile.id else None
        seat = await self.hub.enter(room=entry.room, viewer=self.socket, shown=shown, counted=counted)
        try:
            moment = await door.moment()
            if moment.view is not view:  # a ban or a new role may be in it
                entry = await self._let_in(moment.view, password)
            if moment.view.room.pk == view.room.pk:
                return await self._shown_in(entry, seat, since, moment)
        except BaseException:
            self.hub.leave(room_key=entry.room.key, seat=seat)
            raise
        self.hub.leave(room_key=entry.room.key, seat=seat)
        return None

    async def _let_in(self, view: RoomView, password: str | None) -> joining.Entry:
        enter: Any = joining.enter_room
        if joining.needs_look(view, self.visitor):
            enter = database_sync_to_async(joining.enter_room)
        entry = enter(view=view, visitor=self.visitor, password=password, address=self.address, now=clock.now())
        return entry if isinstance(entry, joining.Entry) else await entry  # type: ignore[no-any-return]

    async def _shown_in(
        self, entry: joining.Entry, seat: Seat, since: tuple[str, int] | None, moment: Moment
    ) -> Answer:
        room_key = entry.room.key
        here: Position = moment.position
        if since is not None and since[0] == here.epoch and since[1] < here.seq:
            here = await pipeline.position(room_key=room_key, since=since[1])
        self.hub.settle(room_key=room_key, position=here)
        if self.visitor.actor.is_authenticated and seat.counted and (person := self._limited()):
            group = self._platform() if entry.room.several_rooms else ""
            if group in ("", whereabouts.WEB):
                await whereabouts.entered(person=person, room_key=room_key, group=group, rounds=self.hub.rounds)
        now = clock.now()
        self.entry, self.seat = joining.as_of(view=moment.view, entry=entry, now=now), seat
        for hear in self._later or ():
            hear()
        snapshot = {
            **joining.present_state(view=moment.view, entry=self.entry, http=self._http(), now=now),
            "online": max(moment.online, int(seat.counted)),
            "likes": moment.likes,
            "history": moment.history,
            "server_time": int(now.timestamp() * 1000),
            "epoch": moment.position.epoch,
            "seq": moment.position.seq,
        }
        self._opening = (moment.position.seq, ())
        if since is None:
            return {"snapshot": snapshot}
        epoch, seq = since
        recovered = epoch == here.epoch and seq <= here.seq and len(here.events) >= here.seq - seq
        if recovered:
            self._opening = (here.seq, here.events[len(here.events) - (here.seq - seq) :])
        return {"snapshot": snapshot, "recovered": recovered}

    _opening: tuple[int, tuple[bytes, ...]] = (0, ())

    def _open_seat(self) -> None:
        """After the answer: what was missed, then what comes."""
        if self.seat is not None and self.seat.held is not None and self.entry is not None:
            after_seq, missed = self._opening
            self._opening = (0, ())
            self.hub.open(room_key=self.entry.room.key, seat=self.seat, after_seq=after_seq, missed=missed)

    def _leave(self) -> None:
        entry, seat, self.entry, self.seat = self.entry, self.seat, None, None
        if entry is not None and seat is not None:
            self.hub.leave(room_key=entry.room.key, seat=seat)

    def _leave_command(self, command: dict[str, Any]) -> Answer:
        self._in_room(command)
        self._leave()
        return {}

    # THE table of commands. A future is answered when it is done; until then others are.
    _handlers: dict[str, Callable[[Any, dict[str, Any]], Answer | Awaitable[Answer]]] = {
        "join": _join,
        "leave": _leave_command,
        "ping": _ping,
        "comment": _say,
        "custom": _say,
        "like": _like,
    }


def _then(outcome: asyncio.Future[Outcome], message: Message) -> asyncio.Future[Answer]:
    """The sender's answer, once it is decided what became of the message."""
    answer: asyncio.Future[Answer] = outcome.get_loop().create_future()

    def decided(done: asyncio.Future[Outcome]) -> None:
        error = done.exception()
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(comments.receipt(message, done.result()))

    outcome.add_done_callback(decided)
    return answer


async def hear_missed(consumers: list[RoomConsumer]) -> None:
    """What pub/sub lost of their persons' events."""
    by_ear = {consumer.ear: consumer for consumer in consumers if consumer.ear is not None}
    for ear, position in await you.missed(by_ear):
        by_ear[ear].socket.say(position.frame())
        ear.open(position)


async def look_again(hub: Hub) -> None:
    """Redis was away for a moment, and words with it: who was banned or muted meanwhile, and who was told something?"""
    consumers = [viewer.owner for viewer in hub.sockets() if isinstance(viewer, Socket)]
    await hear_missed(consumers)
    by_room: dict[int, list[RoomConsumer]] = {}
    for consumer in consumers:
        if consumer.entry is not None and consumer.visitor.actor.person_id is not None:
            by_room.setdefault(consumer.entry.room.room_id, []).append(consumer)
    for people in by_room.values():
        await _stand_again(people)


async def _stand_again(consumers: list[RoomConsumer]) -> None:
    entries = {consumer: consumer.entry for consumer in consumers if consumer.entry is not None}
    names = {entry.speaker.actor.identifier for entry in entries.values()}
    room = next(iter(entries.values())).room
    standings = await database_sync_to_async(joining.standings_again)(room=room, identifiers=names, now=clock.now())
    for consumer, entry in entries.items():
        standing = standings.get(entry.speaker.actor.identifier)
        if standing is None or consumer.entry is not entry:
            continue
        consumer.entry = replace(entry, standing=standing)
        refusal = joining.ban_of(consumer.entry, now_ms=clock.now_ms())
        if refusal is not None:
            consumer.socket.dismiss(code=BANNED, reason="banned", message=refusal.message)
