"""Low-latency HLS by HTTP: `/live/<stream>/ll/index.m3u8` by the checks of every other way to play, and the pieces that it names.

Pieces are checked by their names alone (`window.py`): they are what players ask for most."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from liveroom.kernel.errors import LiveRoomError, NotFound
from streams.gateway import access, metrics
from streams.gateway.edge import (
    GATEWAY,
    NotReady,
    admitted_to,
    asked_otherwise,
    cors,
    count_admitted,
    playlist,
    query_of,
)
from streams.gateway.low_delay.asked import Asked, asked_of
from streams.gateway.low_delay.window import Window

INDEX: Final = "index.m3u8"
_ENDINGS: Final = {"m4s": "video/iso.segment", "mp4": "video/mp4"}
_FIRST_SEGMENT_SECONDS: Final = 12.0


class Unsuitable(LiveRoomError):
    """It plays, but not in this way: its sound does not fit into fragments of MP4. 10010."""

    code, name, status = 10010, "low_delay_unsuitable", 415


class NothingNew(LiveRoomError):
    """The stream is live but nothing came for three segments (RFC 8216bis, 6.2.5.2). 10002."""

    code, name, status = 10002, "nothing_new", 503


async def low_delay(request: web.Request) -> web.StreamResponse:
    """`/live/<stream>/ll/<file>`."""
    if (answer := asked_otherwise(request)) is not None:
        return answer
    stream, file = request.match_info["stream"], request.match_info["file"]
    if file == INDEX:
        return await _index(request, stream)
    name, _, ending = file.rpartition(".")
    window = request.app[GATEWAY].low_delay.known(stream)
    if window is None or ending not in _ENDINGS:
        raise NotFound(f"Low-latency HLS of a stream is at /live/<stream>/ll/{INDEX}.")
    data = await window.piece(name)
    request.app[GATEWAY].sent.piece(stream=stream, size=len(data))
    metrics.sent_bytes.inc(len(data))
    headers = {**cors(request), "Cache-Control": "max-age=60", "Content-Type": _ENDINGS[ending]}
    return web.Response(body=data, headers=headers)


async def _index(request: web.Request, stream: str) -> web.Response:
    asked = asked_of(query_of(request))
    try:
        window = await _running(request, stream)
    except access.StreamNotLive:
        ended = await _ended(request, stream)
        if ended is None:
            raise
        window = ended
    text = await window.playlist(asked if request.method == "GET" else Asked())
    if text is None:
        raise NothingNew("The stream is live but nothing new has come; try again.", retry_after_ms=1000)
    return playlist(request, text, stream=stream)


async def _ended(request: web.Request, stream: str) -> Window | None:
    """Who asks just after a stream's end, and might have watched it, is told of the end."""
    gateway = request.app[GATEWAY]
    window = gateway.low_delay.known(stream)
    if window is None or not window.over or not await window.ready(0):
        return None
    ticket, tx_secret = access.ticket_of(stream=stream, query=query_of(request))
    await gateway.policy_for(ticket=ticket, tx_secret=tx_secret)
    return window


async def _running(request: web.Request, stream: str) -> Window:
    """The window of a stream that is live, once it lists anything."""
    gateway = request.app[GATEWAY]
    admitted = await admitted_to(request, stream)
    count_admitted(request, admitted)
    feed = await gateway.ready_feed(admitted)
    if feed is None:
        raise NotReady("The stream is live but sends no picture yet; try again.", retry_after_ms=1000)
    window = gateway.low_delay.of(feed)
    # The first segment ends at the second keyframe: wait rather than send players away.
    if not await window.ready(_FIRST_SEGMENT_SECONDS):
        if why := window.cutter.unsuitable:
            raise Unsuitable(f"This stream does not play with low delay: {why}. It plays at /live/<stream>.m3u8.")
        raise NotReady("The stream is live but has no first segment yet; try again.", retry_after_ms=1000)
    return window
