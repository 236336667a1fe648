"""`/ws/v1`, the life of one connection: opened, logged in, its frames served, closed. PROTOCOL.md says what a client sees of it."""

from __future__ import annotations

from typing import Any, Final

import redis
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import OperationalError

from interactions.delivery.control import Heard
from interactions.delivery.events import Control
from interactions.delivery.fanout import DEFLATED, TEXT
from interactions.delivery.people import user_events
from interactions.socket import control_messages, serving
from interactions.socket.connection import Socket
from interactions.socket.handshake import Handshake, handshake_of
from interactions.socket.session import Session, Shared
from liveroom.accounts.services.tokens import TokenRefused
from liveroom.kernel import clock
from liveroom.kernel.work import metrics
from moderation.live import traces

UNAVAILABLE: Final = 4001
BAD_TOKEN, WRONG_ORIGIN = 4101, 4102


class RoomConsumer(AsyncWebsocketConsumer):
    """One socket: at most one room at a time. What is its process's comes with the scope (`liveroom.socket_server`)."""

    session: Session

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels' own does a thread hop per message to close old database connections; where we use one,
        `database_sync_to_async` does that."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        extension = self.scope["extensions"]["liveroom.socket"]
        socket = Socket(
            transport=extension["transport"],
            codec=DEFLATED if extension["deflated"] else TEXT,
            close=self._close_softly,
            owner=self,
            rest=extension["rest"],
        )
        extension["owns"](socket)
        shared: Shared = extension["shared"]
        shaken = handshake_of(self.scope, address=extension["address"])
        # Daphne keeps them for as long as the socket lives; nobody reads them again.
        self.scope["headers"].clear()
        self.session = Session(
            shared=shared,
            socket=socket,
            source=extension["source"],
            address=extension["address"],
            asked=shaken.asked,
            traces=shaken.traces,
        )
        metrics.sockets_open.inc()
        shared.hub.viewers.add(socket)
        await self.accept(subprotocol=shaken.subprotocol)
        if not shaken.origin_is_ours:
            socket.dismiss(code=WRONG_ORIGIN, reason="origin", message="This origin is not in LIVEROOM_ORIGINS.")
        elif shaken.usersig:
            await self._log_in(shaken)
        else:
            self.session.is_guest = True

    async def _log_in(self, shaken: Handshake) -> None:
        """From here on the socket hears what concerns its person; first what it missed."""
        session = self.session
        try:
            session.visitor = await session.join_cache.visitor(shaken.usersig)
            actor = session.visitor.actor
            await traces.remember(
                sdkappid=actor.sdkappid or 0, identifier=actor.identifier, traces=session.traces, now_ms=clock.now_ms(),
                rounds=session.hub.rounds,
            )  # fmt: skip
            session.allowance.of_person()
            person = session.person()
            session.subscription = user_events.Subscription(person=person, write=session.socket.queue.write)
            session.hub.add_listener(person=person, listener=self._hear)
            position = await user_events.since(person=person, since=shaken.since, rounds=session.hub.rounds)
            session.socket.say(position.frame())
            session.subscription.open(position)
        except TokenRefused as error:
            session.socket.dismiss(code=BAD_TOKEN, reason=error.name, message=error.message)
        except (OperationalError, redis.RedisError, OSError):
            session.socket.dismiss(code=UNAVAILABLE, reason="unavailable", message="Try again in a moment.")

    def _hear(self, message: Heard) -> None:
        control_messages.hear_of_person(self.session, message)

    def hear_control(self, control: Control) -> None:
        """Called by the hub, for the room that it is in."""
        control_messages.hear_of_room(self.session, control)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        socket = self.session.socket
        try:
            if not socket.dismissed:
                await serving.serve(self.session, text_data if text_data is not None else bytes_data)
        finally:
            socket.served += 1

    def refuses(self, payload: bytes) -> bool:
        """Called with each frame before it is queued."""
        return serving.refuses(self.session, payload)

    async def _close_softly(self, code: int) -> None:
        await self.close(code=code)

    async def disconnect(self, code: int) -> None:
        session = self.session
        metrics.sockets_open.dec()
        session.hub.viewers.discard(session.socket)
        if session.subscription is not None:
            session.hub.remove_listener(person=session.subscription.person, listener=self._hear)
        session.socket.queue.end()
        session.leave()
