"""`GET /api/v1/rooms/{room}/events`: who asks, whether it may, and then the room's events until one of the two ends it.

A client that only listens is let in as a socket is (the same rounds, the same questions), and is nobody's audience: it is not counted.
The answer ends with the connection. From its head on, bytes go past Daphne, straight to the transport, as at a socket."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import orjson
import redis
from channels.db import database_sync_to_async
from django.db import OperationalError

from interactions.delivery.fanout import Seat
from interactions.delivery.rooms import Position
from interactions.delivery.targets import Person
from interactions.limits import JOINS
from interactions.socket.joining import joining
from interactions.socket.joining.join_cache import CachedRoom, Moment
from interactions.socket.listening import server_sent
from interactions.socket.listening.server_sent import Listener
from interactions.socket.session import Shared
from liveroom.accounts.rules import usersig
from liveroom.accounts.selectors import Profile
from liveroom.accounts.services import tokens
from liveroom.kernel import clock
from liveroom.kernel.errors import PROBLEM, LiveRoomError, NotPermitted, TryLater, told
from liveroom.kernel.web import devices
from liveroom.kernel.web.http import origin_is_ours
from liveroom.kernel.web.throttle import TooOften
from liveroom.kernel.work import metrics, process

PATH: Final = re.compile(r"/api/v1/rooms/([^/]{1,300})/events\Z")
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET"),
    (b"access-control-allow-headers", b"authorization, last-event-id, room-password"),
    (b"access-control-max-age", b"86400"),
)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as it is needed. `since`: epoch and seq of the last event that the client has."""

    room: str
    token: str
    sdkappid: int | None
    since: tuple[str, int] | None
    password: str | None
    origin: str
    traces: frozenset[str]


