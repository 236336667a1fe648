"""`/ws/v1`: parse a command, call one service, answer once. PROTOCOL.md and asyncapi.yaml describe it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import redis
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import OperationalError

from interactions.consumers.sockets import Socket
from interactions.live import pipeline, presence, whispers
from interactions.live.hub import Hub, Seat
from interactions.services import comments, joining
from liveroom.accounts.selectors import Profile
from liveroom.accounts.services.tokens import TokenRefused
from liveroom.kernel import clock, metrics
from liveroom.kernel.errors import BadParameter, LiveRoomError, NotFound
from liveroom.kernel.http import behind_proxy

log = logging.getLogger(__name__)

UNAVAILABLE, BAD_TOKEN, WRONG_ORIGIN = 4001, 4101, 4102


class NotInRoom(NotFound):
    """10010: join first."""

    name = "not_in_room"


class BadCommand(LiveRoomError):
    """10011: a frame that is no command."""

    code, name = 10011, "bad_command"


class RoomConsumer(AsyncWebsocketConsumer):
    """One socket: at most one room at a time. The hub is the process's own and comes with the scope."""

    async def connect(self) -> None:
        extension = self.scope["extensions"]["liveroom.socket"]
        self.hub: Hub = extension["hub"]
        self.socket = Socket(transport=extension["transport"], close=self._close_softly)
        self.query = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        self.entry: joining.Entry | None = None
        self.seat: Seat | None = None
        self.visitor = joining.GUEST
        self._shown = 0
        metrics.sockets_open.inc()
        protocols = self.scope.get("subprotocols") or []
        await self.accept(subprotocol=protocols[0] if protocols[:1] == ["liveroom.v1"] else None)
        if not self._origin_is_ours():
            self.socket.dismiss(code=WRONG_ORIGIN, reason="origin", message="This origin is not in LIVEROOM_ORIGINS.")
            return
        await self._log_in(protocols)

    def _origin_is_ours(self) -> bool:
        """Browsers say where a page came from; programs do not. Without LIVEROOM_ORIGINS every page may, in development."""
        headers = dict(self.scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        config = settings.LIVEROOM
        if not origin or origin in config.origins or origin == config.public_http:
            return True
        host = headers.get(b"host", b"").decode("latin-1").rsplit(":", 1)[0]
        try:
            same_host = (urlsplit(origin).hostname or "") == host
        except ValueError:  # an unclosed [
            same_host = False
        return same_host or (not config.origins and not config.production)

    async def _log_in(self, protocols: list[str]) -> None:
        """The token stands in `?usersig=`, or as the second subprotocol after `liveroom.v1`. None: a guest."""
        usersig = self.query.get("usersig", [""])[0]
        if not usersig and protocols[:1] == ["liveroom.v1"] and len(protocols) > 1:
            usersig = protocols[1]
        if not usersig:
            return
        try:
            self.visitor = await database_sync_to_async(joining.visitor_of)(usersig=usersig, now=clock.now())
        except TokenRefused as error:
            self.socket.dismiss(code=BAD_TOKEN, reason=error.name, message=error.message)
        except OperationalError:
            self.socket.dismiss(code=UNAVAILABLE, reason="unavailable", message="Try again in a moment.")
        else:
            self.hub.meet(person=self._person(), listener=self._hear)

    def _person(self) -> str:
        actor = self.visitor.actor
        return whispers.person_key(sdkappid=actor.sdkappid, identifier=actor.identifier)

    def _hear(self, whisper: whispers.Whisper) -> None:
        """What concerns the person behind this socket."""
        if whisper.profile is not None:
            self.visitor = replace(self.visitor, profile=Profile(**whisper.profile))
            if self.entry is not None:
                self.entry = replace(self.entry, speaker=replace(self.entry.speaker, profile=self.visitor.profile))
        if whisper.role is not None and self.entry is not None and self.entry.room.key == whisper.room:
            self.entry = replace(self.entry, speaker=replace(self.entry.speaker, role=whisper.role))
        if whisper.close is not None:
            self.socket.dismiss(code=whisper.close, **whisper.extra)

    async def _close_softly(self, code: int) -> None:
        await self.close(code=code)

    async def disconnect(self, code: int) -> None:
        metrics.sockets_open.dec()
        self.hub.part(person=self._person(), listener=self._hear)
        await self._leave()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.socket.dismissed.is_set():
            return
        command_id: Any = None
        try:
            command = self._parsed(text_data if text_data is not None else bytes_data)
            command_id = command.get("id")
            answer = await self._command(command)
            self._answer({"id": command_id, "ok": True, **answer})
        except LiveRoomError as error:
            self._refuse(command_id, error)
        except (redis.RedisError, OperationalError, OSError) as error:
            log.warning("%s while a command was served", type(error).__name__)
            away = LiveRoomError("A part of the service is away for a moment; try again.", retry_after_ms=1000)
            away.code, away.name = 10002, "unavailable"
            self._refuse(command_id, away)
        except Exception:
            log.exception("A command failed.")
            failed = LiveRoomError("Something failed here; it has been logged.")
            failed.code, failed.name = 10002, "internal"
            self._refuse(command_id, failed)
        if self.seat is not None and self.seat.held is not None and self.entry is not None:
            self.seat.open(after_seq=self._shown)

    def _answer(self, body: dict[str, Any]) -> None:
        self.socket.say(orjson.dumps(body))

    def _refuse(self, command_id: Any, error: LiveRoomError) -> None:
        said = {"code": error.code, "name": error.name, "message": error.message, **error.extra}
        self._answer({"id": command_id, "ok": False, "error": said})

    def _parsed(self, raw: str | bytes | None) -> dict[str, Any]:
        try:
            command = orjson.loads(raw or b"")
        except orjson.JSONDecodeError as error:
            raise BadCommand(f"A frame holds one JSON object: {error}.") from None
        if not isinstance(command, dict):
            raise BadCommand("A frame holds one JSON object.")
        command_id = command.get("id")
        if command_id is not None and not isinstance(command_id, int | str):
            command.pop("id")
            raise BadCommand("id is a number or a text.")
        return command

    async def _command(self, command: dict[str, Any]) -> dict[str, Any]:
        kind = command.get("type")
        handler = self._handlers().get(kind) if isinstance(kind, str) else None
        if handler is None:
            known = ", ".join(sorted(self._handlers()))
            raise BadCommand(f"There is no command {str(kind)[:40]!r}; there are {known}.")
        return await handler(command)

    def _handlers(self) -> dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]]:
        return {"join": self._join, "leave": self._leave_command, "ping": self._ping, "comment": self._comment}

    async def _ping(self, command: dict[str, Any]) -> dict[str, Any]:
        return {"server_time": clock.now_ms()}

    def _asked_app(self) -> int | None:
        raw = self.query.get("sdkappid", [""])[0]
        return int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= 15 else None

    def _http(self) -> str:
        """Under which origin this viewer sees our pages: the name that it dialled, in development."""
        config = settings.LIVEROOM
        if config.production:
            return str(config.public_http)
        host = dict(self.scope["headers"]).get(b"host", b"").decode("latin-1").rsplit(":", 1)[0] or config.host
        return f"http://{host}:{config.http_port}"

    def _address(self) -> str:
        peer = (self.scope.get("client") or [""])[0]
        return behind_proxy(
            peer=peer, forwarded=dict(self.scope["headers"]).get(b"x-forwarded-for", b"").decode("latin-1")
        )

    async def _join(self, command: dict[str, Any]) -> dict[str, Any]:
        group_id, password = command.get("room"), command.get("password")
        if not isinstance(group_id, str):
            raise BadParameter("room is the id of a room.", field="room")
        if password is not None and not isinstance(password, str):
            raise BadParameter("password is text.", field="password")
        since = _since(command.get("since"))
        entry = await database_sync_to_async(joining.enter_room)(
            visitor=self.visitor,
            group_id=group_id,
            sdkappid=self._asked_app(),
            password=password,
            address=self._address(),
        )
        await self._leave()
        seat = await self.hub.enter(room=entry.room, viewer=self.socket)
        try:
            return await self._shown_in(entry, seat, since)
        except BaseException:
            await self.hub.leave(room_key=entry.room.key, seat=seat)
            raise

    async def _shown_in(self, entry: joining.Entry, seat: Seat, since: tuple[str, int] | None) -> dict[str, Any]:
        """The snapshot, and after it what was missed since `since`, if the log reaches back so far."""
        here = await pipeline.position(room_key=entry.room.key, since=None if since is None else since[1])
        self.hub.settle(room_key=entry.room.key, position=here)
        # In this order: what changes from here on has a later `seq` and follows the snapshot.
        present = await database_sync_to_async(joining.present_state)(entry=entry, http=self._http(), now=clock.now())
        now_ms = clock.now_ms()
        snapshot = {
            **present,
            "online": await presence.online(room_key=entry.room.key),
            "history": await pipeline.history(room=entry.room, now_ms=now_ms),
            "server_time": now_ms,
            "epoch": here.epoch,
            "seq": here.seq,
        }
        self.entry, self.seat, self._shown = entry, seat, here.seq
        if since is None:
            return {"snapshot": snapshot}
        epoch, seq = since
        recovered = epoch == here.epoch and seq <= here.seq and len(here.events) == here.seq - seq
        if recovered:
            seat.replay(events=here.events, last_seq=here.seq, room=entry.room.group_id, epoch=here.epoch)
            self._shown = seq
        return {"snapshot": snapshot, "recovered": recovered}

    async def _leave(self) -> None:
        entry, seat, self.entry, self.seat = self.entry, self.seat, None, None
        if entry is not None and seat is not None:
            await self.hub.leave(room_key=entry.room.key, seat=seat)

    async def _leave_command(self, command: dict[str, Any]) -> dict[str, Any]:
        self._in_room(command)
        await self._leave()
        return {}

    def _in_room(self, command: dict[str, Any]) -> joining.Entry:
        room = command.get("room")
        if self.entry is None or (room is not None and room != self.entry.room.group_id):
            raise NotInRoom("You are not in that room; join it first.")
        return self.entry

    async def _comment(self, command: dict[str, Any]) -> dict[str, Any]:
        entry = self._in_room(command)
        receipt = await comments.send_comment(
            room=entry.room, speaker=entry.speaker, data=command, now_ms=clock.now_ms()
        )
        return {"result": receipt.result, "seq": receipt.seq}


def _since(value: Any) -> tuple[str, int] | None:
    """`{epoch, seq}` of the last event that the client saw."""
    if value is None:
        return None
    if (
        isinstance(value, dict)
        and isinstance(value.get("epoch"), str)
        and type(value.get("seq")) is int
        and value["seq"] >= 0
    ):
        return value["epoch"], value["seq"]
    raise BadParameter('since is {"epoch": text, "seq": whole number from 0}.', field="since")
