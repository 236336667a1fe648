"""HLS: the playlist of the stream as it is sent, and those of its ladder. nginx has the segments; their addresses are signed here."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from aiohttp import web

from liveroom.kernel import clock
from liveroom.kernel.errors import NotFound
from liveroom.kernel.web import addresses
from streams.gateway import access
from streams.gateway.edge import GATEWAY, NotReady, admitted_to, asked_otherwise, cors
from streams.gateway.gateway import Admitted, Gateway
from streams.gateway.picture import ladder
from streams.gateway.picture.playlist import viewers_playlist
from streams.gateway.picture.viewer import Ticket
from streams.gateway.policies import Policy

_M3U8 = ".m3u8"
_FIRST_SEGMENT_SECONDS = 6.0
# A connect that comes before the publisher's clock does.
_CLOCK_SLACK_MS = 500


async def ladder_playlist(request: web.Request) -> web.StreamResponse:
    """`/live/<stream>/master.m3u8` and the playlists of its rungs, by the checks of every other way to play."""
    if (answer := asked_otherwise(request)) is not None:
        return answer
    gateway, file = request.app[GATEWAY], request.match_info["file"]
    if not file.endswith(_M3U8):
        raise NotFound("A ladder is at /live/<stream>/master.m3u8.")
    admitted = await admitted_to(request, request.match_info["stream"])
    _count_hls(request, admitted)
    found = ladder.generation(gateway.settings.ladder_folder, admitted.stream.name)
    if found is None:
        raise NotFound("This stream has no ladder now; it plays at /live/<stream>.m3u8.", retry_after_ms=2000)
    if file == f"master{_M3U8}":
        query = {name: request.query[name] for name in access.SIGNED if name in request.query}
        return _m3u8(request, ladder.master_playlist(found, query=query), admitted)
    secret = gateway.settings.secure_link_secret
    text = ladder.rung_playlist(found, rung=file.removesuffix(_M3U8), secret=secret, now_seconds=time.time())
    if text is None:
        raise NotFound(f"The ladder has no such rung now; it has: {', '.join(found.rungs)}.")
    return _m3u8(request, text, admitted)


def _m3u8(request: web.Request, text: str, admitted: Admitted) -> web.Response:
    request.app[GATEWAY].sent.playlist(stream=admitted.stream.name, size=len(text))
    headers = {**cors(request), "Cache-Control": "no-store"}
    return web.Response(text=text, content_type="application/vnd.apple.mpegurl", headers=headers)


def _count_hls(request: web.Request, admitted: Admitted) -> None:
    bitrate_kbps = request.app[GATEWAY].bitrate_kbps(admitted.stream)
    count_hls(request, policy=admitted.policy, ticket=admitted.ticket, bitrate_kbps=bitrate_kbps)


def count_hls(request: web.Request, *, policy: Policy, ticket: Ticket, bitrate_kbps: int) -> None:
    """A player that asked again, or for the first time: then there must be room for it."""
    gateway = request.app[GATEWAY]
    who = f"{_address(request)} {request.headers.get('User-Agent', '')[:200]}"
    if ticket.vid and access.proven(ticket=ticket, vid_secret=gateway.settings.vid_secret):
        who = ticket.vid  # where nobody proves it, anybody could take every place with invented ones
    if request.method == "GET":
        gateway.audience.hls_seen(policy=policy, who=who, bitrate_kbps=bitrate_kbps)


async def stream_playlist(request: web.Request, admitted: Admitted) -> web.Response:
    gateway = request.app[GATEWAY]
    _count_hls(request, admitted)
    publisher = admitted.stream.publisher
    began_ms = clock.now_ms() - (publisher.connected_ms if publisher else 0) - _CLOCK_SLACK_MS
    path = gateway.settings.hls_folder / admitted.stream.name / "index.m3u8"
    if not admitted.stream.video_codec and _read_playlist(gateway, path, admitted.stream.name, began_ms) is None:
        # The engine knows no picture, so there may never be a segment: a copy finds out what is sent, and refuses what cannot play.
        await gateway.ready_feed(admitted)
    deadline = time.monotonic() + _FIRST_SEGMENT_SECONDS
    while (text := _read_playlist(gateway, path, admitted.stream.name, began_ms)) is None:
        # The first segment ends at the second keyframe: wait rather than send players away.
        if time.monotonic() > deadline:
            raise NotReady("The stream is live but has no first segment yet; try again.", retry_after_ms=1000)
        await asyncio.sleep(0.2)
    return _m3u8(request, text, admitted)


def _read_playlist(gateway: Gateway, path: Path, stream: str, began_ms: int) -> str | None:
    try:
        text = path.read_text("ascii")
        return viewers_playlist(
            text, stream=stream, secret=gateway.settings.secure_link_secret, now_seconds=time.time(), began_ms=began_ms
        )
    except (OSError, ValueError):
        return None


def _address(request: web.Request) -> str:
    """nginx names the viewer and lets nobody else do so; it is our only peer."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    return addresses.caller(peer=request.remote or "", forwarded=forwarded, is_trusted=_is_nginx).address


def _is_nginx(address: str) -> bool:
    return address in ("127.0.0.1", "::1")