def asked(scope: dict[str, Any], *, room: str, address: str) -> Asked:
    """A browser's `EventSource` sends no headers of its own: what stands in them may stand in the address."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    sdkappid = query.get("sdkappid", [""])[0]
    return Asked(
        room=unquote(room),
        token=bearer.strip() if scheme.lower() == "bearer" else query.get("usersig", [""])[0],
        sdkappid=int(sdkappid) if sdkappid.isascii() and sdkappid.isdigit() and len(sdkappid) <= 15 else None,
        since=server_sent.place_in(headers.get("last-event-id", "") or query.get("last_event_id", [""])[0]),
        password=headers.get("room-password"),
        origin=headers.get("origin", ""),
        traces=devices.traces_of(device=devices.device_in(headers.get("cookie", "")), address=address),
    )


async def serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """An ASGI application for addresses that PATH matches."""
    extension = scope["extensions"]["liveroom.socket"]
    found = PATH.match(scope["raw_path"].decode("latin-1") if scope.get("raw_path") else scope["path"])
    here = asked(scope, room=found[1] if found else "", address=extension["address"])
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    if not origin_is_ours(origin=here.origin, host=host):
        await _refuse(send, NotPermitted("This origin is not in LIVEROOM_ORIGINS.", field="origin"), "")
    elif scope["method"] == "OPTIONS":
        await _answer(send, 204, [*_PREFLIGHT, *_cors(here.origin)], b"")
    elif scope["method"] != "GET":
        await _answer(send, 405, [(b"allow", b"GET, OPTIONS"), *_cors(here.origin)], b"")
    elif process.draining.is_set():
        await _refuse(send, TryLater("This process ends; come again.", retry_after_ms=1000), here.origin)
    else:
        await _Listening(extension, here, receive, send).run()


class _Listening:
    """One client, from the question to its end."""

    def __init__(self, extension: dict[str, Any], here: Asked, receive: Receive, send: Send) -> None:
        shared: Shared = extension["shared"]
        self.hub, self.join_cache, self.limits = shared.hub, shared.join_cache, shared.limits
        self.source: str = extension["source"]
        self.address: str = extension["address"]
        self.transport: Any = extension["transport"]
        self.asked, self._receive, self._send = here, receive, send
        self.listener: Listener | None = None

    async def run(self) -> None:
        refusal = self.limits.connect(source=self.source)
        if refusal is not None:
            error = TooOften("Too many connections from your address.", retry_after_ms=refusal.after_ms)
            await _refuse(self._send, error, self.asked.origin)
            return
        metrics.listeners_open.inc()
        try:
            await self._run()
        except LiveRoomError as error:
            await _refuse(self._send, error, self.asked.origin)
        except (OperationalError, redis.RedisError, OSError):
            away = TryLater("A part of the service is away for a moment; try again.", retry_after_ms=1000)
            await _refuse(self._send, away, self.asked.origin)
        finally:
            metrics.listeners_open.dec()
            self.limits.disconnect(source=self.source)

    async def _run(self) -> None:
        visitor = await self._visitor()
        actor = visitor.actor
        person = Person(sdkappid=actor.sdkappid, identifier=actor.identifier).key if actor.person_id else ""
        self.limits.ask(JOINS, person=person, source=self.source)
        app_id = actor.app_id or await self.join_cache.app_id(self.asked.sdkappid)
        room = self.join_cache.room(app_id=app_id, group_id=self.asked.room)
        view = (await room.view()).view
        listener = self.listener = Listener(
            transport=self.transport, room=view.ref.key, traces=frozenset() if person else self.asked.traces,
            close=self.transport.loseConnection,
        )  # fmt: skip
        if person:
            self.hub.add_listener(person=person, listener=listener.hear)
        seat: Seat | None = None
        try:
            seat, moment = await self._seated(room, visitor)
            seq, missed = await self._missed(moment)
            self._open(moment.position, missed)
            self.hub.viewers.add(listener)
            self.hub.open(room_key=view.ref.key, seat=seat, after_seq=seq, missed=missed or ())
            while (await self._receive())["type"] != "http.disconnect":
                pass
        finally:
            self.hub.viewers.discard(listener)
            if person:
                self.hub.remove_listener(person=person, listener=listener.hear)
            if seat is not None:
                self.hub.leave(room_key=view.ref.key, seat=seat)
            listener.end()

    async def _visitor(self) -> joining.Visitor:
        """A UserSig, the key of a server, or a guest. TokenRefused."""
        token = self.asked.token
        if not token:
            return joining.guest(self.asked.traces)
        if not usersig.is_api_key(token):
            return await self.join_cache.visitor(token)
        actor = await database_sync_to_async(tokens.log_in_server)(bearer=token)
        return joining.Visitor(actor=actor, profile=Profile(id="", nick=str(actor), avatar="", level=0))

    async def _seated(self, room: CachedRoom, visitor: joining.Visitor) -> tuple[Seat, Moment]:
        """In the room, with nothing between what is known of it and what will be heard. What `joining.enter_room` refuses."""
        if self.listener is None:
            raise LookupError("nobody listens")
        for _ in range(joining.TRIES):
            view = (await room.view()).view
            entry = await self.join_cache.let_in(
                view=view, visitor=visitor, password=self.asked.password, address=self.address, rounds=self.hub.rounds
            )
            key = entry.room.key
            seat = await self.hub.enter(room=entry.room, viewer=self.listener, counted=False)
            try:
                moment = await room.moment()
                if moment.view.room.pk == view.room.pk:
                    joining.as_of(view=moment.view, entry=entry, now=clock.now())
                    if self.hub.settle(room_key=key, position=moment.position):
                        return seat, moment
                    await self.hub.look_again(room_key=key)
            except BaseException:
                self.hub.leave(room_key=key, seat=seat)
                raise
            self.hub.leave(room_key=key, seat=seat)
        raise joining.rooms.RoomUnknown("The room was closed while you came in.")

    async def _missed(self, moment: Moment) -> tuple[int, tuple[bytes, ...] | None]:
        """What came after the client's place, up to that number. None: not all of it is there any more, or the client is new."""
        here = moment.position
        if self.asked.since is not None:
            epoch, seq = self.asked.since
            if epoch == here.epoch and seq < here.seq:
                here = await self.join_cache.missed(room_key=moment.view.ref.key, since=seq)
            missed = here.after(epoch=epoch, seq=seq)
            if missed is not None:
                return here.seq, missed
        return moment.position.seq, None

    def _open(self, here: Position, missed: tuple[bytes, ...] | None) -> None:
        if self.listener is None:
            return
        head = [
            (b"content-type", server_sent.CONTENT_TYPE.encode()), (b"cache-control", b"no-store"), (b"connection", b"close"),
            (b"x-accel-buffering", b"no"), *_cors(self.asked.origin),
        ]  # fmt: skip
        lines = b"".join(b"%b: %b\r\n" % header for header in head)
        # Twisted's own producer; ours is asked instead (send_queue.py).
        self.transport.unregisterProducer()
        self.listener.queue.write(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n")
        if missed is None:
            say = server_sent.standing_at if self.asked.since is None else server_sent.reset
            self.listener.queue.write(say(epoch=here.epoch, seq=here.seq))


def _cors(origin: str) -> list[tuple[bytes, bytes]]:
    return [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")] if origin else []


async def _refuse(send: Send, error: LiveRoomError, origin: str) -> None:
    body, more = told(error)
    headers = [(name.lower().encode(), value.encode()) for name, value in more.items()]
    await _answer(
        send, error.status, [(b"content-type", PROBLEM.encode()), *headers, *_cors(origin)], orjson.dumps(body)
    )


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = [] if status == 204 else [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})
