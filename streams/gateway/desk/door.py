"""`/live/desk/<mix>`: a desk's WebSocket. Text frames, one JSON object each; the page answers each frame of pictures with a word.

`told` (how the compositor and each input is, ten a second), `pictures` (JPEG by name, base64, two a second), `scene` (the number of the
newest: fetch it), `desk` (something else there is other: fetch it), `away` (we hear nothing of any mix). Close codes: 4001 the address
is over, 4000 come again."""

from __future__ import annotations

import asyncio
import contextlib
import time

from aiohttp import WSMsgType, web

from liveroom.kernel.errors import LiveRoomError, NotFound, NotPermitted
from streams.director.rules import Expired, Unsigned, holder
from streams.gateway.desk.hearing import Desks
from streams.gateway.desk.outbox import Outbox
from streams.gateway.edge import asked_otherwise, refuse_foreign_page

DESKS = web.AppKey("desks", Desks)
OVER, AGAIN = 4001, 4000
_PATIENCE_SECONDS = 20.0


class DeskRefused(NotPermitted):
    """The address is not (or no longer) good. 10007."""

    name = "desk_refused"


class OnlyBySocket(LiveRoomError):
    code, name, status = 10004, "websocket_only", 426


async def desk(request: web.Request) -> web.StreamResponse:
    if (answer := asked_otherwise(request)) is not None:
        return answer
    desks = request.app.get(DESKS)
    if desks is None:
        raise NotFound("There are no desks here.")
    mix = request.match_info["mix"]
    query = {key: request.query.getall(key) for key in request.query}
    try:
        who, left = holder(secret=desks.secret, mix=mix, query=query, now_seconds=time.time())
    except (Unsigned, Expired) as error:
        raise DeskRefused(f"{error} Ask GET /director/{mix} for a new one.") from None
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise OnlyBySocket("A desk is a WebSocket.")
    refuse_foreign_page(request)
    with desks.seat(mix=mix, who=who) as outbox:
        socket = web.WebSocketResponse(compress=False, max_msg_size=1024, heartbeat=15.0)
        await socket.prepare(request)
        await _serve(socket, outbox, seconds=left)
        return socket


async def _serve(socket: web.WebSocketResponse, outbox: Outbox, *, seconds: float) -> None:
    """Until the page leaves, stops reading, or its address is over."""
    talking = asyncio.create_task(_talk(socket, outbox))
    hearing = asyncio.create_task(_hear(socket, outbox))
    try:
        done, _ = await asyncio.wait((talking, hearing), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (talking, hearing):
            task.cancel()
        await asyncio.gather(talking, hearing, return_exceptions=True)
    if not socket.closed:
        code, word = (AGAIN, b"gateway_stopping") if done else (OVER, b"address_is_over")
        with contextlib.suppress(TimeoutError, ConnectionError):
            await asyncio.wait_for(socket.close(code=code, message=word), 1.0)


async def _talk(socket: web.WebSocketResponse, outbox: Outbox) -> None:
    while (frame := await outbox.next()) is not None:
        # Waits while more than its buffer is unread; whoever reads nothing for so long is gone.
        await asyncio.wait_for(socket.send_frame(frame, WSMsgType.TEXT), _PATIENCE_SECONDS)


async def _hear(socket: web.WebSocketResponse, outbox: Outbox) -> None:
    async for _ in socket:
        outbox.taken()
