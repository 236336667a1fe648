"""`/ws/v1`: parse a command, call one service, answer once. PROTOCOL.md and asyncapi.yaml describe it.

A comment's answer comes with its tick; other commands of the socket do not wait for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn, cast
from urllib.parse import parse_qs

import redis
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import OperationalError

from interactions.commands import HANDLERS, Answer, Command, Handler, Id, Served
from interactions.delivery.control import CloseSockets, Heard
from interactions.delivery.events import Control
from interactions.delivery.fanout import DEFLATED, TEXT, Hub, Seat
from interactions.delivery.people import user_events, whereabouts
from interactions.delivery.people.whereabouts import RoomEntered
from interactions.limits import Allowance, Limits
from interactions.people.events import ProfileShown
from interactions.room.events import RoleInRoom, StandingInRoom, TracesBarred
from interactions.socket import frames
from interactions.socket.connection import Socket
from interactions.socket.entering import Entering, asked_by
from interactions.socket.frames import Misread
from interactions.socket.joining import joining
from interactions.socket.joining.join_cache import Lobby
from liveroom.accounts.selectors import Profile
from liveroom.accounts.services.tokens import TokenRefused
from liveroom.kernel import clock, devices, metrics, origins
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.http import origin_is_ours
from moderation.live import traces

log = logging.getLogger(__name__)

UNAVAILABLE, BAD_TOKEN, WRONG_ORIGIN, BANNED, ELSEWHERE = 4001, 4101, 4102, 4103, 4108


class RoomConsumer(Entering, AsyncWebsocketConsumer):
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
            codec=DEFLATED if extension["deflated"] else TEXT,
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
            self.hub.add_listener(person=self.subscription.person, listener=self._hear)
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
            self.hub.remove_listener(person=self.subscription.person, listener=self._hear)
        self.socket.queue.end()
        self.leave()

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
        elif isinstance(control, ProfileShown):
            self._rename(control, row=message.row)
        elif isinstance(control, RoomEntered):
            self._now_and_later(partial(self._hear_elsewhere, control))
        elif isinstance(control, RoleInRoom | StandingInRoom):
            self._now_and_later(partial(self._hear_in_room, control))

    def _now_and_later(self, hear: Callable[[], None]) -> None:
        """While one comes into a room, what one is shown may have been read before: it is heard again then."""
        hear()
        if self._later is not None:
            self._later.append(hear)

    def _rename(self, control: ProfileShown, *, row: int) -> None:
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

    def _hear_in_room(self, control: RoleInRoom | StandingInRoom) -> None:
        entry = self.entry
        if entry is None or entry.room.key != control.room:
            return
        if isinstance(control, RoleInRoom):
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
        elif isinstance(control, StandingInRoom):
            self._stands(control)
            if self._later is not None and self.entry is None:
                self._later.append(partial(self._stands, control))

    def _stands(self, control: StandingInRoom) -> None:
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
        command_id: Id = None
        try:
            command = frames.decoded(raw)
            command_id = command.id
            if isinstance(command, Misread):
                self._misread(command)
            handler = HANDLERS[type(command)]
            doing = self._begin(handler, command)
            if isinstance(doing, dict):
                self.socket.say(frames.answer(command_id, doing))
            elif handler.in_turn:
                self.socket.say(frames.answer(command_id, await doing))
            else:
                self.socket.under_way += 1
                asyncio.ensure_future(doing).add_done_callback(partial(self._answer_later, command_id))
        except Exception as error:
            self._refuse(command_id, error)
        self._open_seat()
        if wait := self.limits.command(self.allowance):
            self.socket.rest(wait)

    def _misread(self, misread: Misread) -> NoReturn:
        """Who may not do it at all hears that first."""
        if misread.handler is not None:
            self._may(misread.handler, misread.room)
        raise misread.error

    def _may(self, handler: Handler, room: Any) -> joining.Entry | None:
        """Before anything that costs (a query, a thread, a place in a limit), by what this socket knows. NotInRoom, and what
        `permission.ask` refuses."""
        entry = self._in_room(room) if handler.in_room else None
        if handler.asks and (handler.in_room or not self.visitor.actor.is_authenticated):
            self._ask(handler.asks, entry)
        return entry

    def _begin(self, handler: Handler, command: Command) -> Served:
        if not handler.in_room:
            self._may(handler, None)
            if handler.limit is not None:
                self.limits.ask(handler.limit, person=self._limited(), source=self.source)
            return cast("Served", handler.serve(self, command))
        entry = self._may(handler, command.room)  # type: ignore[attr-defined]
        if handler.threads is not None:
            handler.threads.refuse_if_full()
        if handler.limit is not None:
            self.limits.ask(handler.limit, person=self._limited(), source=self.source)
        if handler.threads is not None:
            return handler.threads.run(handler.serve, self, entry, command)
        return cast("Served", handler.serve(self, entry, command))

    # Known to be one; not while somebody logs in.
    _is_guest = False

    def refuses(self, payload: bytes) -> bool:
        """Called with each frame before it is queued: whether this was a command that no guest may send, and is answered by now.

        Without the queue and the task that others need, a flood of them costs less. Only once everything that came earlier is served."""
        if not self._is_guest or self.socket.dismissed:
            return False
        found = frames.envelope(payload)
        handler = None if found is None else frames.table().get(found.type)
        if found is None or handler is None or not handler.asks:
            return False
        try:
            self._may(handler, found.room)
            return False
        except LiveRoomError as refusal:
            self._refuse(found.id, refusal)
        if wait := self.limits.command(self.allowance):
            self.socket.rest(wait)
        return True

    def _answer_later(self, command_id: Id, done: asyncio.Future[Answer]) -> None:
        self.socket.under_way -= 1
        if done.cancelled() or self.socket.dismissed:
            return
        error = done.exception()
        if error is None:
            self.socket.say(frames.answer(command_id, done.result()))
        else:
            self._refuse(command_id, error)

    def _refuse(self, command_id: Id, error: BaseException) -> None:
        if not isinstance(error, LiveRoomError):
            away = isinstance(error, redis.RedisError | OperationalError | OSError)
            if away:
                log.warning("%s while a command was served", type(error).__name__)
            else:
                log.error("A command failed.", exc_info=error)
            error = frames.failed(away=away)
        self.socket.say(frames.refusal(command_id, error))


async def hear_missed(consumers: list[RoomConsumer]) -> None:
    """What pub/sub lost of their persons' events."""
    by_subscription = {consumer.subscription: consumer for consumer in consumers if consumer.subscription is not None}
    for subscription, position in await user_events.missed(by_subscription):
        by_subscription[subscription].socket.say(position.frame())
        subscription.open(position)
