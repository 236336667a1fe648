"""The gateway's HTTP: FLV by HTTP and WebSocket and HLS under `/live/`, and its own `/livez` and `/metrics`.

Parses, asks the gateway, shapes the answer. A refusal is problem+json with a code; while a viewer watches, bytes go from the feed
straight to the transport and nothing runs here per viewer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Iterator

from aiohttp import WSCloseCode, web

from liveroom.kernel.errors import PROBLEM, LiveRoomError, NotFound, told
from liveroom.kernel.work.metrics import exposition
from streams.gateway import hls, metrics
from streams.gateway.desk.door import DESKS, desk
from streams.gateway.desk.hearing import Desks
from streams.gateway.dvr.playing import window_playlist
from streams.gateway.edge import (
    GATEWAY,
    METHODS,
    NotReady,
    WrongMethod,
    admitted_to,
    asked_otherwise,
    cors,
    refuse_foreign_page,
)
from streams.gateway.gateway import Admitted, Gateway
from streams.gateway.low_delay.serving import low_delay
from streams.gateway.picture.feed import Feed
from streams.gateway.picture.viewer import Viewer, Wire

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_FLV, _M3U8 = ".flv", ".m3u8"


def application(gateway: Gateway, desks: Desks | None = None) -> web.Application:
    app = web.Application(middlewares=[_edge], client_max_size=1024)
    app[GATEWAY] = gateway
    if desks is not None:
        app[DESKS] = desks
    app.router.add_get("/livez", _livez)
    app.router.add_get("/metrics", _metrics)
    app.router.add_route("*", "/live/{file}", _live)
    app.router.add_route("*", "/live/desk/{mix:[a-z0-9_-]{1,40}}", desk)
    app.router.add_route("*", "/live/{stream}/dvr/{file}", window_playlist)
    app.router.add_route("*", "/live/{stream}/{file}", hls.ladder_playlist)
    app.router.add_route("*", "/live/{stream}/ll/{file}", low_delay)
    return app


@web.middleware
async def _edge(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refusals become problem+json here and nowhere else."""
    try:
        return await handler(request)
    except LiveRoomError as error:
        return _problem(request, error)
    except web.HTTPException as error:
        if error.status == 404:
            return _problem(request, NotFound("There is nothing at this address."))
        raise
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception:
        log.exception("A viewer's request failed.")
        failed = LiveRoomError("Something failed here; it has been logged.")
        failed.code, failed.name, failed.status = 10002, "internal", 500
        return _problem(request, failed)


def _problem(request: web.Request, error: LiveRoomError) -> web.Response:
    metrics.refused.labels(reason=error.name).inc()
    body, wait = told(error)
    headers = {**cors(request), "Cache-Control": "no-store", **wait}
    if isinstance(error, WrongMethod):
        headers["Allow"] = METHODS
    return web.Response(status=error.status, body=json.dumps(body).encode(), content_type=PROBLEM, headers=headers)


async def _livez(request: web.Request) -> web.Response:
    gateway = request.app[GATEWAY]
    return web.json_response({"status": "ok", "process": gateway.settings.name, "streams": gateway.feeds})


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def _live(request: web.Request) -> web.StreamResponse:
    if (answer := asked_otherwise(request)) is not None:
        return answer
    file = request.match_info["file"]
    suffix = next((ending for ending in (_FLV, _M3U8) if file.endswith(ending)), None)
    if suffix is None:
        raise NotFound("Streams are at /live/<stream>.flv and /live/<stream>.m3u8.")
    admitted = await admitted_to(request, file.removesuffix(suffix))
    return await (hls.stream_playlist if suffix == _M3U8 else _flv)(request, admitted)


async def _flv(request: web.Request, admitted: Admitted) -> web.StreamResponse:
    gateway = request.app[GATEWAY]
    socket = request.headers.get("Upgrade", "").lower() == "websocket"
    headers = {**cors(request), "Cache-Control": "no-store", "Content-Type": "video/x-flv"}
    if request.method == "HEAD":
        return web.Response(headers=headers)
    if socket:
        refuse_foreign_page(request)
    kind = "ws_flv" if socket else "flv"
    with gateway.audience.seat(policy=admitted.policy, bitrate_kbps=gateway.bitrate_kbps(admitted.stream)):
        feed = await gateway.ready_feed(admitted)
        if feed is None:
            raise NotReady("The stream is live but sends no picture yet; try again.", retry_after_ms=1000)
        with metrics.viewers.labels(protocol=kind).track_inprogress():
            if socket:
                return await _over_websocket(request, admitted, feed)
            return await _over_http(request, admitted, feed, headers)


async def _over_http(
    request: web.Request, admitted: Admitted, feed: Feed, headers: dict[str, str]
) -> web.StreamResponse:
    answer = web.StreamResponse(headers=headers)
    answer.force_close()
    writer = await answer.prepare(request)
    chunked = bool(getattr(writer, "chunked", False))
    with _watching(request, admitted, feed, Wire.CHUNKED if chunked else Wire.RAW) as viewer:
        await viewer.ended
    await _last_words(viewer, answer.write_eof())
    return answer


async def _over_websocket(request: web.Request, admitted: Admitted, feed: Feed) -> web.StreamResponse:
    answer = web.WebSocketResponse(compress=False, max_msg_size=4096, heartbeat=30.0)
    await answer.prepare(request)
    with _watching(request, admitted, feed, Wire.WEBSOCKET) as viewer:
        heard = asyncio.create_task(_hear(answer))
        try:
            await asyncio.wait((heard, viewer.ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            heard.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await heard
    word = viewer.ended.result() if viewer.ended.done() else "gone"
    code = WSCloseCode.POLICY_VIOLATION if word == "not_allowed" else WSCloseCode.OK
    await _last_words(viewer, answer.close(code=code, message=word.encode()))
    return answer


async def _hear(answer: web.WebSocketResponse) -> None:
    """Players say nothing; pings, pongs and the close are answered by the library."""
    async for _ in answer:
        pass


@contextlib.contextmanager
def _watching(request: web.Request, admitted: Admitted, feed: Feed, wire: Wire) -> Iterator[Viewer]:
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("The viewer left before the first picture.")
    bound = request.app[GATEWAY].bound_bytes(admitted.stream)
    viewer = Viewer(transport=transport, wire=wire, ticket=admitted.ticket, bound_bytes=bound)
    feed.join(viewer)
    try:
        yield viewer
    finally:
        feed.leave(viewer)


async def _last_words(viewer: Viewer, words: Awaitable[object]) -> None:
    """A clean end, for those who still read; the others are cut off."""
    try:
        await asyncio.wait_for(words, 1.0)
    except (TimeoutError, ConnectionError):
        viewer.abort()
