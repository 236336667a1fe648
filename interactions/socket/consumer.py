"""`/ws/v1`: parse a command, call one service, answer once. PROTOCOL.md and asyncapi.yaml describe it.

A comment's answer comes with its tick; other commands of the socket do not wait for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qs

import redis
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import OperationalError

from interactions.chat.services import comments, direct
from interactions.delivery.control import CloseSockets, Heard
from interactions.delivery.events import Control
from interactions.delivery.fanout import Hub, Seat
from interactions.delivery.people import user_events, whereabouts
from interactions.delivery.people.whereabouts import RoomEntered
from interactions.delivery.rooms import Message, Outcome
from interactions.likes import services as likes
from interactions.people.events import ProfileChanged
from interactions.room.events import RoleChanged, StandingChanged, TracesBarred
from interactions.socket import commands
from interactions.socket.commands import BadCommand
from interactions.socket.connection import Socket
from interactions.socket.engaging import Engaging
from interactions.socket.entering import Entering, asked_by
from interactions.socket.joining import joining
from interactions.socket.joining.join_cache import Lobby
from interactions.socket.limits import Allowance, Limits
from interactions.speaker import Speaker
from liveroom.accounts.selectors import Profile
from liveroom.accounts.services.tokens import TokenRefused
from liveroom.kernel import clock, devices, metrics, origins, permission
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.http import origin_is_ours
from liveroom.kernel.pools import Pool
from moderation.live import traces

log = logging.getLogger(__name__)

UNAVAILABLE, BAD_TOKEN, WRONG_ORIGIN, BANNED, ELSEWHERE = 4001, 4101, 4102, 4103, 4108

# Looks for the receivers of direct messages.
_RECEIVERS: Final = Pool(name="direct", threads=2, waiting=200)

Answer = dict[str, Any]


class RoomConsumer(Entering, Engaging, AsyncWebsocketConsumer):
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
            transport=extension["transport"],
            deflated=extension["deflated"],
            close=self._close_softly,
            owner=self,
            rest=extension["rest"],
        )
        extension["owns"](self.socket)
        query = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        headers = {name: value.decode("latin-1") for name, value in self.scope["headers"]}
        # Daphne keeps them for as long as the socket lives; nobody reads them again.
        self.scope["headers"].clear()
        host = headers.get(b"host", "")
        self.asked = asked_by(query=query, host=origins.host_name(host))
        self.traces = devices.traces_of(device=devices.device_in(headers.get(b"cookie", "")), address=self.address)
        self.visitor = joining.guest(self.traces)
        self.allowance = Allowance()
        self.entry: joining.Entry | None = None
        self.seat: Seat | None = None
        self.subscription: user_events.Subscription | None = None
        metrics.sockets_open.inc()
        self.hub.viewers.add(self.socket)
        protocols = self.scope.get("subprotocols") or []
        await self.accept(subprotocol=protocols[0] if protocols[:1] == ["liveroom.v1"] else None)
        if not origin_is_ours(origin=headers.get(b"origin", ""), host=host):
            self.socket.dismiss(code=WRONG_ORIGIN, reason="origin", message="This origin is not in LIVEROOM_ORIGINS.")
        else:
            # In the address, or as the second subprotocol after `liveroom.v1`. None: a guest.
            usersig = query.get("usersig", [""])[0]
            if not usersig and protocols[:1] == ["liveroom.v1"] and len(protocols) > 1:
                usersig = protocols[1]
            self._is_guest = not usersig
            if usersig:
                await self._log_in(usersig, since=user_events.asked_since(query.get("you", [""])[0]))

    async def _log_in(self, usersig: str, *, since: tuple[str, int] | None) -> None:
        """`since`: up to where the person heard what concerns it alone."""
        try:
            self.visitor = await self.lobby.visitor(usersig)
            actor = self.visitor.actor
            await traces.remember(
                sdkappid=actor.sdkappid or 0, identifier=actor.identifier, traces=self.traces, now_ms=clock.now_ms(),
                rounds=self.hub.rounds,
            )  # fmt: skip
            self.allowance.of_person()
            self.subscription = user_events.Subscription(person=self._person(), write=self.socket.queue.write)
            self.hub.meet(person=self.subscription.person, listener=self._hear)
            position = await user_events.since(person=self.subscription.person, since=since, rounds=self.hub.rounds)
            self.socket.say(position.frame())
            self.subscription.open(position)
        except TokenRefused as error:
            self.socket.dismiss(code=BAD_TOKEN, reason=error.name, message=error.message)
        except (OperationalError, redis.RedisError, OSError):
            self.socket.dismiss(code=UNAVAILABLE, reason="unavailable", message="Try again in a moment.")

    async def _close_softly(self, code: int) -> None:
        await self.close(code=code)

    async def disconnect(self, code: int) -> None:
        metrics.sockets_open.dec()
        self.hub.viewers.discard(self.socket)
        if self.subscription is not None:
            self.hub.part(person=self.subscription.person, listener=self._hear)
        self.socket.queue.end()
        self._leave()

    # Messages that are not for the viewer's eyes

    # Of the last message about the person's profile; an older one comes too late.
    _profile_row = 0

    def _hear(self, message: Heard) -> None:
        """What concerns the person behind this socket."""
        if message.event is not None:
            if self.subscription is not None and not self.subscription.hear(message.event):
                asyncio.ensure_future(hear_missed([self]))  # noqa: RUF006 - one round trip
            return
        control = message.control
        if isinstance(control, CloseSockets):
            self.socket.dismiss(code=control.code, reason=control.reason, message=control.message)
        elif isinstance(control, ProfileChanged):
            self._rename(control, row=message.row)
        elif isinstance(control, RoomEntered):
            self._now_and_later(partial(self._hear_elsewhere, control))
        elif isinstance(control, RoleChanged | StandingChanged):
            self._now_and_later(partial(self._hear_in_room, control))

    def _now_and_later(self, hear: Callable[[], None]) -> None:
        """While one comes into a room, what one is shown may have been read before: it is heard again then."""
        hear()
        if self._later is not None:
            self._later.append(hear)

    def _rename(self, control: ProfileChanged, *, row: int) -> None:
        if 0 < row < self._profile_row:
            return
        self._profile_row = row
        self.visitor = replace(self.visitor, profile=Profile(**control.profile))
        if self.entry is not None:
            self.entry = joining.renamed(self.entry, self.visitor)

    def _hear_elsewhere(self, control: RoomEntered) -> None:
        """The person entered a room."""
        entry, seat = self.entry, self.seat
        if entry is None or seat is None or not seat.counted or entry.room.key == control.room:
            return
        if control.group in ("", self.asked.platform):
            asyncio.ensure_future(self._follow(control.group))  # noqa: RUF006 - one round trip

    async def _follow(self, group: str) -> None:
        """Go, if the person is in another room now: of two rooms that were entered at once, the later one stays."""
        entry = self.entry
        if entry is None:
            return
        here = entry.room.key
        try:
            gone = await whereabouts.is_elsewhere(
                person=self._person(), room_key=here, group=group, rounds=self.hub.rounds
            )
        except (redis.RedisError, OSError):  # nobody is sent away for that
            return
        if gone and self.entry is not None and self.entry.room.key == here:
            self.socket.dismiss(code=ELSEWHERE, reason="entered_another_room", message="You entered another room.")

    def _hear_in_room(self, control: RoleChanged | StandingChanged) -> None:
        entry = self.entry
        if entry is None or entry.room.key != control.room:
            return
        if isinstance(control, RoleChanged):
            self.entry = joining.heard_role(entry, control.role, version=control.version)
            return
        # A ban that was lifted before this person came (back) in is an old story.
        is_news = entry.versions.is_news("banned_until_ms", control.version)
        self._stands(control)
        if control.closing is not None and is_news:
            closing = control.closing
            self.socket.dismiss(code=closing.code, reason=closing.reason, message=closing.message)

    def hear_control(self, control: Control) -> None:
        """A message about the room, from the hub."""
        if isinstance(control, TracesBarred):
            if not self.visitor.actor.is_authenticated and self.traces & set(control.traces):
                closing = control.closing
                self.socket.dismiss(code=closing.code, reason=closing.reason, message=closing.message)
        elif isinstance(control, StandingChanged):
            self._stands(control)
            if self._later is not None and self.entry is None:
                self._later.append(partial(self._stands, control))

    def _stands(self, control: StandingChanged) -> None:
        """Something is new of what is against this person here."""
        if self.entry is not None:
            self.entry = joining.heard_standing(self.entry, control.changed(), version=control.version)

    # Commands

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            if not self.socket.dismissed:
                await self._serve(text_data if text_data is not None else bytes_data)
        finally:
            self.socket.served += 1

    async def _serve(self, raw: str | bytes | None) -> None:
        command_id: Any = None
        try:
            command = commands.parsed(raw)
            command_id = command.get("id")
            doing = self._handler(command)(command)
            if isinstance(doing, asyncio.Future):
                self.socket.under_way += 1
                doing.add_done_callback(lambda done: self._answer_later(command_id, done))
            else:
                self.socket.say(commands.answer(command_id, doing if isinstance(doing, dict) else await doing))
        except Exception as error:
            self._refuse(command_id, error)
        self._open_seat()
        if wait := self.limits.command(self.allowance):
            self.socket.rest(wait)

    # Known to be one; not while somebody logs in.
    _is_guest = False

    def refuses(self, payload: bytes) -> bool:
        """Called with each frame before it is queued: whether this was a command that no guest may send, and is answered by now.

        Without the queue and the task that others need, a flood of them costs less. Only once everything that came earlier is served."""
        if not self._is_guest or self.socket.dismissed:
            return False
        try:
            command = commands.parsed(payload)
        except BadCommand:
            return False
        kind = command.get("type")
        if not isinstance(kind, str) or kind not in _NOT_FOR_GUESTS:
            return False
        error: LiveRoomError
        try:
            if kind != "direct":
                self._in_room(command)
            self._ask(_NOT_FOR_GUESTS[kind], self.entry)
            return False
        except LiveRoomError as refusal:
            error = refusal
        self._refuse(command.get("id"), error)
        if wait := self.limits.command(self.allowance):
            self.socket.rest(wait)
        return True

    def _answer_later(self, command_id: Any, done: asyncio.Future[Answer]) -> None:
        self.socket.under_way -= 1
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

    def _say(self, command: dict[str, Any]) -> asyncio.Future[Answer]:
        """`comment` and `custom`."""
        entry = self._in_room(command)
        self._ask("comment.send", entry)
        self.limits.send(person=self._limited(), source=self.source)
        message = comments.prepared(
            room=entry.room, speaker=entry.speaker, type=command["type"], data=command, now_ms=clock.now_ms(),
            standing=entry.standing,
        )  # fmt: skip
        return _then(self.hub.ticker.submit(room=entry.room, message=message), message)

    def _direct(self, command: dict[str, Any]) -> asyncio.Future[Answer]:
        """To a person, in a room or not."""
        if not self.visitor.actor.is_authenticated:
            self._ask("direct.send", None)
        self.limits.send(person=self._limited(), source=self.source)
        return asyncio.ensure_future(self._sent(command))

    async def _sent(self, command: dict[str, Any]) -> Answer:
        role = permission.MEMBER if self.visitor.actor.is_authenticated else permission.GUEST
        speaker = Speaker(actor=self.visitor.actor, profile=self.visitor.profile, role=role)
        return await direct.send(
            await _RECEIVERS.run(direct.prepared, speaker=speaker, data=command, now_ms=clock.now_ms())
        )

    def _like(self, command: dict[str, Any]) -> asyncio.Future[Answer]:
        entry = self._in_room(command)
        self._ask("like.send", entry)
        self.limits.like(person=self._limited(), source=self.source)
        return asyncio.ensure_future(self._liked(entry, likes.checked_count(command.get("count"))))

    async def _liked(self, entry: joining.Entry, count: int) -> Answer:
        added = await likes.like(
            likes=self.hub.service(likes.LikeCounter), room=entry.room, speaker=entry.speaker, count=count,
            standing=entry.standing, now_ms=clock.now_ms(),
        )  # fmt: skip
        return {"total": added.total, "counted": added.counted}

    # THE table of commands. A future is answered when it is done; until then others are.
    _handlers: dict[str, Callable[[Any, dict[str, Any]], Answer | Awaitable[Answer]]] = {
        "join": Entering._join,
        "leave": Entering._leave_command,
        "ping": _ping,
        "comment": _say,
        "custom": _say,
        "like": _like,
        "direct": _direct,
        "gift": Engaging._gift,
        "poll_vote": Engaging._vote,
    }


# Commands that `refuses` looks at, and what they ask for.
_NOT_FOR_GUESTS: Final = {
    "comment": "comment.send",
    "custom": "comment.send",
    "like": "like.send",
    "direct": "direct.send",
    "gift": "gift.send",
    "poll_vote": "poll.vote",
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
    by_subscription = {consumer.subscription: consumer for consumer in consumers if consumer.subscription is not None}
    for subscription, position in await user_events.missed(by_subscription):
        by_subscription[subscription].socket.say(position.frame())
        subscription.open(position)
